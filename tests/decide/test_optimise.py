"""The search for a prompt looks at validation rows only, drops the weaker candidates as it says, and can be taken up again."""

from dataclasses import replace
from types import SimpleNamespace

import numpy
import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide import compare
from workbench.decide import optimise as module
from workbench.decide.arms import choose_examples
from workbench.decide.compare import Bench
from workbench.decide.optimise import SAVED, SAME_FORM, Optimised, optimise, propose
from workbench.errors import Prerequisite
from workbench.models import SYSTEM
from workbench.project import create_project, open_project
from workbench.scoring.answers import Answer, PromptsTooLong

LABELS = ("refund", "delivery", "praise")
SETTINGS = {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}}


def part(name, n):
    return Dataset(name, tuple(Example(f"{name}{i}", (("user", f"{name} question {i}"),), LABELS[i % 3]) for i in range(n)))


class BlindBench(Bench):
    """A bench whose test rows must not be touched."""

    @property
    def test(self):
        pytest.fail("the search looked at the test rows")


@pytest.fixture
def project(projects):
    made = create_project("p", SETTINGS)
    part("train", 24).save(made.path("data/train.jsonl"))
    part("validation", 12).save(made.path("data/validation.jsonl"))
    Task("label", "by hand", "Sort it.").save(made.path("data/task.json"))
    return made


@pytest.fixture
def model(monkeypatch):
    """Stands in for the base model: `right` says which prompts it answers well; it dies after so many answers."""
    seen = SimpleNamespace(prompts=[], right=lambda prompt: False, die_after=None, most_turns=99)

    def answer(prompt):
        if seen.die_after is not None and len(seen.prompts) >= seen.die_after:
            raise KeyboardInterrupt
        seen.prompts.append(prompt)
        number = int(prompt[-1][1].split()[-1])
        return Answer(LABELS[number % 3] if seen.right(prompt) else "no idea", 10, 1, False, 0.5)

    class Model:
        name, precision, identity = "base", "fp32", "base"

        def answer(self, prompts, limit, schema=None, known={}):
            if min(map(len, prompts)) > seen.most_turns:
                raise PromptsTooLong("All prompts are too long.")
            yield from ({i: answer(prompts[i])} for i in range(len(prompts)) if i not in known)

    monkeypatch.setattr(compare, "LocalModel", lambda loaded, identity: Model())
    monkeypatch.setattr(compare, "answer_precision", lambda: "fp32")
    monkeypatch.setattr(compare, "load_for_answers", lambda choice, log: SimpleNamespace(free=lambda: None))
    monkeypatch.setattr(compare, "load_embedder", lambda log: SimpleNamespace(name="eye", vectors=lambda texts: numpy.eye(len(texts), 64)))
    return seen


def search(**other):
    return optimise(BlindBench(open_project("p")), **other)


def without_instructions(prompt):
    return prompt[0] == ("system", SYSTEM)


def test_the_search_asks_validation_rows_with_training_examples_and_never_looks_at_the_test_rows(project, model):
    search()
    questions = {turns[-1][1] for turns in model.prompts}
    shown = {text for turns in model.prompts for role, text in turns[1:-1] if role == "user"}
    assert questions == {e.input for e in part("validation", 12)}
    assert shown and shown <= {e.input for e in part("train", 24)}
    assert project.test_looks() == []


def test_draws_of_examples_and_wordings_of_the_instructions_are_proposed_and_none_twice(project, model):
    bench = BlindBench(project)
    found = propose(bench)
    assert len({(c.wording, c.rows) for c in found}) == len(found) == 7
    assert {c.wording for c in found} == {"as given", "short", "none"}
    assert found[0].rows == tuple(e.row_id for e in choose_examples(bench.train, 5, 1))
    assert {len(c.rows) for c in found} == {5, 2}


def test_examples_far_apart_in_meaning_have_no_two_alike(project, model):
    bench = BlindBench(project)
    # Three heaps of rows that are all alike: one row of each must come first.
    heaps = numpy.eye(3)[[i % 3 for i in range(24)]]
    bench.__dict__["embedder"] = SimpleNamespace(vectors=lambda texts: heaps)
    (spread,) = [c for c in propose(bench) if "meaning" in c.how]
    assert len(set(spread.rows)) == 5 and len({int(row.removeprefix("train")) % 3 for row in spread.rows[:3]}) == 3


def test_each_round_a_third_of_the_candidates_goes_on_to_three_times_the_rows(project, model):
    found = search()
    assert found.rounds == ((7, 4), (3, 12))
    assert sorted(len(c.scores) for c in found.tried) == [4] * 4 + [12] * 3
    assert found.calls == 7 * 4 + 3 * 12
    assert module._sizes(13, 90) == [(13, 10), (5, 30), (2, 90)]
    assert module._sizes(1, 5) == [(1, 5)]


