"""A Bench scores each arm once: finished cards are read back, stale ones made anew, looks at test rows counted."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide import compare, finding
from workbench.decide.arms import bare, instructed, pilot, pilot_instructed, with_examples
from workbench.decide.compare import COMPARED, Bench, Comparison
from workbench.decide.endpoint import Endpoint
from workbench.decide.recommendation import Goal, recommend, rungs, set_ladder
from workbench.decide.retrieval import Passage
from workbench.errors import Mismatch, Prerequisite
from workbench.files import read_json, write_text
from workbench.models import ModelChoice
from workbench.project import create_project, open_project
from workbench.result import NotRun
from workbench.scoring.answers import Answer
from workbench.scoring.scorecard import Scorecard
from workbench.scoring.scorers import Judged
from workbench.scoring.seeds import Seeds
from workbench.train.plan import plan
from workbench.train.run import Run, adapter_folder

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

    def __init__(self, name="base"):
        self.name, self.freed = name, False

    def free(self):
        self.freed = True


class Asked:
    """Stands in for models that answer: what was put to whom, and in `die_after` how many batches they live.

    The base says "refund"; a tuned one says "delivery", and by another seed "praise" to every second row.
    """

    def __init__(self):
        self.batches, self.loaded, self.die_after, self.sourced = [], [], None, False

    def model(self, loaded, identity):
        asked = self

        class Answerer:
            def answer(self, prompts, limit, schema=None, known={}):
                for start in range(0, len(prompts), 3):
                    batch = range(start, min(start + 3, len(prompts)))
                    if all(i in known for i in batch):
                        continue
                    if asked.die_after is not None and len(asked.batches) >= asked.die_after:
                        raise KeyboardInterrupt
                    asked.batches.append(SimpleNamespace(
                        model=loaded.name, prompts=[prompts[i] for i in batch], limit=limit, schema=schema, identity=identity,
                    ))
                    behind = [" [post-1]" if asked.sourced and "[post-1]" in str(prompts[i][-1]) else "" for i in batch]
                    yield {i: Answer(self.say(i) + b, 10, 1, False, 0.5) for i, b in zip(batch, behind, strict=True)}

            def say(self, i):
                tuned, seeded = "base" not in loaded.name, "seed" in loaded.name
                return "refund" if not tuned else "praise" if seeded and i % 2 else "delivery"

        answerer = Answerer()
        answerer.name, answerer.precision, answerer.identity = loaded.name, "fp32", identity
        return answerer

    @property
    def calls(self):
        """Prompts that were answered."""
        return sum(len(batch.prompts) for batch in self.batches)

    def prompts(self, model=None):
        return [prompt for batch in self.batches if model in (None, batch.model) for prompt in batch.prompts]


@pytest.fixture
def asked(monkeypatch):
    """Every model is a stand-in, every training a record of what it was given."""
    seen = Asked()

    def load(name):
        seen.loaded.append(name)
        return Model(name)

    monkeypatch.setattr(compare, "LocalModel", seen.model)
    monkeypatch.setattr(compare, "answer_precision", lambda: "fp32")
    monkeypatch.setattr(compare, "load_for_answers", lambda choice, log, folder=None: load("base" if folder is None else folder.name))
    monkeypatch.setattr(compare, "load_embedder", lambda log: SimpleNamespace(name="eye", vectors=lambda texts: numpy.eye(len(texts), 64)))
    monkeypatch.setattr(Bench, "with_adapter", lambda self, run, place: load(Path(place).name))
    return seen


@pytest.fixture
def trainings(monkeypatch):
    """What was trained: place, plan and rows; a finished run lies in its place."""
    seen = []

    def train(settings, choice, rows, watched, folder, log, progress=None, watch=None, mirror=None, tracker=False):
        path = folder / "run.json"
        assert (settings.data, settings.validation) == (rows.fingerprint, watched.fingerprint), "the plan is of these rows"
        if not (path.exists() and Run.load(path).plan == settings.to_dict()):
            seen.append(SimpleNamespace(place=folder.name, plan=settings, rows=rows, watched=watched, watch=watch))
            a_run(settings, folder.name).save(path)
            write_text(adapter_folder(folder) / "adapter_model.safetensors", f"weights of {settings.fingerprint}")
        return Run.load(path)

    monkeypatch.setattr(compare, "train", train)
    return seen


def a_run(settings, name="train"):
    return Run(name, settings.to_dict(), 40, 3.0, 0.1, 0.2, 12.0, 1.5, 0, (), {"torch": "2"}, "machine")


def plan_of(bench, rows=None, seed=0):
    return plan(bench.choice, *(rows or (bench.train, bench.validation)), 40, 4, seed)


def score(project, arm=None, **other):
    bench = Bench(open_project(project.name))
    arm = arm or instructed(bench.task)
    return bench.score(arm, bench.test, project.path(f"decide/{arm.key}.json"), bench.untuned(), **other)


def test_an_arm_is_asked_its_own_prompts_on_every_row(project, asked):
    card = score(project)
    bench = Bench(project)
    assert asked.prompts() == [instructed(bench.task).prompt(e) for e in bench.test]
    assert {batch.limit for batch in asked.batches} == {bench.max_new_tokens} == {card.max_new_tokens}
    assert [r.row_id for r in card.rows] == [e.row_id for e in bench.test]
    assert card.interval().value == pytest.approx(1 / 3)
    assert (card.data, card.precision) == (bench.test.fingerprint, "fp32")


def test_a_finished_card_is_read_back_and_no_model_is_loaded(project, asked):
    made = score(project)
    asked.loaded.clear()
    assert score(project) == made and asked.loaded == [] and asked.calls == 9


def test_an_arm_that_is_held_to_a_schema_is_asked_with_it(project, asked):
    schema = {"type": "object"}
    score(project, replace(bare(), schema=schema))
    assert [batch.schema for batch in asked.batches] == [schema] * 3


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
    assert after.recipe != before.recipe
    assert Scorecard.load(project.path("decide/instructions.json")) == after


def test_another_model_or_method_makes_a_card_stale(project, asked, monkeypatch):
    first = score(project)
    bench = Bench(open_project("p"))
    bench.__dict__["choice"] = ModelChoice("some/model", "")
    second = bench.score(instructed(bench.task), bench.test, project.path("decide/instructions.json"), bench.untuned())
    assert asked.calls == 18 and second.recipe != first.recipe
    monkeypatch.setattr(compare, "METHOD", compare.METHOD + 1)
    third = bench.score(instructed(bench.task), bench.test, project.path("decide/instructions.json"), bench.untuned())
    assert third.recipe not in (first.recipe, second.recipe)


def test_only_rows_that_were_not_asked_yet_are_put_to_the_model(project, asked):
    score(project)
    save(project, test=Dataset("test", (*part("test", 9).examples, *part("test", 3, first=20).examples)))
    assert len(score(project).rows) == 12
    assert asked.calls == 12


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
    assert asked.calls == 18
    assert len(project.test_looks()) == 2


def test_progress_names_the_arm_and_counts_its_rows(project, asked):
    seen = []
    score(project, progress=lambda *said: seen.append(said))
    assert {title for title, _, _ in seen} == {"Instructions"}
    assert seen[-1] == ("Instructions", 9, 9) and [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_the_limit_on_answers_is_the_same_for_all_arms_and_follows_the_longest_known_answer(project):
    assert Bench(project).max_new_tokens == 32
    for length, limit in ((90, 60), (5000, 512)):
        rows = part("train", 3).examples
        save(project, train=Dataset("train", (replace(rows[0], answer="x" * length), *rows[1:])))
        assert Bench(project).max_new_tokens == limit


QUICK = ["bare", "instructions", "examples", "nearest", "pilot"]


def test_the_arms_of_a_quick_walk_stand_from_least_upkeep_to_most(project):
    assert [arm.key for arm in Bench(project).arms()] == QUICK


def test_all_that_can_be_combined_holds_the_quick_arms_unchanged(project):
    bench = Bench(project)
    everything = {arm.key: arm.recipe for arm in bench.arms(everything=True)}
    assert [key for key in everything if key in QUICK] == QUICK and "pilot-instructions" in everything
    assert all(everything[arm.key] == arm.recipe for arm in bench.arms())


def write_documents(project, days="three"):
    """Documents beside the project, with a version in which a number has changed."""
    for version, said in (("documents", days), ("documents_v2", "nine")):
        write_text(project.path(f"{version}/post.md"), f"# Post\n\nThe question of a parcel takes {said} days.\n\n# Money\n\nWe pay back in a week.\n")
    places = {name: str(project.path(name)) for name in ("documents", "documents_v2")}
    write_text(project.path("decide/documents.json"), json.dumps(places))
    return Bench(project)


def test_documents_bring_arms_that_look_things_up_and_one_that_is_tuned_on_passages(project, asked):
    bench = write_documents(project)
    arms = {arm.key: arm for arm in bench.arms()}
    (rag,) = [key for key in arms if key.startswith("rag-")]
    assert list(arms) == ["bare", "instructions", "examples", "nearest", rag, "pilot", "raft"]
    for key in (rag, "raft"):
        assert "three days" in arms[key].prompt(bench.test.examples[0])[-1][1]
    everything = {arm.key: arm.recipe for arm in bench.arms(everything=True)}
    assert {rag, f"{rag}-plain", "pilot-rag", "raft"} <= set(everything)
    assert all(everything[key] == arm.recipe for key, arm in arms.items()), "the same arm is asked the same, however many there are"


def test_with_changed_documents_the_question_sees_the_new_ones_and_what_was_learnt_stays(project, asked):
    bench = write_documents(project)
    before = {arm.key: arm for arm in bench.arms()}
    after = {arm.key: arm for arm in bench.arms(documents="documents_v2")}
    assert list(before) == list(after)
    row = bench.test.examples[0]
    for key, arm in after.items():
        looks_up = arm.form.lookup is not None
        assert ("nine days" in arm.prompt(row)[-1][1]) is looks_up and (arm.recipe != before[key].recipe) is looks_up
    rag = next(key for key in after if key.startswith("rag-"))
    assert "nine days" not in str(after[rag].prompt(row)[:-1]) and "three days" in str(after[rag].prompt(row)[:-1])
    assert after["raft"].trained.form.recipe == before["raft"].trained.form.recipe


def test_worked_examples_come_from_the_training_rows_alone(project, asked):
    bench = Bench(project)
    for arm in bench.arms(everything=True):
        shown = [content for role, content in arm.prompt(bench.test.examples[0])[1:-1] if role == "user"]
        assert all(content.startswith("train question") for content in shown)
        assert len(shown) == (5 if arm.form.shots else 0)


def test_all_arms_are_scored_on_the_same_rows_with_the_same_limit_and_the_model_let_go(project, asked, trainings):
    bench = Bench(project)
    cards = bench.compare(bench.arms())
    assert [card.arm for card in cards] == QUICK
    assert "base" not in bench.__dict__
    assert len({card.data for card in cards}) == 1 and len({card.max_new_tokens for card in cards}) == 1
    assert {batch.limit for batch in asked.batches} == {bench.max_new_tokens}
    assert len(project.test_looks()) == 5
    assert cards == Bench(project).cards()


def test_the_pilot_is_trained_on_the_training_rows_and_scored_with_what_its_training_cost(project, asked, trainings):
    bench = Bench(project)
    card = bench.compare([pilot()])[0]
    ((trained),) = trainings
    assert (trained.place, trained.rows.fingerprint, trained.watched.fingerprint) == (
        "pilot", bench.train.fingerprint, bench.validation.fingerprint,
    )
    assert asked.loaded == ["pilot"] and (card.arm, card.training_seconds, card.precision) == ("pilot", 12.0, "NF4")


def test_arms_that_share_a_training_train_once_and_a_form_of_its_own_trains_by_itself(project, asked, trainings):
    bench = Bench(project)
    again = replace(pilot(), key="pilot-asked-otherwise", form=instructed(bench.task).form)
    bench.compare([pilot(), again, pilot_instructed(bench.task)])
    assert [t.place for t in trainings] == ["pilot", "pilot-instructions"]
    assert trainings[1].rows.examples[0].messages[0] == ("system", "Sort it.")


def test_a_pilot_is_not_scored_on_its_way_and_the_full_training_is(project, asked, trainings):
    bench = Bench(project)
    decide(project)
    bench.source(pilot())
    proposed, rows = bench.propose_plan(), bench.training_rows()
    bench.fit(proposed, "train", None, *rows)
    assert [bool(t.watch) for t in trainings] == [False, True]
    assert proposed.score_every % proposed.save_every == 0 and "validation rows" in proposed.reasons["score_every"]


def test_on_the_way_validation_rows_are_asked_in_the_form_that_is_learnt_and_shown_masked(project, asked, trainings, monkeypatch):
    bench = instructed_pilot_wins(project)
    prompts = []

    def answer(loaded, given, limit):
        prompts.extend(given)
        return [Answer("call +49 30 901820 now", 5, 1, False, 0.1) for _ in given]

    monkeypatch.setattr(compare, "generate_answers", answer)
    bench.fit(bench.propose_plan(), "train", None, *bench.training_rows())
    found, looks = trainings[-1].watch(SimpleNamespace(choice=bench.choice, precision="NF4"), 10), project.test_looks()
    form = bench.to_train().form
    assert prompts == [form.prompt(e) for e in bench.validation.head(len(prompts))] and found.n == len(prompts)
    assert "901820" not in str(found.answers) and found.answers[0]["expected"] == bench.validation.examples[0].answer
    assert project.test_looks() == looks, "test rows stay unseen"


def test_a_plan_is_made_to_fit_the_memory_when_the_rows_tokens_are_known(project, asked, monkeypatch):
    bench = Bench(project)
    decide(project)
    monkeypatch.setattr(compare, "shape_of", lambda choice: "shape")
    monkeypatch.setattr(compare, "adjusted", lambda plan, shape, tokens, machine: plan.change(batch_size=2, accumulation=2))
    fitted = bench.propose_plan([(10, 2)])
    assert (fitted.batch_size, fitted.rows_per_step) == (2, bench.propose_plan().rows_per_step)


def test_what_a_full_fine_tune_learnt_is_a_model_of_its_own_and_another_than_an_adapter(project, asked, trainings, monkeypatch):
    bench = Bench(project)
    folder = project.path("train")
    plans = {flavour: plan_of(bench).change(flavour=flavour) for flavour in ("qlora", "lora", "full")}
    write_text(folder / "adapter" / "adapter_model.safetensors", "small")
    write_text(folder / "model" / "model.safetensors", "whole")
    sources = {flavour: bench.tuned(a_run(settings), "train") for flavour, settings in plans.items()}
    assert len({source.identity for source in sources.values()}) == 3
    assert sources["qlora"].precision == "NF4" != sources["lora"].precision == sources["full"].precision


def test_a_sweep_takes_more_time_than_a_quick_walk_has_and_says_so(project, asked):
    with pytest.raises(Prerequisite, match="thorough"):
        Bench(project).sweep(plan_of(Bench(project)))


def test_a_tuned_arm_is_trained_once_a_seed_and_its_cards_are_kept_apart(project, asked, trainings):
    bench = Bench(project)
    cards = bench.compare([bare(), pilot()], seeds=(0, 1, 2))
    assert [t.plan.seed for t in trainings] == [0, 1, 2]
    assert isinstance(cards[0], Scorecard) and isinstance(cards[1], Seeds) and len(cards[1].cards) == 3
    assert len({one.recipe for one in cards[1].cards}) == 3
    assert cards[1].cards[0].interval().value != cards[1].cards[1].interval().value
    files = sorted(p.name for p in project.path("decide").glob("*.json") if p.name != "compared.json")
    assert files == ["bare.json", "pilot-seed1.json", "pilot-seed2.json", "pilot.json"]
    assert len({path.read_text(encoding="utf-8") for path in project.path("decide").glob("pilot*.json")}) == 3
    assert Bench(project).cards() == cards


def test_more_seeds_leave_the_ones_that_are_there_alone(project, asked, trainings):
    bench = Bench(project)
    first = bench.compare([pilot()])[0]
    assert bench.compare([pilot()], seeds=(0, 1))[0].cards[0] == first
    assert [t.plan.seed for t in trainings] == [0, 1]


def test_changing_one_arm_asks_only_that_one_again(project, asked, trainings):
    bench = Bench(project)
    chosen = bench.train.head(2)
    before = bench.compare([bare(), with_examples(bench.task, chosen), pilot()])
    calls, looks = asked.calls, len(project.test_looks())
    changed = with_examples(bench.task, bench.train.head(3))
    after = bench.compare([bare(), changed, pilot()])
    assert asked.calls == calls + 9 and len(project.test_looks()) == looks + 1 and len(trainings) == 1
    assert (after[0], after[2]) == (before[0], before[2]) and after[1].recipe != before[1].recipe
    assert asked.prompts()[-9:] == [changed.prompt(e) for e in bench.test]


class Crash:
    """An arm's part that fails on every question."""

    recipe = ("crash",)

    def __call__(self, example):
        raise ZeroDivisionError("the index <broke>\nhere")


