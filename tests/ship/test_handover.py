"""Whatever wins is handed over whole: what is asked later is exactly what was scored, shot by shot."""

from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.arms import tuned
from workbench.decide.compare import Bench
from workbench.decide.recommendation import Recommendation
from workbench.errors import BadInput, Prerequisite
from workbench.project import create_project, open_project
from workbench.scoring.answers import Answer
from workbench.scoring.intervals import Interval
from workbench.ship import handover as module
from workbench.ship.export import Parity
from workbench.ship.handover import Answered, Handover, ask, hand_over

SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}
LABELS = ("refund", "delivery", "praise")
UNTUNED = ("bare", "instructions", "examples", "nearest")
EXTRA = (
    Example("own", (("system", "You are a pirate."), ("user", "abc")), "refund"),
    Example("talk", (("user", "Hello"), ("assistant", "Hi?"), ("user", "It broke, xyz.")), "praise"),
)


def part(name, n):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"{name} {'abc'[i % 3] * (i + 1)}"),), LABELS[i % 3]) for i in range(n)))


def letters(texts):
    """A stand-in for an embedding model: how often each letter occurs."""
    counts = numpy.array([[text.lower().count(c) for c in "abcdefghijklmnopqrstuvwxyz"] for text in texts], dtype=float)
    return counts / numpy.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def project(projects, monkeypatch):
    made = create_project("p", SETTINGS)
    part("train", 20).save(made.path("data/train.jsonl"))
    part("validation", 4).save(made.path("data/validation.jsonl"))
    Dataset("test", (*part("test", 7).examples, *EXTRA)).save(made.path("data/test.jsonl"))
    Task("label", "by hand", "Sort the message.").save(made.path("data/task.json"))
    monkeypatch.setattr(module, "load_embedder", lambda log: SimpleNamespace(vectors=letters))
    return made


def bench_of(project):
    bench = Bench(project)
    bench.__dict__["embedder"] = SimpleNamespace(vectors=letters)
    return bench


def won(arm, outcome="decided"):
    return Recommendation(outcome, arm, f"The {arm} arm", 0.8, 0.02, ("because",), "rows", "cards")


def save_parity(project, merged=Interval(0.9, 0.8, 0.95)):
    Parity(7, 6, Interval(0.91, 0.8, 0.95), merged, Interval(-0.01, -0.05, 0.03)).save(project.path("ship/parity.json"))


@pytest.mark.parametrize("key", UNTUNED)
def test_what_is_handed_over_asks_exactly_what_was_scored(project, key):
    bench = bench_of(project)
    (scored,) = [arm for arm in bench.standard_arms() if arm.key == key]
    hand_over(bench, won(key), "ship")
    again = open_project("p")
    restored = module._arm(again, Handover.load(again.path("ship/handover.json")))
    for row in bench.test:
        assert restored.prompt(row) == scored.prompt(row)
    assert restored.recipe == scored.recipe and restored.key == key and not restored.tuned


def test_the_tuned_model_is_asked_as_it_was_scored(project):
    save_parity(project)
    bench = bench_of(project)
    restored = module._arm(project, hand_over(bench, won("pilot"), "ship"))
    assert restored.tuned
    for row in bench.test:
        assert restored.prompt(row) == tuned("run").prompt(row)


@pytest.mark.parametrize(
    "key, files",
    [("bare", []), ("instructions", []), ("examples", ["examples.jsonl"]), ("nearest", ["examples.jsonl", "vectors.safetensors"]), ("pilot", [])],
)
def test_the_winners_folder_holds_its_parts_and_nothing_of_an_earlier_winner(project, key, files):
    save_parity(project)
    bench = bench_of(project)
    hand_over(bench, won("nearest"), "ship")
    hand_over(bench, won(key), "ship")
    assert sorted(p.name for p in project.path("ship/winner").iterdir()) == files