def test_rows_asked_in_an_earlier_round_are_not_asked_again(project, model):
    search()
    assert len(model.prompts) == 7 * 4 + 3 * 8


def test_the_prompt_that_scores_best_comes_first_and_becomes_the_arm(project, model):
    model.right = without_instructions
    bench = BlindBench(project)
    found = optimise(bench)
    assert (found.tried[0].wording, found.tried[0].score) == ("none", 1.0)
    arm = found.arm(bench)
    prompt = arm.prompt(bench.validation.examples[0])
    assert prompt[0] == ("system", SYSTEM) and len(prompt) == 2 * 5 + 2
    assert tuple(e.row_id for e in arm.form.shots.chosen) == found.tried[0].rows
    assert "optimised" in [a.key for a in BlindBench(project).arms()]


def test_the_short_wording_takes_the_place_of_the_instructions(project, model):
    model.right = lambda prompt: prompt[0] == ("system", SAME_FORM)
    found = search()
    assert (found.tried[0].wording, found.tried[0].score, found.tried[1].score) == ("short", 1.0, 0.0)


def test_where_all_score_alike_the_candidate_proposed_first_stays(project, model):
    bench = BlindBench(project)
    proposed, found = propose(bench), optimise(bench)
    assert [(c.wording, c.rows) for c in found.tried[:3]] == [(c.wording, c.rows) for c in proposed[:3]]


def test_every_candidate_that_was_tried_is_told_with_the_rows_it_was_tried_on(project, model):
    model.right = without_instructions
    found = search()
    table = found.table()
    assert len(table) == 7 and table["validation rows"].tolist() == [len(c.scores) for c in found.tried]
    assert "7 prompts" in repr(found) and "64 answers" in repr(found)


def test_a_search_is_read_back_and_no_model_is_asked(project, model):
    found, calls = search(), len(model.prompts)
    assert search() == found and len(model.prompts) == calls


def reworded(rows):
    return Dataset(rows.name, tuple(replace(e, messages=(("user", f"Other {e.input}"),)) for e in rows))


@pytest.mark.parametrize(
    "change",
    [
        lambda project: Task("label", "by hand", "Sort it well.").save(project.path("data/task.json")),
        lambda project: part("validation", 9).save(project.path("data/validation.jsonl")),
        lambda project: part("train", 23).save(project.path("data/train.jsonl")),
        lambda project: reworded(part("train", 24)).save(project.path("data/train.jsonl")),
    ],
    ids=["instructions", "validation rows", "training rows", "text of training rows"],
)
def test_a_search_on_other_rows_or_instructions_is_made_anew(project, model, change):
    before = search()
    change(project)
    assert search().recipe != before.recipe
    assert Optimised.load(project.path("decide/search.json")).recipe != before.recipe


@pytest.mark.parametrize("kill", [0, 3, 17, 40])
def test_a_killed_search_is_taken_up_and_ends_the_same(project, model, kill):
    model.right = without_instructions
    model.die_after = kill
    with pytest.raises(KeyboardInterrupt):
        search()
    assert not project.path("decide/search.json").exists()
    model.die_after = None
    found = search()
    assert len(model.prompts) == 7 * 4 + 3 * 8, "no row was asked twice"
    project.path("decide/search.json").unlink()
    for card in project.path("decide/search").iterdir():
        card.unlink()
    assert search() == found


def test_progress_counts_the_prompts_of_each_round(project, model):
    said = []
    search(progress=lambda *at: said.append(at))
    assert said[0][1:] == (0, 7) and said[-1][1:] == (3, 3)
    assert [what for what, _, _ in said] == sorted(what for what, _, _ in said)


def test_a_prompt_that_does_not_fit_the_model_is_left_out_with_a_sentence_and_the_search_goes_on(project, model):
    model.most_turns = 2 * 2 + 2
    found = search()
    assert [len(c.rows) for c in found.tried if not c.note] == [2] and len(found.tried[0].rows) == 2
    assert found.tried[1].score == -1 and "All prompts are too long." in found.table()["left out"].tolist()
    assert search() == found


def test_where_no_prompt_fits_the_search_says_so_and_keeps_nothing(project, model):
    model.most_turns = 1
    with pytest.raises(Prerequisite, match="All prompts are too long"):
        search()
    assert not project.path("decide/search.json").exists()


def test_a_search_that_was_judged_otherwise_is_made_anew(project, model):
    before = search()
    Task("exact", "by hand", "Sort it.").save(project.path("data/task.json"))
    judged = BlindBench(open_project("p"))
    judged.__dict__["task"] = BlindBench(project).task
    judged.judge = replace(judged.scorer, what="Another way.")
    assert optimise(judged).recipe != before.recipe


def test_the_search_and_the_card_of_its_arm_lie_in_files_of_their_own(project, model):
    bench = Bench(project)
    found = optimise(bench)
    assert SAVED != f"decide/{found.arm(bench).key}.json"