def crashing():
    return replace(bare(), key="crash", title="Crashing arm", form=replace(bare().form, shots=Crash()))


def test_an_arm_that_always_crashes_leaves_the_others_their_cards(project, asked, trainings):
    bench = Bench(project)
    cards = bench.compare([bare(), crashing(), pilot()])
    alone = {card.arm: card for card in Bench(project).compare([bare(), pilot()])}
    assert [card.arm for card in cards] == ["bare", "crash", "pilot"]
    assert (cards[0], cards[2]) == (alone["bare"], alone["pilot"])
    assert (cards[1].n, cards[1].unscorable) == (0, 9), "not asked is not wrong"
    assert {row.error for row in cards[1].rows} == {"Crashing arm could not be asked: the index <broke> here"}


def test_a_crashed_arm_is_told_in_the_recommendation_and_never_chosen(project, asked, trainings):
    bench = Bench(project)
    arms = [crashing(), bare(), pilot()]
    ladder = set_ladder(project, rungs(arms))
    found = recommend(bench.compare(arms), Goal(0.1, 0.02), ladder)
    assert found.arm != "crash" and any("the index <broke> here" in reason for reason in found.reasons)


def test_an_arm_that_crashed_is_tried_again_the_next_time(project, asked, trainings):
    bench = Bench(project)
    bench.compare([crashing()])
    mended = replace(crashing(), form=bare().form)
    assert bench.compare([mended])[0].n == 9


