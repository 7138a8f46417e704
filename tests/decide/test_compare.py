"""A Bench scores each arm once: finished cards are read back, stale ones made anew, looks at test rows counted."""

from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide import compare
from workbench.decide.arms import bare, instructed
from workbench.decide.compare import Bench, Comparison
from workbench.decide.recommendation import Goal, recommend
from workbench.errors import Mismatch, Prerequisite
from workbench.models import ModelChoice
from workbench.project import create_project, open_project
from workbench.scoring.answers import Answer
from workbench.scoring.scorecard import Scorecard
from workbench.train.plan import plan
from workbench.train.run import Run

LABELS = ("refund", "delivery", "praise")
SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


def part(name, n, first=0):
    rows = (Example(f"{name}{i}", (("user", f"{name} question {i}"),), LABELS[i % 3]) for i in range(first, first + n))
    return Dataset(name, tuple(rows))


def save(project, instructions="Sort it.", kind="label", train=None, test=None):
    (train or part("train", 12)).save(project.path("data/train.jsonl"))
    part("validation", 6).save(project.path("data/validation.jsonl"))
    (test or part("test", 9)).save(project.path("data/test.jsonl"))
    Task(kind, "by hand", instructions).save(project.path("data/task.json"))


@pytest.fixture
def project(projects):
    made = create_project("p", SETTINGS)
    save(made)
    return made


class Model:
    """Stands in for a model in memory."""

    precision = "fp32"

    def __init__(self):
        self.freed = False

    def free(self):
        self.freed = True


@pytest.fixture
def asked(monkeypatch):
    """Every batch of prompts that was put to a model; all answers are "refund"."""
    batches = []

    def answer(loaded, prompts, max_new_tokens, progress=None):
        batches.append((prompts, max_new_tokens))
        if progress:
            progress(len(prompts), len(prompts))
        return [Answer("refund", 10, 1, False, 0.5) for _ in prompts]

    monkeypatch.setattr(compare, "generate_answers", answer)
    return batches


def score(project, arm=None, **other):
    bench = Bench(open_project(project.name))
    arm = arm or instructed(bench.task)
    return bench.score(arm, bench.test, project.path(f"decide/{arm.key}.json"), Model, **other)


def no_model():
    pytest.fail("a model was loaded")


def test_an_arm_is_asked_its_own_prompts_on_every_row(project, asked):
    card = score(project)
    bench = Bench(project)
    ((prompts, limit),) = asked
    assert prompts == [instructed(bench.task).prompt(e) for e in bench.test]
    assert limit == bench.max_new_tokens == card.max_new_tokens
    assert [r.row_id for r in card.rows] == [e.row_id for e in bench.test]
    assert card.interval().value == pytest.approx(1 / 3)
    assert (card.data, card.precision) == (bench.test.fingerprint, "fp32")


def test_a_finished_card_is_read_back_and_no_model_is_asked(project, asked):
    made = score(project)
    bench = Bench(open_project("p"))
    again = bench.score(instructed(bench.task), bench.test, project.path("decide/instructions.json"), no_model)
    assert again == made and len(asked) == 1


def longer_answers():
    rows = part("train", 12).examples
    return Dataset("train", (replace(rows[0], answer="refund " * 40), *rows[1:]))


@pytest.mark.parametrize(
    "change",
    [
        lambda project: save(project, instructions="Sort it well."),
        lambda project: save(project, test=part("test", 9, first=1)),
        lambda project: save(project, test=Dataset("test", part("test", 9).examples[::-1])),
        lambda project: save(project, train=longer_answers()),
        lambda project: save(project, kind="number"),
    ],
    ids=["instructions", "rows", "order of rows", "limit on answers", "scorer"],
)
def test_a_card_whose_recipe_has_changed_is_scored_anew(project, asked, change):
    before = score(project)
    change(project)
    after = score(project)
    assert len(asked) == 2 and after.recipe != before.recipe
    assert Scorecard.load(project.path("decide/instructions.json")) == after


