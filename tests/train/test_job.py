"""A run's folder as a job: trained by its name, dealt out to several processes, written out for Slurm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import BadInput, Prerequisite
from workbench.models import EMBEDDED, ModelChoice
from workbench.runtime import ROOT
from workbench.train import job
from workbench.train.plan import plan
from workbench.train.processes import is_first, share_of
from workbench.train.run import prepare
from workbench.train.slurm import write_job

CHOICE = ModelChoice(EMBEDDED, "for the test")
HOSTILE = "my run's \"best\" $HOME `id` ü"
needs_bash = pytest.mark.skipif(os.name == "nt" or not shutil.which("bash"), reason="no bash on this machine")


def rows(name, n=8):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"q{i}"),), "a") for i in range(n)))


TRAIN, VALIDATION = rows("train"), rows("validation", 4)
PLAN = plan(CHOICE, TRAIN, VALIDATION, 10, 4)


def write_folder(folder, settings=PLAN):
    prepare(settings, CHOICE, TRAIN, VALIDATION, folder)
    return folder


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in ("WORLD_SIZE", "RANK", "LOCAL_RANK", "SLURM_JOB_ID", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "run")


@pytest.fixture
def asked(monkeypatch):
    """What training was asked to do, in place of training; it tells of one step."""
    calls = []

    def train(*arguments):
        calls.append(arguments)
        arguments[-2]([{"step": 3, "seconds": 1.0, "loss": 2.0}], 10)
        return "Run: done"

    monkeypatch.setattr(job, "train", train)
    monkeypatch.setattr(job, "leave", lambda: None)
    return calls


def test_what_the_folder_says_is_trained_and_nothing_else(folder, asked):
    job.train_folder(folder)
    ((settings, choice, train_rows, validation_rows, place, log, _, _),) = asked
    assert (settings, choice, place) == (PLAN, CHOICE, folder.resolve())
    assert (train_rows.fingerprint, validation_rows.fingerprint) == (PLAN.data, PLAN.validation)
    assert log.parent == folder.resolve(), "the folder is enough; no project is needed"


@pytest.mark.parametrize("lost", job.NEEDED)
def test_a_folder_that_is_not_whole_is_refused_and_what_is_missing_named(folder, asked, lost):
    (folder / lost).unlink()
    with pytest.raises(Prerequisite, match=f"has no {lost}, so"):
        job.train_folder(folder)
    with pytest.raises(Prerequisite, match=f"has no {lost}, so"):
        write_job(folder, folder)
    assert not asked and not (folder / "train.sbatch").exists()


def test_a_step_is_a_line_and_only_the_first_process_says_it(folder, asked, capsys, monkeypatch):
    assert job.main([str(folder)]) == 0
    assert capsys.readouterr().out == "step 3 of 10: loss 2.000 (1 s)\nRun: done\n"
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert job.main([str(folder)]) == 0
    assert capsys.readouterr().out == ""


def test_a_plan_that_asks_for_scorings_is_told_that_a_job_makes_none(tmp_path, asked, capsys):
    assert job.main([str(write_folder(tmp_path / "run", PLAN.change(score_every=5)))]) == 0
    assert "the last weights are kept" in capsys.readouterr().out


@pytest.mark.parametrize(("entry", "said"), [
    ({"validation_loss": 1.5}, "validation loss 1.500"), ({"note": "Memory ran out."}, "Memory ran out."),
    ({"score": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 40}}, "score 0.500"),
])  # fmt: skip
def test_every_kind_of_entry_has_its_line(entry, said):
    assert job._line({"step": 2, "seconds": 7.6, **entry}, 10) == f"step 2 of 10: {said} (8 s)"


def test_a_mistake_is_one_sentence_that_names_the_process_and_no_trace(tmp_path, capsys, monkeypatch):
    assert job.main([str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Prerequisite: ") and "Traceback" not in said and said.count("\n") == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert job.main([str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("process 1 of 2: Prerequisite: ")


def test_a_batch_is_dealt_out_so_that_a_step_sees_the_same_rows(monkeypatch):
    assert [share_of(4), share_of(4, 2), share_of(12, 4)] == [4, 2, 3]
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert share_of(4) == 1


@pytest.mark.parametrize(("batch", "processes", "advice"), [(4, 3, "to 3 or 6,"), (2, 4, "to 4,"), (10, 4, "to 8 or 12,")])
def test_a_batch_that_cannot_be_dealt_out_is_refused_with_the_sizes_that_can(batch, processes, advice):
    with pytest.raises(BadInput, match=f"{batch} rows.*{processes} processes.*{advice}"):
        share_of(batch, processes)


@pytest.mark.parametrize(("size", "rank", "first"), [("", "", True), ("1", "0", True), ("2", "0", True), ("2", "1", False)])
def test_one_process_and_no_other_is_the_first(monkeypatch, size, rank, first):
    monkeypatch.setenv("WORLD_SIZE", size)
    monkeypatch.setenv("RANK", rank)
    assert is_first() is first


def test_alone_nobody_is_waited_for_and_nothing_heavy_is_loaded():
    code = (
        "import sys; from workbench.train.processes import agreed, join, leave, wait_for_all\n"
        "join(); wait_for_all(); leave(); assert agreed(7) == 7 and 'torch' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k not in ("WORLD_SIZE", "RANK")}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment)


@needs_bash
@pytest.mark.parametrize("settings", [{}, {"nodes": 2}, {"processes_per_node": 4, "gpus_per_node": 4}], ids=str)
def test_the_job_file_is_bash(tmp_path, settings):
    path = write_job(write_folder(tmp_path / HOSTILE), tmp_path, **settings)
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_slurms_lines_stand_before_the_first_command_and_say_what_was_asked_for(folder, tmp_path):
    path = write_job(folder, tmp_path, 2, nodes=2, gpus_per_node=2, minutes=90, threads_per_process=3)
    lines = path.read_text(encoding="utf-8").splitlines()
    asked = [line.removeprefix("#SBATCH --") for line in lines if line.startswith("#SBATCH")]
    first_command = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first_command:]), "Slurm reads no further"
    assert {"nodes=2", "ntasks-per-node=1", "cpus-per-task=6", "gpus-per-node=2", "time=90", "requeue"} <= set(asked)
    assert "gpus" not in write_job(folder, tmp_path).read_text(encoding="utf-8")


def test_the_job_file_has_the_line_ends_of_unix_and_is_utf8(tmp_path):
    data = write_job(write_folder(tmp_path / "Läufe"), tmp_path).read_bytes()
    assert data.startswith(b"#!/bin/bash\n") and b"\r" not in data and "Läufe" in data.decode("utf-8")


@pytest.fixture
def stub(tmp_path):
    """A program in the place of python, srun and scontrol, which writes down how it was called, one argument a line."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").write_text(
        '#!/bin/bash\nprintf "%s\\n" "$PWD" "$WORKBENCH_PROJECTS" "$OMP_NUM_THREADS" "$@" > "$CALLS"\n', encoding="utf-8"
    )
    (tools / "srun").write_text('#!/bin/bash\nprintf "%s\\n" "$@" > "$CALLS.srun"\n', encoding="utf-8")
    (tools / "scontrol").write_text("#!/bin/bash\necho alpha-7; echo beta-1\n", encoding="utf-8")
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return tools