def test_a_training_that_fails_on_every_seed_leaves_the_others_their_cards(project, asked, monkeypatch):
    monkeypatch.setattr(compare, "train", lambda *given: 1 / 0)
    bare_card, tuned = Bench(project).compare([bare(), pilot()], seeds=(0, 1, 2))
    assert bare_card.n == 9 and (tuned.n, tuned.unscorable) == (0, 9)


def test_a_kill_is_not_taken_for_a_crash_of_the_arm(project, asked, trainings):
    asked.die_after = 2
    with pytest.raises(KeyboardInterrupt):
        Bench(project).compare([bare()])
    assert not project.path("decide/bare.json").exists()


def identical(cards):
    """Everything a card says but wall time."""
    return [card.to_dict() | {"seconds_per_call": 0} for one in cards for card in getattr(one, "cards", (one,))]


@pytest.mark.parametrize("kills", [(1,), (4, 5, 5, 9, 13)])
def test_an_interrupted_comparison_goes_on_and_ends_with_the_same_cards(project, asked, trainings, kills):
    arms = Bench(project).arms()
    for kill in kills:
        asked.die_after = kill
        with pytest.raises(KeyboardInterrupt):
            Bench(open_project("p")).compare(arms, seeds=(0, 1))
    asked.die_after = None
    found = Bench(open_project("p")).compare(arms, seeds=(0, 1))
    assert asked.calls == 6 * 9, "no row was asked twice"
    whole = create_project("whole", SETTINGS)
    save(whole)
    bench = Bench(whole)
    assert identical(found) == identical(bench.compare(bench.arms(), seeds=(0, 1)))
    assert len(open_project("p").test_looks()) == len(whole.test_looks()) == 6, "a look that was cut short and taken up is one look"


