"""A Scorecard keeps what could not be judged apart, and compares on the same rows only."""

from dataclasses import replace
from math import isnan

import pytest

from workbench.dataset import Dataset, Example
from workbench.errors import Mismatch
from workbench.scoring.answers import Answer
from workbench.scoring.intervals import wilson
from workbench.scoring.scorecard import TOO_LONG, Scorecard, ScoredRow, score_answers
from workbench.scoring.scorers import scorer


def card(scores, title="base", **other):
    rows = tuple(ScoredRow(f"r{i}", s, "text", 10, i, i == 0) for i, s in enumerate(scores))
    made = Scorecard("arm", title, "recipe", "rows1", "model", "fp32", "json", 64, rows, 0.5, 0.0, "machine")
    return replace(made, **other)


def test_rows_that_could_not_be_judged_are_counted_apart_never_as_wrong():
    mixed = card([1.0, None, 0.0, None, 1.0])
    assert (mixed.n, mixed.unscorable) == (3, 2)
    assert mixed.interval() == wilson(2, 3)
    assert "on 3 rows" in repr(mixed)


def test_a_card_with_nothing_judged_claims_nothing():
    empty = card([None, None])
    assert (empty.n, empty.unscorable) == (0, 2)
    assert isnan(empty.interval().value) and empty.interval()[1:] == (0.0, 1.0)


def test_a_difference_is_paired_over_the_rows_that_both_were_judged_on():
    mine, theirs = card([1.0, 1.0, None, 0.0]), card([0.0, None, 1.0, 0.0])
    assert mine.minus(theirs).value == 0.5  # rows 0 and 3
    assert theirs.minus(mine).value == -0.5


def test_rows_are_paired_by_id_and_not_by_place():
    mine, theirs = card([1.0, 0.0, None]), card([1.0, 0.0, 0.0])
    backwards = replace(theirs, rows=theirs.rows[::-1])
    assert mine.minus(backwards).value == 0.0  # by place it would be 0.5
    assert mine.minus(backwards) == mine.minus(theirs)


@pytest.mark.parametrize("other", [{"data": "rows2"}, {"scorer": "label"}])
def test_cards_of_other_rows_or_another_scorer_are_not_compared(other):
    with pytest.raises(Mismatch, match="same test rows"):
        card([1.0]).minus(card([1.0], **other))


def test_costs_are_counted_over_all_rows():
    some = card([1.0, None, 0.0])
    assert some.tokens_per_call == 11.0  # prompts of 10 and answers of 0, 1 and 2 tokens
    assert some.cut == 1
    assert card([]).tokens_per_call == 0.0


def test_rows_that_nothing_came_back_for_do_not_make_calls_look_cheap():
    failed = ScoredRow("r9", None, "", 0, 0, False, error="Down.")
    assert replace(card([1.0, 0.0]), rows=(*card([1.0, 0.0]).rows, failed)).tokens_per_call == 10.5
    answers = [Answer("5", 10, 3, False, 2.0), Answer("", 0, 0, False, 0.0, error="Down.")]
    scored = score_answers(
        arm="base", title="Base", recipe="x", dataset=Dataset("test", EXAMPLES[:2]), answers=answers, scorer=scorer("number"),
        model="m", precision="fp32", max_new_tokens=8, training_seconds=0.0, machine="here",
    )
    assert scored.seconds_per_call == 2.0 and (scored.first_error, scored.finished) == ("Down.", False)


def test_a_row_that_is_too_long_to_be_asked_leaves_a_card_finished():
    assert replace(card([1.0]), rows=(ScoredRow("r0", None, "", 9, 0, False, error=TOO_LONG),)).finished


def test_a_card_survives_its_file(tmp_path):
    made = card([1.0, None, 1 / 3])
    assert Scorecard.load(made.save(tmp_path / "card.json")) == made


def test_the_table_has_every_row_the_unjudged_ones_too():
    table = card([1.0, None]).table()
    assert table["row"].tolist() == ["r0", "r1"]
    assert table["score"].isna().tolist() == [False, True]


EXAMPLES = tuple(Example(f"r{i}", (("user", "?"),), answer) for i, answer in enumerate(["5", "n/a", "7"]))


def made(said):
    answers = [Answer(text, 10, 3, False, seconds) for text, seconds in said]
    return score_answers(
        arm="base", title="Base", recipe="x", dataset=Dataset("test", EXAMPLES), answers=answers,
        scorer=scorer("number"), model="m", precision="fp32", max_new_tokens=8, training_seconds=0.0, machine="here",
    )


def test_answers_are_put_to_their_rows_in_order():
    scored = made([("5", 1.0), ("6", 2.0), ("8", 6.0)])
    assert scored.scores == {"r0": 1.0, "r2": 0.0}
    assert (scored.unscorable, scored.seconds_per_call, scored.scorer) == (1, 3.0, "number")
    assert scored.data == Dataset("other name", EXAMPLES).fingerprint


def test_an_answer_too_few_is_refused():
    with pytest.raises(ValueError):
        made([("5", 1.0), ("6", 1.0)])


def test_an_answer_that_never_came_is_unscorable_and_not_wrong():
    nothing = Answer("", 10, 0, False, 0.0)
    answers = [Answer("5", 10, 3, False, 1.0), replace(nothing, asked=False), replace(nothing, error="No reply.")]
    examples = tuple(Example(f"r{i}", (("user", "?"),), "5") for i in range(3))
    scored = score_answers(
        arm="base", title="Base", recipe="x", dataset=Dataset("test", examples), answers=answers, scorer=scorer("number"),
        model="m", precision="fp32", max_new_tokens=8, training_seconds=0.0, machine="here",
    )
    assert (scored.scores, scored.unscorable) == ({"r0": 1.0}, 2)
    assert [bool(row.error) for row in scored.rows] == [False, True, True] and scored.rows[2].error == "No reply."
    assert "No reply." in scored.table()["error"].tolist()


def test_the_parts_of_the_score_are_kept_with_the_rows_and_summed_up(tmp_path):
    parts = [{"valid JSON": 1.0}, {"valid JSON": 0.0}, {}]
    rows = tuple(ScoredRow(f"r{i}", 1.0, "text", 1, 1, False, aspects) for i, aspects in enumerate(parts))
    made = replace(card([]), rows=rows)
    assert made.aspects() == {"valid JSON": wilson(1, 2)}
    assert made.table()["valid JSON"].fillna(-1).tolist() == [1.0, 0.0, -1.0]
    assert Scorecard.load(made.save(tmp_path / "card.json")) == made


def test_a_card_that_was_saved_without_parts_can_still_be_read():
    old = card([1.0, None]).to_dict()
    for row in old["rows"]:
        del row["aspects"], row["error"]
    assert Scorecard.from_dict(old) == card([1.0, None])
