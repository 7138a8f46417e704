"""Adapter and merged model leave as files once per run, and how far they differ is measured on the same rows."""

from dataclasses import replace

from types import SimpleNamespace

import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide import compare
from workbench.decide.arms import pilot, pilot_instructed
from workbench.decide.compare import Bench
from workbench.errors import Mismatch
from workbench.files import read_json, write_json
from workbench.project import create_project
from workbench.scoring.answers import Answer
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.ship import export as module
from workbench.ship.export import Parity, check_parity, export, parity
from workbench.train.plan import plan
from workbench.train.run import Run

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


def card(answers, scores, data="rows1"):
    rows = tuple(ScoredRow(f"r{i}", s, a, 10, 2, False) for i, (a, s) in enumerate(zip(answers, scores, strict=True)))
    return Scorecard("tuned", "Tuned", "recipe", data, "m", "NF4", "label", 64, rows, 0.5, 0.0, "machine")


ADAPTER = card(["refund", "praise", "delivery", "Refund"], [1.0, 1.0, 0.0, 1.0])
MERGED = card(["refund", "refund", "delivery", "refund"], [1.0, 0.0, 0.0, 1.0])


def test_answers_are_counted_as_the_same_only_to_the_letter():
    found = parity(ADAPTER, MERGED)
    assert (found.same, found.rows) == (2, 4)


def test_scores_and_their_paired_difference_are_the_cards_own():
    found = parity(ADAPTER, MERGED)
    assert (found.adapter, found.merged) == (ADAPTER.interval(), MERGED.interval())
    assert found.difference == MERGED.minus(ADAPTER) and found.difference.value == -0.25


def test_a_merged_model_that_answers_alike_differs_by_nothing():
    found = parity(ADAPTER, ADAPTER)
    assert (found.same, found.difference.value) == (4, 0.0)
    assert found.difference.low < 0 < found.difference.high, "four rows can't prove that there is no difference"


def test_cards_of_other_rows_are_not_compared():
    with pytest.raises(Mismatch, match="same test rows"):
        parity(ADAPTER, replace(MERGED, data="rows2"))


def test_parity_survives_its_file_and_its_table_repeats_its_numbers(tmp_path):
    found = parity(ADAPTER, MERGED)
    assert Parity.load(found.save(tmp_path / "parity.json")) == found
    assert found.table()["found"].tolist() == [str(found.adapter), str(found.merged), str(found.difference), "2 of 4"]


def rows(name, n):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"q{i}"),), "refund") for i in range(n)))


@pytest.fixture
def project(projects):
    made = create_project("p", SETTINGS)
    for name, n in (("train", 12), ("validation", 4), ("test", 6)):
        rows(name, n).save(made.path(f"data/{name}.jsonl"))
    Task("label", "by hand", "Sort it.").save(made.path("data/task.json"))
    adapter = made.path("train/adapter")
    write_json(adapter / "adapter_config.json", {"base_model_name_or_path": "/home/somebody/models/x", "r": 16})
    (adapter / "adapter_model.safetensors").write_bytes(b"weights")
    (adapter / "README.md").write_text("a template", encoding="utf-8")
    return made


def a_run(project, seed=0):
    bench = Bench(project)
    settings = plan(bench.choice, bench.train, bench.validation, 40, 4, seed)
    return Run("train", settings.to_dict(), 40, 3.0, 0.1, 0.2, 12.0, 1.5, 0, (), {}, "machine")


@pytest.fixture
def merges(monkeypatch):
    """How often a merge was made; a merge is a folder with a file in it."""
    made = []

    def merge(choice, adapter, target, log):
        made.append(read_json(adapter / "adapter_config.json"))
        target.mkdir(parents=True)
        (target / "model.safetensors").write_bytes(b"merged")
        return target

    monkeypatch.setattr(module, "merge_adapter", merge)
    return made


def test_the_exported_adapter_names_its_base_model_and_no_path_of_this_machine(project, merges):
    adapter, merged = export(Bench(project), a_run(project))
    config = read_json(adapter / "adapter_config.json")
    assert config == {"base_model_name_or_path": "SmolLM2-135M-Instruct (embedded)", "r": 16}
    assert sorted(p.name for p in adapter.iterdir()) == ["adapter_config.json", "adapter_model.safetensors"]
    assert (adapter / "adapter_model.safetensors").read_bytes() == b"weights"
    assert (merged / "model.safetensors").exists()
    assert "somebody" in (project.path("train/adapter") / "adapter_config.json").read_text(encoding="utf-8"), "the run's own copy stays"