def test_saved_cards_come_in_the_order_of_upkeep_and_a_missing_one_names_the_notebook(project, asked, trainings):
    with pytest.raises(Prerequisite, match="02_prompt_rag_or_finetune.ipynb"):
        Bench(project).cards()
    bench = Bench(project)
    bench.compare(bench.arms(), seeds=(0, 1))
    assert [card.arm for card in bench.cards()] == QUICK
    project.path("decide/pilot-seed1.json").unlink()
    with pytest.raises(Prerequisite, match="02_prompt_rag_or_finetune.ipynb"):
        bench.cards()


def test_what_is_compared_is_written_down_before_anything_is_scored(project, asked):
    asked.die_after = 0
    with pytest.raises(KeyboardInterrupt):
        Bench(project).compare([bare(), pilot()], seeds=(0, 1))
    assert read_json(project.path(COMPARED))["cards"] == [["decide/bare.json"], ["decide/pilot.json", "decide/pilot-seed1.json"]]


def decide(project, arms=None, tuned_wins=False):
    """Notebook 02 run to its end; the arm named last is the one recommended if `tuned_wins`."""
    bench = Bench(open_project(project.name))
    arms = arms or bench.arms()
    found = recommend(bench.compare(arms), Goal(0.9, 0.02), set_ladder(project, rungs(arms)))
    if tuned_wins:
        found = replace(found, arm=arms[-1].key, title=arms[-1].title, tuned=arms[-1].tuned)
    found.save(project.path("decide/recommendation.json"))
    return found


