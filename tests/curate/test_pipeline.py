"""The exported pipeline finds the near duplicates that the notebook finds, and runs with no network."""

from __future__ import annotations

import ast
import os
import random
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from workbench.curate.near import bands_for, near_duplicates
from workbench.curate.pipeline import write_pipeline
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.files import read_jsonl

ROOT = Path(__file__).resolve().parents[2]
WORDS = [a + b for a in "bcdfghklmnprst" for b in ("ando", "ever", "illon", "orst", "umba", "arret", "eki")]


def planted(rows=260, copies=40):
    """Rows of made-up words, and behind them copies of some with one word more; row and copy share over nine tenths."""
    dice = random.Random(3)
    texts = [" ".join(dice.choices(WORDS, k=60)) for _ in range(rows)]
    texts[5 % rows] += " write to jo@example.org"
    texts += [f"{texts[i]} umbrella" for i in range(copies)]
    examples = [Example(f"r{i}", (("user", text),), "yes") for i, text in enumerate(texts)]
    secret = Example("r100", (("user", f"{texts[100 % len(texts)]} my password is Xk39!vqz"),), "Your Xk39!vqz was reset, call tel. 030 23125439")
    return Dataset("all", tuple(secret if e.row_id == "r100" else e for e in examples))


def rows_in(folder):
    return {row["row_id"]: row for path in sorted(folder.glob("*.jsonl")) for row in read_jsonl(path)}


@pytest.mark.skipif(not all(map(find_spec, ("datatrove", "orjson"))), reason="datatrove or orjson isn't installed")
def test_the_pipeline_keeps_one_row_of_each_cluster_that_the_notebook_finds(tmp_path):
    dataset = planted()
    script = write_pipeline(tmp_path / "job", dataset.save(tmp_path / "all.jsonl"), tasks=2, regions=("DE",))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    kept, aside = rows_in(tmp_path / "job" / "kept"), rows_in(tmp_path / "job" / "set_aside")
    texts = ["\n".join(e.texts) for e in dataset]
    clusters = near_duplicates(texts, threshold=0.8).clusters(len(texts)).tolist()
    assert len(set(clusters)) == 260
    assert sorted(clusters[int(row_id[1:])] for row_id in kept) == sorted(set(clusters))
    assert set(kept) | set(aside) == {e.row_id for e in dataset} and not set(kept) & set(aside)
    # Both of the rows with the address are masked, the one that stays and the one that doesn't.
    written = {**kept, **aside}
    assert all("[EMAIL]" in written[i]["messages"][0]["content"] for i in ("r5", "r265"))
    assert written["r5"]["provenance"]["transformations"] == ["personal data masked (type)"]
    # What a word gives away in the question is masked in the answer too, where no such word stands.
    assert written["r100"]["answer"] == "Your [SECRET] was reset, call tel. [PHONE]"
    assert Example.from_dict(written["r7"]) == dataset.examples[7]


@pytest.mark.parametrize("executor", ["local", "slurm", "ray"])
def test_a_script_for_each_executor_can_be_read_by_python(tmp_path, executor):
    source = planted(10, 0).save(tmp_path / "all.jsonl")
    script = write_pipeline(tmp_path / "job", source, executor, tasks=3)
    names = {node.id for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)}
    assert f"{executor.capitalize()}PipelineExecutor" in names
    assert str(tmp_path) not in script.read_text(encoding="utf-8")  # so that the folder can be moved


def test_the_regions_of_telephone_numbers_reach_the_script(tmp_path):
    script = write_pipeline(tmp_path / "job", planted(10, 0).save(tmp_path / "all.jsonl"), regions=["DE", "US"])
    assert "MASKING = Masking(regions=('DE', 'US'))\n" in script.read_text(encoding="utf-8")


def test_rows_are_dealt_out_whole_and_evenly(tmp_path):
    source = tmp_path / "all.jsonl"
    source.write_bytes(b'{"a": 1}\r\n\n{"a": 2}\n{"a": 3}\n{"a": 4}\n{"a": "\xc3\xa9\xe2\x80\xa8"}')
    write_pipeline(tmp_path / "job", source, tasks=2)
    parts = [path.read_bytes() for path in sorted((tmp_path / "job" / "input").iterdir())]
    assert parts == [b'{"a": 1}\n{"a": 3}\n{"a": "\xc3\xa9\xe2\x80\xa8"}\n', b'{"a": 2}\n{"a": 4}\n']


def test_more_tasks_than_rows_leave_none_without_a_row(tmp_path):
    script = write_pipeline(tmp_path / "job", planted(3, 0).save(tmp_path / "all.jsonl"), tasks=8)
    assert len(list((tmp_path / "job" / "input").iterdir())) == 3
    assert "TASKS = 3\n" in script.read_text(encoding="utf-8")


@pytest.mark.parametrize("wrong", [{"executor": "spark"}, {"tasks": 0}, {"tasks": 501}, {"threshold": 0}, {"threshold": 1.5}])
def test_settings_that_make_no_sense_are_refused(tmp_path, wrong):
    source = planted(3, 0).save(tmp_path / "all.jsonl")
    with pytest.raises(BadInput):
        write_pipeline(tmp_path / "job", source, **wrong)


def test_rows_that_are_not_there_and_a_folder_that_was_run_are_refused(tmp_path):
    with pytest.raises(BadInput, match="no rows to hand over"):
        write_pipeline(tmp_path / "job", tmp_path / "none.jsonl")
    (tmp_path / "job" / "logs").mkdir(parents=True)
    with pytest.raises(BadInput, match="run already"):
        write_pipeline(tmp_path / "job", planted(3, 0).save(tmp_path / "all.jsonl"))


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_buckets_turn_at_the_threshold(threshold):
    buckets, hashes = bands_for(threshold)

    def meet(similarity):
        return 1 - (1 - similarity**hashes) ** buckets

    assert buckets * hashes <= 128
    assert meet(threshold) > 0.5 and meet(threshold - 0.2) < 0.25