@pytest.mark.parametrize("key", UNTUNED)
def test_later_changes_to_the_training_rows_do_not_change_what_was_handed_over(project, key):
    bench = bench_of(project)
    before = hand_over(bench, won(key), "ship")
    prompts = [module._arm(project, before).prompt(row) for row in bench.test]
    part("train", 3).save(project.path("data/train.jsonl"))
    Task("label", "by hand", "Sort it otherwise.").save(project.path("data/task.json"))
    assert [module._arm(project, Handover.load(project.path("ship/handover.json"))).prompt(row) for row in bench.test] == prompts


def test_the_tuned_model_goes_out_with_its_own_score_and_the_verdict(project):
    save_parity(project, Interval(0.612, 0.5, 0.7))
    status = hand_over(bench_of(project), won("pilot"), "retrain").status
    assert "decided" in status and "0.612 [0.500, 0.700]" in status and "retrain" in status


def test_the_tuned_model_is_not_handed_over_before_its_merged_files_were_measured(project):
    with pytest.raises(Prerequisite, match="05_ship_with_evidence.ipynb"):
        hand_over(bench_of(project), won("pilot"), "ship")
    assert not project.path("ship/handover.json").exists()


@pytest.mark.parametrize("outcome", ["not decided", "none is good enough"])
def test_what_was_not_decided_is_handed_over_under_that_word(project, outcome):
    made = hand_over(bench_of(project), won("bare", outcome), "ship")
    assert outcome in made.status and outcome in repr(made)


@pytest.mark.parametrize("key", [*UNTUNED, "pilot"])
def test_the_record_survives_its_file_and_says_what_it_is_made_of(project, key):
    save_parity(project)
    made = hand_over(bench_of(project), won(key), "ship")
    assert Handover.load(project.path("ship/handover.json")) == made
    assert made.table().iloc[0].tolist() == ["what", f"The {key} arm"]


@pytest.fixture
def model(monkeypatch):
    """Which model was loaded, and what it was asked."""
    seen = SimpleNamespace(loaded=[], asked=[])

    def load(choice, log, folder=None):
        seen.loaded.append((choice.reference, folder))
        return "model"

    def answer(loaded, prompts, max_new_tokens):
        seen.asked.append((prompts, max_new_tokens))
        return [Answer("refund", 1, 1, False, 0.1) for _ in prompts]

    monkeypatch.setattr(module, "load_for_answers", load)
    monkeypatch.setattr(module, "generate_answers", answer)
    return seen


@pytest.mark.parametrize("key", UNTUNED)
def test_a_question_is_asked_of_the_base_model_with_the_prompt_and_limit_of_the_comparison(project, model, key):
    bench = bench_of(project)
    (scored,) = [arm for arm in bench.standard_arms() if arm.key == key]
    hand_over(bench, won(key), "ship")
    row = bench.test.examples[0]
    assert ask(open_project("p"), row.input) == "refund"
    assert model.loaded == [("embedded", None)]
    assert model.asked == [([scored.prompt(row)], bench.max_new_tokens)]


def test_a_question_to_the_tuned_winner_is_asked_of_the_merged_model(project, model):
    save_parity(project)
    hand_over(bench_of(project), won("pilot"), "ship")
    ask(project, "Where is my parcel?")
    assert model.loaded == [("embedded", project.path("ship/merged"))]


@pytest.mark.parametrize("question", ["", "  \n\t"])
def test_an_empty_question_is_refused_before_a_model_is_loaded(project, model, question):
    hand_over(bench_of(project), won("bare"), "ship")
    with pytest.raises(BadInput, match="empty"):
        ask(project, question)
    assert model.loaded == []


def test_asking_before_anything_was_handed_over_names_the_notebook_to_run(project, model):
    with pytest.raises(Prerequisite, match="05_ship_with_evidence.ipynb"):
        ask(project, "Where is my parcel?")
    assert model.loaded == []


def test_a_hostile_question_or_answer_is_shown_escaped():
    shown = Answered("<script>q</script>", "<img src=x onerror=a>")._repr_html_()
    assert "<script" not in shown and "<img" not in shown and "&lt;script&gt;q" in shown