@pytest.fixture
def compared(project, asked, trainings):
    """A project in which notebook 02 was run to its end."""
    return decide(project)


def test_a_recommendation_is_read_back_while_its_rows_and_scores_are_the_same(project, compared):
    assert Bench(project).recommendation() == compared


def rescored(project):
    bench = Bench(project)
    save(project, instructions="Sort it well.")
    bench.score(instructed(Bench(project).task), bench.test, project.path("decide/instructions.json"), bench.untuned())


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


def test_the_winner_is_the_very_arm_that_was_scored(project, compared):
    bench = Bench(project)
    (scored,) = [arm for arm in bench.arms() if arm.key == compared.arm]
    assert (bench.winner().key, bench.winner().recipe) == (scored.key, scored.recipe)


class Server(Endpoint):
    """Stands in for a server that answers; the rows in `down` fail."""

    down = ()

    def answer(self, prompts, limit, schema=None, known={}):
        self.asked = [i for i in range(len(prompts)) if i not in known]
        for i in self.asked:
            yield {i: Answer("", 0, 0, False, 0.5, error="It is down.") if i in self.down else Answer(LABELS[i % 3], 10, 1, False, 0.5)}


def server():
    return Server("http://127.0.0.1:9/v1", "large", "SOME_KEY", agreed=True)


def test_rows_that_a_server_failed_on_are_not_wrong_and_they_alone_are_asked_again(project, asked):
    bench, first = Bench(project), server()
    first.down = (2, 5)
    (card,) = bench.compare([bench.arms(first)[-1]])
    assert (card.n, card.unscorable, card.interval().value) == (7, 2, 1.0)
    assert [row.error for row in card.rows if row.error] == ["It is down."] * 2
    second = server()
    (card,) = Bench(project).compare([bench.arms(second)[-1]])
    assert second.asked == [2, 5] and (card.n, card.unscorable) == (9, 0)
    assert len(project.test_looks()) == 1


