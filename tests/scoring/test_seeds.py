"""Several training seeds of one arm read like one Scorecard, with their spread in every interval."""

from dataclasses import replace

import numpy
import pytest

from workbench.errors import BadInput, Mismatch
from workbench.scoring.intervals import seeded_difference, seeded_mean
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds


def card(scores, recipe="r1", arm="pilot", data="rows1", cut=0, seconds=60.0):
    rows = tuple(ScoredRow(f"r{i}", s, "said", 10 + i, 2, i < cut) for i, s in enumerate(scores))
    return Scorecard(arm, f"The {arm} arm", recipe, data, "m", "NF4", "label", 64, rows, 0.5, seconds, "machine")


ONE, TWO, THREE = [1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0]
PILOT = Seeds((card(ONE, "r1"), card(TWO, "r2", cut=2), card(THREE, "r3", seconds=90.0)))
BARE = card([0.0, 1.0, 0.0, 0.0], "r0", "bare")


def test_a_rows_score_is_its_mean_over_the_seeds():
    assert PILOT.scores == pytest.approx({"r0": 1.0, "r1": 2 / 3, "r2": 0.0, "r3": 2 / 3})
    assert (PILOT.n, PILOT.unscorable) == (4, 0)


def test_it_reads_like_a_scorecard():
    assert (PILOT.arm, PILOT.title, PILOT.data, PILOT.scorer) == ("pilot", "The pilot arm", "rows1", "label")
    assert (PILOT.cut, PILOT.tokens_per_call, PILOT.seconds_per_call, PILOT.training_seconds) == (2, 13.5, 0.5, 70.0)
    assert (PILOT.model, PILOT.precision) == ("m", "NF4")
    assert repr(PILOT).startswith("The pilot arm: 0.583 [") and repr(PILOT).endswith("on 4 rows, 3 training seeds")


def test_its_interval_covers_rows_and_seeds():
    assert PILOT.interval(0.9) == seeded_mean(numpy.array([ONE, TWO, THREE]), 0.9)


def test_a_difference_covers_the_seeds_on_whichever_side_they_stand():
    expected = seeded_difference(numpy.array([ONE, TWO, THREE]), numpy.array([[0.0, 1.0, 0.0, 0.0]]), 0.9)
    assert PILOT.minus(BARE, 0.9) == expected
    back = BARE.minus(PILOT, 0.9)
    assert back == pytest.approx((-expected.value, -expected.high, -expected.low))


def test_one_seed_is_the_same_as_its_card():
    alone = Seeds((card(ONE),))
    assert alone.interval() == card(ONE).interval()
    assert alone.minus(BARE) == card(ONE).minus(BARE)
    assert repr(alone).endswith("1 training seed")


def test_rows_that_a_seed_has_no_score_of_are_left_out_and_counted():
    some = Seeds((card([1.0, None, 0.0, 1.0], "r1"), card([1.0, 1.0, 0.0, None], "r2")))
    assert (set(some.scores), some.n, some.unscorable) == ({"r0", "r2"}, 2, 2)
    assert some.minus(BARE).value == pytest.approx(0.5)


def test_a_seed_of_which_nothing_could_be_scored_does_not_take_the_others_with_it():
    some = Seeds((card(ONE, "r1"), card([None] * 4, "r2")))
    assert some.scores == card(ONE).scores
    assert repr(some).endswith("1 training seed")


def test_a_seed_that_failed_does_not_make_the_others_look_cheap():
    lost = replace(card([None] * 4, "r2", seconds=0.0), seconds_per_call=0.0)
    lost = replace(lost, rows=tuple(replace(row, prompt_tokens=0, answer_tokens=0, error="It broke.") for row in lost.rows))
    some = Seeds((card(ONE, "r1"), lost))
    assert (some.training_seconds, some.seconds_per_call, some.tokens_per_call) == (60.0, 0.5, 13.5)
    assert some.first_error == "It broke." and Seeds((lost,)).training_seconds == 0


def test_an_arm_without_a_single_score_says_nothing():
    none = Seeds((card([None] * 4, "r1"), card([None] * 4, "r2")))
    assert (none.n, none.unscorable) == (0, 4)
    assert none.minus(BARE)[1:] == (-1.0, 1.0) and none.interval()[1:] == (0.0, 1.0)


def test_seeds_of_other_arms_rows_or_scorers_are_refused():
    for other in (card(TWO, "r2", arm="raft"), card(TWO, "r2", data="rows2"), replace(card(TWO, "r2"), scorer="exact")):
        with pytest.raises(Mismatch, match="same rows in the same way"):
            Seeds((card(ONE), other))


def test_a_copy_is_no_second_seed():
    with pytest.raises(BadInput, match="twice"):
        Seeds((card(ONE), card(ONE)))
    with pytest.raises(BadInput, match="at least one"):
        Seeds(())


def test_a_difference_to_other_rows_is_refused_from_both_sides():
    elsewhere = card(ONE, "r0", "bare", data="rows2")
    for pair in ((PILOT, elsewhere), (elsewhere, PILOT)):
        with pytest.raises(Mismatch, match="same test rows"):
            pair[0].minus(pair[1])


def test_the_table_has_a_row_a_seed():
    table = PILOT.table()
    assert list(table["seed"]) == [1, 2, 3] and list(table["score"]) == [0.75, 0.5, 0.5]
