"""The rule of the recommendation, on scorecards made by hand."""

from __future__ import annotations



import pytest

from workbench.decide.recommendation import DECIDED, NONE, NOT_DECIDED, Goal, recommend, rows_needed, set_goal
from workbench.errors import BadInput, Mismatch
from workbench.project import create_project
from workbench.scoring.intervals import Interval
from workbench.scoring.scorecard import ScoredRow, Scorecard

SETTINGS = {"depth": "quick", "data_file": "x.csv", "data_sha256": "", "scenario": "", "model": {}}


def card(arm: str, scores: list[float | None], data: str = "rows") -> Scorecard:
    rows = tuple(ScoredRow(f"r{i}", s, "", 10, 5, False) for i, s in enumerate(scores))
    return Scorecard(arm, arm.title(), "", data, "model", "NF4", "label", 32, rows, 0.1, 60.0 if arm == "pilot" else 0.0, "machine")


def right(n: int, of: int = 80) -> list[float]:
    return [1.0] * n + [0.0] * (of - n)


def test_a_dearer_arm_takes_over_only_when_clearly_better():
    found = recommend([card("bare", right(20)), card("examples", right(70))], Goal(0.5, 0.02))
    assert (found.arm, found.outcome) == ("examples", DECIDED)


def test_a_tie_stays_with_the_cheaper_arm():
    found = recommend([card("bare", right(70)), card("pilot", right(71))], Goal(0.5, 0.02))
    assert (found.arm, found.tuning_wins) == ("bare", False)


def test_the_margin_can_keep_the_cheaper_arm():
    cards = [card("bare", right(60)), card("pilot", right(72))]
    assert recommend(cards, Goal(0.5, 0.02)).arm == "pilot"
    assert recommend(cards, Goal(0.5, 0.20)).arm == "bare"


def test_more_arms_ask_for_more_evidence():
    better = card("pilot", right(66, 100))
    few = [card("bare", right(60, 100)), better]
    many = [card("bare", right(60, 100)), *(card(f"arm{i}", right(60, 100)) for i in range(40)), better]
    assert recommend(few, Goal(0.5, 0.01)).arm == "pilot"
    assert recommend(many, Goal(0.5, 0.01)).arm == "bare"


def test_none_is_good_enough_is_an_answer():
    assert recommend([card("bare", right(4)), card("pilot", right(20))], Goal(0.9, 0.02)).outcome == NONE


def test_not_decided_says_about_how_many_more_rows():
    found = recommend([card("bare", right(66))], Goal(0.8, 0.02))
    assert found.outcome == NOT_DECIDED
    assert f"About {rows_needed(card('bare', right(66)).interval(), 80, 0.8)} more test rows" in found.reasons[-1]


def test_rows_needed_follows_the_square_root_law():
    assert rows_needed(Interval(0.875, 0.75, 0.92), 80, 0.75) == 1  # the bound is reached
    assert rows_needed(Interval(0.875, 0.625, 0.92), 80, 0.75) == 80 * (2**2) - 80
    assert rows_needed(Interval(0.8, 0.7, 0.9), 80, 0.8) is None


def test_arms_scored_on_other_rows_are_refused():
    with pytest.raises(Mismatch):
        recommend([card("bare", right(5)), card("pilot", right(9), data="other")], Goal(0.5, 0.0))


def test_rows_that_could_not_be_scored_leave_the_pair_and_count_as_no_error():
    found = card("pilot", [1.0, None, 1.0]).minus(card("bare", [0.0, 0.0, None]))
    assert found.value == 1.0


def test_a_goal_changed_after_scoring_is_late_for_good(projects):
    project = create_project("goals", SETTINGS)
    assert not set_goal(project, 0.8, 0.02).late
    assert not set_goal(project, 0.7, 0.02).late
    project.record_test_look("bare", 80)
    assert set_goal(project, 0.6, 0.02).late
    assert set_goal(project, 0.6, 0.02).late
    reasons = recommend([card("bare", right(70))], set_goal(project, 0.7, 0.02)).reasons
    assert any("changed after test rows" in reason for reason in reasons)


def test_a_goal_in_per_cent_is_refused_with_the_mend(projects):
    with pytest.raises(BadInput, match=r"0\.85"):
        set_goal(create_project("goals", SETTINGS), 85, 0.02)
