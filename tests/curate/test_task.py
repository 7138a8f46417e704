"""The task is guessed from the answers, and its instructions are made from the examples."""

import json

import pytest

from workbench.curate.task import propose_task
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.scoring.scorers import SCORER_KINDS


def data(answers):
    return Dataset("train", tuple(Example(f"r{i}", (("user", f"q{i}"),), a) for i, a in enumerate(answers)))


def ticket(i):
    return json.dumps({"kind": ["return", "billing"][i % 2], "order": None if i % 4 else f"A-{i}", "product": f"lamp {i}"})


TICKETS = data([ticket(i) for i in range(40)])
STORIES = data([f"Story number {i} is told at some length and is unlike any other, as " + "word " * i for i in range(40)])


@pytest.mark.parametrize(
    "answers, kind",
    [
        ([ticket(i) for i in range(40)], "json"),
        (["yes", "no"] * 20, "label"),
        ([str(i) for i in range(40)], "number"),
        ([e.answer for e in STORIES], "text"),
        (["", ""], "text"),
    ],
)
def test_the_kind_is_guessed_and_the_reason_given(answers, kind):
    task = propose_task(data(answers))
    assert (task.kind, task.table().set_index("what").loc["which means", "value"]) == (kind, SCORER_KINDS[kind])
    assert task.reason and task.instructions and kind in repr(task)


def test_a_samples_own_instructions_are_kept():
    assert propose_task(TICKETS, "Do it so.").instructions == "Do it so."


def test_json_instructions_name_the_keys_and_list_what_is_a_closed_list():
    instructions = propose_task(TICKETS).instructions
    assert "exactly these keys: kind, order, product." in instructions
    assert "kind is one of: billing, return." in instructions
    assert "order is copied from the message, or null when the message has none." in instructions
    assert "product is copied from the message." in instructions


def test_a_value_seen_once_is_not_put_in_the_closed_list():
    odd = ticket(1).replace("billing", "biling")
    assert "kind is one of: billing, return." in propose_task(data([*(e.answer for e in TICKETS), odd])).instructions


def test_label_instructions_list_every_label():
    assert propose_task(data(["yes", "no", "maybe"] * 10)).instructions.endswith(": maybe, no, yes.")


def test_text_instructions_give_the_usual_length():
    answers = [f"unlike {i} " + "word " * 23 for i in range(40)]
    assert "about 25 words" in propose_task(data(answers)).instructions


def test_judging_another_way_is_a_copy_with_instructions_to_fit():
    task = propose_task(data(["1", "2"] * 20))
    changed = task.change("label", data(["1", "2"] * 20))
    assert (changed.kind, task.kind) == ("label", "number")
    assert "one of these labels" in changed.instructions
    assert task.change("number", TICKETS) is task


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(BadInput, match="json, label, number, text"):
        propose_task(TICKETS).change("haiku", TICKETS)


@pytest.mark.parametrize("kind", SCORER_KINDS)
@pytest.mark.parametrize("answers", [STORIES, TICKETS, data(["{}"] * 40), data([""] * 3)], ids=["text", "json", "{}", "empty"])
def test_any_choice_of_kind_gives_instructions_or_a_sentence(kind, answers):
    task = propose_task(STORIES) if kind != "text" else propose_task(TICKETS)
    try:
        assert task.change(kind, answers).instructions
    except BadInput as error:
        assert str(error).endswith(".")


def test_empty_objects_as_answers_make_no_crash():
    assert propose_task(data(["{}"] * 40)).instructions


def test_a_voice_is_no_way_to_judge_without_rules_for_it():
    with pytest.raises(BadInput, match="this project has none"):
        propose_task(STORIES).change("voice", STORIES)


def test_a_voice_can_be_chosen_again_where_the_project_has_rules():
    rules = {"voice": {"starts_with": "Hello"}, "meaning": {"event_column": "event", "events": {"refund": ["refund"]}}}
    assert propose_task(STORIES).change("voice", STORIES, rules).kind == "voice"
