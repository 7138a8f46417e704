"""Each arm asks exactly what it says it asks, and its recipe changes whenever its prompts would."""

from dataclasses import replace

import pytest

from workbench.curate.task import Task
from workbench.dataset import Dataset, Example
from workbench.decide.arms import bare, choose_examples, instructed, tuned, with_examples, with_nearest
from workbench.models import SYSTEM
from workbench.train.encode import bare_prompt

TASK = Task("label", "by hand", "Sort the message.")
PLAIN = Example("plain", (("user", "Where is my parcel?"),), "delivery")
OWN = Example("own", (("system", "You are a pirate."), ("user", "Pay me back!")), "refund")
TALK = Example("talk", (("user", "Hello"), ("assistant", "Hi, what is it?"), ("user", "It broke.")), "defect")
ROWS = (PLAIN, OWN, TALK)
SHOTS = Dataset("examples", (Example("s1", (("user", "Lost box"),), "delivery"), Example("s2", (("user", "Refund me"),), "refund")))
SHOT_TURNS = [("user", "Lost box"), ("assistant", "delivery"), ("user", "Refund me"), ("assistant", "refund")]


class Index:
    """Gives the same shots for every question and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def nearest(self, text, k):
        self.asked.append((text, k))
        return list(SHOTS.examples)


def arms():
    index = Index()
    return {
        "bare": bare(), "instructions": instructed(TASK), "examples": with_examples(TASK, SHOTS),
        "nearest": with_nearest(TASK, lambda: index, SHOTS, 2), "pilot": tuned("abc"),
    }


def test_the_bare_arm_asks_the_row_alone_under_the_neutral_system_turn():
    assert bare().prompt(PLAIN) == [("system", SYSTEM), ("user", "Where is my parcel?")]


def test_the_instructed_arm_asks_the_row_under_the_instructions():
    assert instructed(TASK).prompt(PLAIN) == [("system", "Sort the message."), ("user", "Where is my parcel?")]


def test_the_examples_stand_between_instructions_and_question_in_their_order():
    prompt = with_examples(TASK, SHOTS).prompt(PLAIN)
    assert prompt == [("system", "Sort the message."), *SHOT_TURNS, ("user", "Where is my parcel?")]


def test_the_nearest_examples_are_looked_up_for_the_question_and_keep_the_order_of_the_index():
    index = Index()
    prompt = with_nearest(TASK, lambda: index, SHOTS, 7).prompt(PLAIN)
    assert prompt == [("system", "Sort the message."), *SHOT_TURNS, ("user", "Where is my parcel?")]
    assert index.asked == [("Where is my parcel?", 7)]


def test_no_index_is_made_before_a_question_is_asked():
    arm = with_nearest(TASK, lambda: pytest.fail("the index was made"), SHOTS, 2)
    assert arm.key == "nearest" and "2 nearest" in arm.title


@pytest.mark.parametrize("row", ROWS, ids=lambda e: e.row_id)
def test_the_tuned_model_is_asked_exactly_as_it_was_trained(row):
    assert tuned("abc").prompt(row) == bare_prompt(row)


def test_a_row_keeps_its_own_system_turn_where_there_are_no_instructions():
    for arm in (bare(), tuned("abc")):
        assert arm.prompt(OWN) == [("system", "You are a pirate."), ("user", "Pay me back!")]


@pytest.mark.parametrize("key", ["instructions", "examples", "nearest"])
def test_a_rows_own_system_turn_stays_beside_the_instructions_in_one_turn(key):
    prompt = arms()[key].prompt(OWN)
    assert prompt[0] == ("system", "Sort the message.\n\nYou are a pirate.")
    assert prompt[-1] == ("user", "Pay me back!")


@pytest.mark.parametrize("key", list(arms()))
@pytest.mark.parametrize("row", ROWS, ids=lambda e: e.row_id)
def test_every_prompt_has_one_system_turn_first_and_ends_with_the_question(key, row):
    prompt = arms()[key].prompt(row)
    assert [role for role, _ in prompt].index("system") == 0
    assert sum(role == "system" for role, _ in prompt) == 1
    assert prompt[-1] == ("user", row.input)


@pytest.mark.parametrize("key", list(arms()))
def test_earlier_turns_of_a_conversation_stay_in_front_of_its_question(key):
    assert arms()[key].prompt(TALK)[-3:] == list(TALK.messages)


@pytest.mark.parametrize("key", list(arms()))
def test_no_prompt_holds_the_answer_of_the_row_that_is_asked(key):
    secret = replace(PLAIN, answer="the secret answer")
    assert "secret" not in str(arms()[key].prompt(secret))


def test_only_the_pilot_is_asked_of_the_tuned_model():
    assert [key for key, arm in arms().items() if arm.tuned] == ["pilot"]
    assert [arm.key for arm in arms().values()] == list(arms())


OTHER = replace(TASK, instructions="Sort it well.")
BACKWARDS = Dataset("examples", SHOTS.examples[::-1])


@pytest.mark.parametrize(
    "one, other",
    [
        (instructed(TASK), instructed(OTHER)),
        (with_examples(TASK, SHOTS), with_examples(OTHER, SHOTS)),
        (with_examples(TASK, SHOTS), with_examples(TASK, SHOTS.head(1))),
        (with_examples(TASK, SHOTS), with_examples(TASK, BACKWARDS)),
        (with_nearest(TASK, Index, SHOTS, 2), with_nearest(TASK, Index, SHOTS, 3)),
        (with_nearest(TASK, Index, SHOTS, 2), with_nearest(TASK, Index, SHOTS.head(1), 2)),
        (with_nearest(TASK, Index, SHOTS, 2), with_nearest(OTHER, Index, SHOTS, 2)),
        (tuned("one run"), tuned("another run")),
        (tuned("one run"), tuned("one run", "tuned-merged")),
        (bare(), tuned("one run")),
    ],
)
def test_what_changes_a_prompt_changes_the_recipe(one, other):
    assert one.recipe != other.recipe


def test_the_same_arm_made_twice_has_the_same_recipe():
    assert [arm.recipe for arm in arms().values()] == [arm.recipe for arm in arms().values()]


MANY = Dataset("train", tuple(Example(f"r{i}", (("user", f"q{i}"),), "rare" if i == 17 else "often") for i in range(30)))


def test_chosen_examples_cover_the_different_answers_first():
    for seed in range(10):
        assert {e.answer for e in choose_examples(MANY, 2, seed)} == {"rare", "often"}


def test_chosen_examples_are_the_same_for_a_seed_and_no_row_comes_twice():
    drawn = {seed: [e.row_id for e in choose_examples(MANY, 5, seed)] for seed in range(6)}
    assert all(len(set(ids)) == 5 for ids in drawn.values())
    assert all([e.row_id for e in choose_examples(MANY, 5, seed)] == ids for seed, ids in drawn.items())
    assert len({tuple(ids) for ids in drawn.values()}) > 1


def test_fewer_rows_than_asked_for_are_all_taken():
    assert {e.row_id for e in choose_examples(SHOTS, 5)} == {"s1", "s2"}