def test_an_arm_that_asks_a_server_is_known_again_without_its_key_and_without_leave_to_send(project, asked, trainings, monkeypatch):
    monkeypatch.setenv("SOME_KEY", "sk-secret")
    bench = Bench(project)
    arms = [bare(), bench.arms(server())[-1]]
    found = decide(project, arms, tuned_wins=True)
    assert bench.cards()[1].interval().value == 1.0 and (found.arm, found.tuned) == ("endpoint", False)
    winner = Bench(open_project("p")).winner()
    assert (winner.recipe, winner.title) == (arms[1].recipe, arms[1].title)
    assert (winner.endpoint.address, winner.endpoint.model, winner.endpoint.agreed) == ("http://127.0.0.1:9/v1", "large", False)
    assert not any("sk-secret" in p.read_text(encoding="utf-8") for p in project.folder.rglob("*.json*"))


def test_a_server_that_was_asked_before_and_is_not_compared_now_is_no_arm_any_more(project, asked, trainings):
    bench = Bench(project)
    bench.compare([bare(), bench.arms(server())[-1]])
    decide(project, [bare(), pilot()])
    with pytest.raises(Mismatch, match="'endpoint'"):
        bench.arm("endpoint")


def test_an_arm_that_can_not_be_made_any_more_is_refused_by_name(project, compared):
    replace(compared, arm="raft").save(project.path("decide/recommendation.json"))
    with pytest.raises(Mismatch, match="'raft'.*bare, instructions.*02_prompt_rag_or_finetune.ipynb"):
        Bench(project).winner()


def test_an_arm_that_would_now_ask_something_else_than_was_scored_is_refused(project, asked, trainings):
    bench = write_documents(project)
    bench.compare(bench.arms())
    rag = next(arm.key for arm in bench.arms() if arm.key.startswith("rag-"))
    assert Bench(project).arm(rag).key == rag
    write_documents(project, days="thirteen")
    with pytest.raises(Mismatch, match="documents.*02_prompt_rag_or_finetune.ipynb"):
        Bench(project).arm(rag)
    with pytest.raises(Mismatch):
        Bench(project).arm("raft")
    assert Bench(project).arm("instructions").key == "instructions", "what looks nothing up is not concerned"
    save(project, instructions="Sort it well.")
    with pytest.raises(Mismatch, match="instructions"):
        Bench(project).arm("instructions")


def test_where_no_tuned_arm_wins_the_rows_are_trained_as_they_are(project, compared):
    bench = Bench(project)
    assert not compared.tuned and bench.to_train().recipe == pilot().recipe
    assert bench.training_rows() == (bench.train, bench.validation)


def instructed_pilot_wins(project):
    bench = Bench(project)
    decide(project, [bare(), pilot_instructed(bench.task)], tuned_wins=True)
    return Bench(project)


def test_a_tuned_winner_is_trained_in_its_own_form(project, asked, trainings):
    bench = instructed_pilot_wins(project)
    rows, watched = bench.training_rows()
    assert bench.to_train().key == "pilot-instructions"
    for part_, rendered in ((bench.train, rows), (bench.validation, watched)):
        assert [e.messages for e in rendered] == [(("system", "Sort it."), *e.messages) for e in part_]
    run = bench.fit(plan_of(bench, (rows, watched)), "train", None, rows, watched)
    assert trainings[-1].rows == rows and Bench(project).run() == run


def trained(project):
    bench = Bench(project)
    rows = bench.training_rows()
    return bench.fit(plan_of(bench, rows), "train", None, *rows)


def test_a_run_trained_on_rows_that_have_changed_since_is_refused(project, compared):
    run = trained(project)
    assert Bench(project).run() == run
    save(project, train=part("train", 11))
    with pytest.raises(Mismatch):
        Bench(project).run()


def test_a_run_trained_in_another_form_than_the_one_that_won_is_refused(project, compared):
    trained(project)
    instructed_pilot_wins(project)
    with pytest.raises(Mismatch, match="another form.*03_train_with_qlora.ipynb"):
        Bench(project).run()


@pytest.mark.parametrize("changed", [None, "train", "model", "form"])
def test_a_plan_that_was_begun_is_offered_again_only_on_the_same_rows_model_and_form(project, compared, changed):
    bench = Bench(project)
    assert bench.begun_plan() is None
    begun = plan_of(bench).change(steps=17)
    begun.save(project.path("train/plan.json"))
    if changed == "train":
        save(project, train=part("train", 11))
        decide(project)
    if changed == "form":
        instructed_pilot_wins(project)
    again = Bench(project)
    if changed == "model":
        again.__dict__["choice"] = ModelChoice("some/model", "")
    assert again.begun_plan() == (begun if changed is None else None)