def test_a_run_is_exported_once_and_another_run_anew(project, merges):
    bench = Bench(project)
    assert export(bench, a_run(project)) == export(bench, a_run(project))
    assert len(merges) == 1
    export(bench, a_run(project, seed=1))
    assert len(merges) == 2


def test_an_export_that_was_killed_is_made_again(project, merges, monkeypatch):
    bench = Bench(project)
    whole = module.merge_adapter

    def killed(choice, adapter, target, log):
        whole(choice, adapter, target, log)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "merge_adapter", killed)
    with pytest.raises(KeyboardInterrupt):
        export(bench, a_run(project))
    monkeypatch.setattr(module, "merge_adapter", whole)
    export(bench, a_run(project))
    assert len(merges) == 2


@pytest.fixture
def asked(monkeypatch):
    """Which model was loaded from where, and what it was asked; the merged one answers a third of the rows otherwise."""
    seen = SimpleNamespace(loaded=[], asked=[])

    class Answerer:
        name = identity = "m"

        def __init__(self, loaded, identity):
            self.precision, self.identity = loaded, identity

        def answer(self, prompts, limit, schema=None, known={}):
            seen.asked.append((self.precision, list(prompts), limit))
            merged = ["refund"] * 4 + ["praise"] * 2
            yield {i: Answer("refund" if self.precision == "NF4" else merged[i], 10, 1, False, 0.1) for i in range(len(prompts))}

    def load(place, precision):
        seen.loaded.append(place)
        return precision

    monkeypatch.setattr(compare, "LocalModel", Answerer)
    monkeypatch.setattr(compare, "answer_precision", lambda: "bfloat16")
    monkeypatch.setattr(compare, "load_for_answers", lambda choice, log, folder=None: load(folder, "bfloat16"))
    monkeypatch.setattr(Bench, "with_adapter", lambda self, run, place: load(self.project.path(place), "NF4"))
    return seen


@pytest.fixture(params=["pilot", "pilot-instructions"])
def trained(request, monkeypatch):
    """The arm whose form the run was trained for."""
    form = {"pilot": lambda bench: pilot(), "pilot-instructions": lambda bench: pilot_instructed(bench.task)}[request.param]
    monkeypatch.setattr(Bench, "to_train", form)
    return form


def test_adapter_and_merged_model_answer_the_same_test_rows_in_the_form_that_was_trained_and_both_looks_count(project, asked, trained):
    bench = Bench(project)
    found = check_parity(bench, a_run(project))
    assert asked.loaded == [project.path("train"), project.path("ship/merged")]
    prompts = [trained(bench).prompt(row) for row in bench.test]
    assert asked.asked == [("NF4", prompts, bench.max_new_tokens), ("bfloat16", prompts, bench.max_new_tokens)]
    assert (found.rows, found.same) == (6, 4)
    assert found.difference.value == pytest.approx(-1 / 3)
    assert len(project.test_looks()) == 2
    assert Parity.load(project.path("ship/parity.json")) == found
    assert check_parity(bench, a_run(project)) == found and len(asked.asked) == 2


def test_another_run_is_measured_anew(project, asked, trained):
    bench = Bench(project)
    check_parity(bench, a_run(project))
    for weights in (project.path("train/adapter/adapter_model.safetensors"), project.path("ship/merged/model.safetensors")):
        weights.parent.mkdir(parents=True, exist_ok=True)
        weights.write_bytes(b"other weights")
    check_parity(bench, a_run(project, seed=1))
    assert len(asked.asked) == 4 and len(project.test_looks()) == 4


def test_parity_where_nothing_could_be_judged_can_still_be_saved_and_shown(tmp_path):
    unjudged = card(["refund", "praise"], [None, None])
    found = parity(unjudged, unjudged)
    loaded = Parity.load(found.save(tmp_path / "parity.json"))
    assert (loaded.same, loaded.rows) == (2, 2) and loaded.adapter[1:] == (0.0, 1.0)
    assert "2 of 2" in loaded._repr_html_()