def call(script, tools, **environment):
    calls = tools / "calls"
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CALLS": str(calls), **environment}
    subprocess.run(["bash", str(script)], check=True, cwd=tools, env=environment)
    return [path.read_text(encoding="utf-8").splitlines() if path.exists() else [] for path in (calls, tools / "calls.srun")]


@needs_bash
def test_by_hand_torchrun_gets_the_folder_to_the_letter_and_only_this_machine(tmp_path, stub, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PROJECTS", str(tmp_path / "my projects"))
    folder = write_folder(tmp_path / HOSTILE)
    (place, projects, threads, *arguments), srun = call(
        write_job(folder, tmp_path, 2, nodes=2, threads_per_process=3, python=str(stub / "python")), stub
    )
    assert arguments[-3:] == ["-m", "workbench.train.job", str(folder.resolve())]
    assert {"--nnodes=1", "--nproc-per-node=2", "--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0"} <= set(arguments)
    assert (Path(place), projects, threads, srun) == (ROOT, str(tmp_path / "my projects"), "3", [])


@needs_bash
def test_with_slurm_one_torchrun_starts_on_each_machine_and_all_meet_at_the_first(tmp_path, stub):
    path = write_job(write_folder(tmp_path / HOSTILE), tmp_path, 2, nodes=2, threads_per_process=3, python=str(stub / "python"))
    _, srun = call(path, stub, SLURM_JOB_ID="41234", SLURM_JOB_NUM_NODES="2", SLURM_JOB_NODELIST="x")
    assert {"--nnodes=2", "--nproc-per-node=2", "--cpus-per-task=6"} <= set(srun)
    assert {"--rdzv-endpoint=alpha-7:21234", "--rdzv-id=41234"} <= set(srun)
    assert srun[-1] == str((tmp_path / HOSTILE).resolve())


@pytest.mark.parametrize(("settings", "said"), [
    ({"nodes": 3}, "batch of 4 rows.*3 processes"),
    ({"nodes": 0}, "nodes = 0"),
    ({"processes_per_node": 2.0}, "processes_per_node = 2.0"),
    ({"minutes": True}, "minutes = True"),
    ({"gpus_per_node": -1}, "gpus_per_node = -1"),
    ({"gpus_per_node": 4}, "processes_per_node is 1 and gpus_per_node is 4"),
])  # fmt: skip
def test_a_job_that_would_fail_in_the_queue_is_refused_before_it_is_written(folder, tmp_path, settings, said):
    with pytest.raises(BadInput, match=said):
        write_job(folder, tmp_path, **settings)
    assert not (tmp_path / "train.sbatch").exists()