@pytest.mark.parametrize("wins", ["pilot", "pilot-instructions"])
def test_the_tuned_model_is_asked_validation_rows_in_its_form_and_no_test_row(project, asked, trainings, wins):
    bench = instructed_pilot_wins(project) if wins != "pilot" else Bench(project)
    if wins == "pilot":
        decide(project)
    run, looks, batches = trained(project), project.test_looks(), len(asked.batches)
    card = bench.score_validation(run)
    bench.side_by_side(card)
    assert card.data == bench.validation.fingerprint and len(card.rows) == 6 and card.training_seconds == 12.0
    form = bench.to_train().form
    after, before = [[p for b in asked.batches[batches:] if b.model == m for p in b.prompts] for m in ("train", "base")]
    assert after == [form.prompt(e) for e in bench.validation]
    assert before == [form.prompt(e) for e in bench.validation.head(5)]
    assert project.test_looks() == looks


def test_before_and_after_are_shown_row_by_row(project, compared):
    bench = Bench(project)
    after = bench.score_validation(trained(project))
    after = replace(after, rows=tuple(replace(r, answer=f"tuned on {r.row_id}") for r in after.rows[::-1]))
    shown = bench.side_by_side(after, rows=2)
    assert shown.rows == tuple((e.input, e.answer, "refund", f"tuned on {e.row_id}") for e in bench.validation.head(2))
    assert list(shown.table().columns) == ["input", "expected", "base model", "tuned model"]


def test_the_table_of_arms_repeats_the_cards_numbers(project, asked):
    one = score(project, bare())
    other = replace(one, title="Other", rows=tuple(replace(r, score=1.0) for r in one.rows), seconds_per_call=0.123)
    table = Comparison((one, other)).table()
    difference, score_of_other = other.minus(one), other.interval()
    assert "why not" not in table and table["not judged"].tolist() == [0, 0]
    assert table["score"].tolist() == [round(one.interval().value, 3), 1.0]
    assert table["95 % interval"][1] == f"{score_of_other.low:.3f} to {score_of_other.high:.3f}"
    assert table["against the arm above"].tolist() == ["", f"{difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]"]
    assert table["seconds per call, in batches"].tolist() == [0.5, 0.12]


def test_an_arm_that_could_not_be_scored_is_blank_with_its_reason_and_nothing_is_compared_with_it(project, asked):
    one = score(project, bare())
    dead = replace(one, arm="dead", title="Dead", rows=tuple(replace(r, score=None, error="It broke.") for r in one.rows))
    last = replace(one, arm="last", title="Last", rows=tuple(replace(r, score=1.0) for r in one.rows))
    table = Comparison((one, dead, last)).table()
    assert "nan" not in table.to_string().casefold()
    assert table["95 % interval"][1] == "could not be scored" and table["score"][1] == ""
    assert table["against the arm above"].tolist() == ["", "", f"{last.minus(one).signed()}, against {one.title}"]
    assert table["not judged"].tolist() == [0, 9, 0] and table["why not"].tolist() == ["", "It broke.", ""]
    assert "not measured" in repr(dead)


def test_parts_of_the_score_are_blank_where_an_arm_has_none_and_not_run_where_nobody_has(project, asked):
    one = score(project, bare())
    assert isinstance(Comparison((one,)).aspects(), NotRun)
    cited = replace(one, title="Cited", rows=tuple(replace(r, aspects={"cites a source": 1.0}) for r in one.rows))
    table = Comparison((one, cited)).aspects()
    assert table["arm"].tolist() == [one.title, "Cited"] and table["cites a source"].tolist()[0] == ""


def test_a_label_with_a_source_behind_it_is_that_label_for_macro_f1(project, asked):
    bench = write_documents(project)
    rag = next(arm for arm in bench.arms() if arm.key.startswith("rag-"))
    asked.sourced = True
    bench.compare([bare(), rag])
    found = bench.comparison().macro_f1
    assert bench.cards()[1].rows[0].answer == "refund [post-1]" and found[rag.key] == found["bare"]


def test_a_list_in_json_and_a_mask_are_part_of_an_answer_also_where_passages_are_shown(project, asked):
    bench = write_documents(project)
    rag = next(arm for arm in bench.arms() if arm.key.startswith("rag-"))
    seen = []
    judge = replace(bench.scorer, judge=lambda rows, answers: seen.extend(answers) or [Judged(1.0)] * len(answers))
    (named, *_) = rag.form.passages(bench.test.examples[0])
    said = [f'{{"a": [1, 2]}} [{named.passage_id}]', f"[{named.passage_id}] Ask [NAME_1]", "Write to [EMAIL]"]
    compare.citing(judge, rag.form).judge([bench.test.examples[0]] * 3, said)
    assert seen == ['{"a": [1, 2]}', "Ask [NAME_1]", "Write to [EMAIL]"]