def test_another_model_or_method_makes_a_card_stale(project, asked, monkeypatch):
    score(project)
    bench = Bench(open_project("p"))
    bench.__dict__["choice"] = ModelChoice("some/model", "")
    bench.score(instructed(bench.task), bench.test, project.path("decide/instructions.json"), Model)
    assert len(asked) == 2
    monkeypatch.setattr(compare, "METHOD", compare.METHOD + 1)
    bench.score(instructed(bench.task), bench.test, project.path("decide/instructions.json"), Model)
    assert len(asked) == 3


def test_a_look_at_the_test_rows_is_counted_and_reading_a_card_back_is_none(project, asked):
    score(project)
    score(project)
    assert [(look["what"], look["rows"]) for look in project.test_looks()] == [("Instructions (fp32)", 9)]
    score(project, bare())
    assert len(project.test_looks()) == 2


def test_scoring_the_test_rows_anew_with_other_instructions_is_another_look(project, asked):
    score(project)
    save(project, instructions="Sort it well, after having seen the score.")
    score(project)
    assert len(asked) == 2
    assert len(project.test_looks()) == 2


def test_validation_rows_are_no_look_at_the_test_rows(project, asked):
    bench = Bench(project)
    bench.with_adapter = lambda folder: Model()
    card = bench.score_validation(a_run(bench))
    assert card.data == bench.validation.fingerprint and len(card.rows) == 6
    bench.__dict__["base"] = Model()
    bench.side_by_side(card)
    assert project.test_looks() == []


def test_progress_names_the_arm_and_counts_its_rows(project, asked):
    seen = []
    score(project, progress=lambda *said: seen.append(said))
    assert seen == [("Instructions", 9, 9)]


def test_the_limit_on_answers_is_the_same_for_all_arms_and_follows_the_longest_known_answer(project):
    assert Bench(project).max_new_tokens == 32
    for length, limit in ((90, 60), (5000, 512)):
        rows = part("train", 3).examples
        save(project, train=Dataset("train", (replace(rows[0], answer="x" * length), *rows[1:])))
        assert Bench(project).max_new_tokens == limit


def test_the_four_untuned_arms_are_scored_from_least_upkeep_to_most_and_the_model_let_go(project, asked):
    bench, model = Bench(project), Model()
    bench.__dict__["base"] = model
    bench.__dict__["embedder"] = SimpleNamespace(vectors=lambda texts: numpy.ones((len(texts), 1)))
    cards = bench.score_untuned()
    assert [card.arm for card in cards] == ["bare", "instructions", "examples", "nearest"]
    assert model.freed and "base" not in bench.__dict__
    assert len({card.data for card in cards}) == 1 and len({card.max_new_tokens for card in cards}) == 1
    assert {limit for _, limit in asked} == {bench.max_new_tokens}
    assert len(project.test_looks()) == 4


def test_worked_examples_come_from_the_training_rows_alone(project, asked):
    bench = Bench(project)
    bench.__dict__["embedder"] = SimpleNamespace(vectors=lambda texts: numpy.ones((len(texts), 1)))
    for arm in bench.standard_arms():
        shown = [content for role, content in arm.prompt(bench.test.examples[0])[1:-1] if role == "user"]
        assert all(content.startswith("train question") for content in shown)
        assert len(shown) == (5 if arm.key in ("examples", "nearest") else 0)


def a_run(bench):
    settings = plan(bench.choice, bench.train, bench.validation, 40, 4)
    return Run("pilot", settings.to_dict(), 40, 3.0, 0.1, 0.2, 12.0, 1.5, 0, (), {"torch": "2"}, "machine")


def test_the_pilot_is_scored_beside_the_others_with_what_its_training_cost(project, asked):
    bench, folders = Bench(project), []
    bench.with_adapter = lambda folder: folders.append(folder) or Model()
    card = bench.score_pilot(a_run(bench))
    assert folders == [project.path("decide/pilot")]
    assert (card.arm, card.training_seconds, card.data) == ("pilot", 12.0, bench.test.fingerprint)


def test_saved_cards_come_in_the_order_of_upkeep_and_a_missing_one_names_the_notebook(project, asked):
    bench = Bench(project)
    bench.__dict__["base"] = Model()
    bench.__dict__["embedder"] = SimpleNamespace(vectors=lambda texts: numpy.ones((len(texts), 1)))
    bench.score_untuned()
    with pytest.raises(Prerequisite, match="02_prompt_rag_or_finetune.ipynb"):
        bench.cards()
    bench.with_adapter = lambda folder: Model()
    bench.score_pilot(a_run(bench))
    assert [card.arm for card in bench.cards()] == ["bare", "instructions", "examples", "nearest", "pilot"]