def test_a_failed_arm_of_free_text_leaves_the_others_their_cards(project, asked, trainings):
    save(project, kind="text")
    cards = Bench(project).compare([bare(), crashing(), pilot()])
    assert [card.n for card in cards] == [9, 0, 9]


def test_documents_chosen_later_are_the_ones_that_are_searched(project, asked):
    bench = Bench(project)
    assert bench.retrievers == {} and bench.passages == []
    write_documents(project)
    first = bench.retrievers
    assert set(first) == {"bm25", "dense", "hybrid"} and bench.retrievers is first
    assert "three days" in bench.passages[0].text
    write_documents(project, days="thirteen")
    assert "thirteen days" in bench.passages[0].text
    assert "thirteen days" in bench.retrievers["bm25"].search("parcel", 1)[0].text


def test_recall_is_measured_once_and_read_back_until_documents_or_questions_change(project, asked, monkeypatch):
    measured, real = [], finding.recall_of
    monkeypatch.setattr(finding, "recall_of", lambda *a, **k: measured.append(1) or real(*a, **k))
    said = []
    bench = write_documents(project)
    report = bench.recall(lambda *at: said.append(at))
    assert Bench(open_project("p")).recall() == report == Bench(project).retrieval and len(measured) == 1
    assert all(done <= total for _, done, total in said)
    write_documents(project, days="thirteen").recall()
    save(project, train=part("train", 11))
    Bench(project).recall()
    assert len(measured) == 3


def test_without_documents_recall_says_so(project, asked):
    with pytest.raises(Prerequisite, match="no documents"):
        Bench(project).recall()


def test_searches_are_measured_on_validation_questions_alone_where_enough_of_them_have_an_answer():
    passages = [Passage("p-1", "d", "T", "It takes nine days.")]

    def rows(name, n):
        return [Example(f"{name}{i}", (("user", f"{name} {i}"),), "nine days") for i in range(n)]

    def asked_of(train, validation):
        return [e.row_id for e in finding.questions_to_find(rows("t", train), rows("v", validation), passages)]

    assert all(i.startswith("v") for i in asked_of(50, 40)) and len(asked_of(50, 40)) == 40
    few = asked_of(500, 39)
    assert [i[0] for i in few] == ["v"] * 39 + ["t"] * 261 and few == asked_of(500, 39)
    assert len(asked_of(10, 400)) == 300


def test_what_embedding_takes_is_measured_once_without_loading_the_model(project, asked):
    bench = write_documents(project)
    arms = [arm for arm in bench.arms(everything=True) if arm.trained is None]
    embedded = []
    bench.__dict__["embedder"] = SimpleNamespace(name="eye", vectors=lambda texts: embedded.append(len(texts)))
    found = bench.index_seconds(arms)
    assert found["bare"] == found["rag-bm25"] == 0 and found["nearest"] > 0 and found["rag-dense"] > 0
    assert embedded[0] == 1, "the first call, which is slow, is not on the clock"
    calls = len(embedded)
    assert bench.index_seconds(arms) == found and len(embedded) == calls


def test_a_server_that_was_asked_stays_an_arm_and_nothing_more_is_sent(project, asked, trainings):
    bench = Bench(project)
    arms = [bare(), bench.arms(server())[-1]]
    ladder = set_ladder(project, rungs(arms))
    cards = bench.compare(arms)
    again = Bench(open_project("p"))
    (kept,) = [arm for arm in again.arms() if arm.key == "endpoint"]
    assert kept.recipe == arms[1].recipe and not kept.endpoint.agreed
    assert set_ladder(project, rungs([bare(), kept])) == ladder and not ladder.late
    assert again.compare([bare(), kept]) == cards
    save(project, test=part("test", 12))
    assert "endpoint" not in [arm.key for arm in Bench(open_project("p")).arms()], "a row is unanswered, so it would have to send"


def test_where_nobody_agreed_nothing_is_sent_and_no_look_is_counted(project, asked):
    bench = Bench(project)
    (card,) = bench.compare([bench.arms(replace(server(), agreed=False))[-1]])
    assert card.n == 0 and project.test_looks() == []


def test_a_retry_that_fails_leaves_the_card_that_was_there(project, asked):
    first = server()
    first.down = (2, 5)
    (before,) = Bench(project).compare([Bench(project).arms(first)[-1]])
    second = server()
    second.answer = lambda *given: 1 / 0
    assert Bench(project).compare([Bench(project).arms(second)[-1]]) == [before]


def test_a_recommendation_for_another_goal_is_refused(project, compared):
    Goal(0.9, 0.02).save(project.path("decide/goal.json"))
    assert Bench(project).recommendation() == compared
    Goal(0.8, 0.02).save(project.path("decide/goal.json"))
    with pytest.raises(Mismatch, match="another goal"):
        Bench(project).recommendation()