@pytest.fixture
def compared(project, asked):
    """A project in which notebook 02 was run to its end."""
    bench = Bench(project)
    bench.__dict__["base"] = Model()
    bench.__dict__["embedder"] = SimpleNamespace(vectors=lambda texts: numpy.ones((len(texts), 1)))
    bench.with_adapter = lambda folder: Model()
    plan(bench.choice, bench.train, bench.validation, 40, 4).save(project.path("decide/pilot/plan.json"))
    cards = [*bench.score_untuned(), bench.score_pilot(a_run(bench))]
    found = recommend(cards, Goal(0.9, 0.02))
    found.save(project.path("decide/recommendation.json"))
    return found


def test_a_recommendation_is_read_back_while_its_rows_and_scores_are_the_same(project, compared):
    assert Bench(project).recommendation() == compared


def rescored(project):
    bench = Bench(project)
    save(project, instructions="Sort it well.")
    bench.score(instructed(Bench(project).task), bench.test, project.path("decide/instructions.json"), Model)


@pytest.mark.parametrize(
    "change",
    [lambda project: save(project, test=part("test", 8)), lambda project: save(project, train=part("train", 11)), rescored],
    ids=["test rows", "training rows", "scores"],
)
def test_a_recommendation_made_on_other_rows_or_scores_is_refused(project, compared, change):
    change(project)
    with pytest.raises(Mismatch, match="02_prompt_rag_or_finetune.ipynb"):
        Bench(project).recommendation()


def test_without_a_recommendation_the_notebook_that_makes_it_is_named(project):
    with pytest.raises(Prerequisite, match="02_prompt_rag_or_finetune.ipynb"):
        Bench(project).recommendation()


def test_a_run_trained_on_rows_that_have_changed_since_is_refused(project):
    run = a_run(Bench(project))
    run.save(project.path("train/run.json"))
    assert Bench(project).run() == run
    save(project, train=part("train", 11))
    with pytest.raises(Mismatch, match="03_train_with_qlora.ipynb"):
        Bench(project).run()


@pytest.mark.parametrize("changed", [None, "train", "model"])
def test_a_plan_that_was_begun_is_offered_again_only_on_the_same_rows_and_model(project, changed):
    bench = Bench(project)
    assert bench.begun_plan() is None
    begun = plan(bench.choice, bench.train, bench.validation, 40, 4).change(steps=17)
    begun.save(project.path("train/plan.json"))
    if changed == "train":
        save(project, train=part("train", 11))
    again = Bench(project)
    if changed == "model":
        again.__dict__["choice"] = ModelChoice("some/model", "")
    assert again.begun_plan() == (begun if changed is None else None)


def test_before_and_after_are_shown_row_by_row(project, asked):
    bench = Bench(project)
    bench.__dict__["base"] = Model()
    bench.with_adapter = lambda folder: Model()
    after = bench.score_validation(a_run(bench))
    after = replace(after, rows=tuple(replace(r, answer=f"tuned on {r.row_id}") for r in after.rows[::-1]))
    shown = bench.side_by_side(after, rows=2)
    assert shown.rows == tuple((e.input, e.answer, "refund", f"tuned on {e.row_id}") for e in bench.validation.head(2))
    assert list(shown.table().columns) == ["input", "expected", "base model", "tuned model"]


def test_the_table_of_arms_repeats_the_cards_numbers(project, asked):
    one = score(project, bare())
    other = replace(one, title="Other", rows=tuple(replace(r, score=1.0) for r in one.rows), seconds_per_call=0.123)
    table = Comparison((one, other)).table()
    difference, score_of_other = other.minus(one), other.interval()
    assert table["score"].tolist() == [round(one.interval().value, 3), 1.0]
    assert table["95 % interval"][1] == f"{score_of_other.low:.3f} to {score_of_other.high:.3f}"
    assert table["against the arm above"].tolist() == ["", f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"]
    assert table["seconds per call"].tolist() == [0.5, 0.12]
