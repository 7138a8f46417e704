"""The rule of the recommendation, walked from the least upkeep to the most, and the goal it is held against."""

import random
from dataclasses import replace
from math import ceil

import pytest

from workbench.decide.recommendation import (
    DECIDED, NONE, NOT_DECIDED, Goal, Recommendation, recommend, rows_needed, set_goal,
)
from workbench.errors import BadInput, Mismatch
from workbench.project import create_project
from workbench.scoring.intervals import Interval, wilson
from workbench.scoring.scorecard import Scorecard, ScoredRow

KEYS = ("bare", "instructions", "examples", "nearest", "pilot")


def card(arm, scores, data="rows1"):
    rows = tuple(ScoredRow(f"r{i}", s, "said", 10, 2, False) for i, s in enumerate(scores))
    return Scorecard(arm, f"The {arm} arm", "recipe", data, "m", "fp32", "label", 64, rows, 0.5, 0.0, "machine")


def right(n_right, n=100):
    """Scores of which the first `n_right` are right."""
    return [1.0] * n_right + [0.0] * (n - n_right)


def walk(*counts, good_enough=0.5, margin=0.02):
    cards = [card(key, right(count)) for key, count in zip(KEYS, counts, strict=False)]
    return recommend(cards, Goal(good_enough, margin))


@pytest.mark.parametrize(
    "counts, chosen",
    [
        ((90, 90, 90, 90, 90), "bare"),
        ((10, 40, 70, 95, 95), "nearest"),
        ((10, 10, 10, 10, 90), "pilot"),
        ((20, 90, 50, 50, 50), "instructions"),  # better than the first, but not than the choice so far
        ((50, 10, 80, 80, 80), "examples"),  # compared with the choice, not with the neighbour
        ((90, 10, 20, 30, 40), "bare"),
        ((50, 52, 54, 56, 58), "bare"),  # each step within the margin's reach: none is shown to be better
    ],
)
def test_a_dearer_arm_takes_the_place_only_of_one_it_is_shown_to_beat(counts, chosen):
    found = walk(*counts)
    assert (found.arm, found.title) == (chosen, f"The {chosen} arm")


def noisy(seed, gain, n=60):
    draw = random.Random(seed)
    below = [draw.uniform(0.2, 0.6) for _ in range(n)]
    return below, [min(1.0, max(0.0, b + gain + draw.uniform(-0.4, 0.4))) for b in below]


def test_the_lower_bound_must_exceed_the_margin_and_not_only_reach_it():
    below, above = noisy(1, 0.2)
    cards = [card("bare", below), card("instructions", above)]
    bound = cards[1].minus(cards[0], 0.95).low
    assert 0 < bound < 0.2
    assert recommend(cards, Goal(0.1, bound)).arm == "bare"
    assert recommend(cards, Goal(0.1, bound - 1e-9)).arm == "instructions"


def test_the_lower_bound_is_corrected_for_the_number_of_arms():
    below, above = noisy(2, 0.2)
    two = [card("bare", below), card("pilot", above)]
    five = [*(card(key, below) for key in KEYS[:4]), two[1]]
    plain, corrected = two[1].minus(two[0], 0.95).low, two[1].minus(two[0], 1 - 0.05 / 4).low
    assert corrected < plain
    between = Goal(0.1, (plain + corrected) / 2)
    assert recommend(two, between).arm == "pilot"
    assert recommend(five, between).arm == "bare"


def test_every_step_of_the_walk_is_told_with_its_numbers():
    found = walk(10, 40, 45, 45, 90)
    assert len(found.reasons) == 5
    assert "The instructions arm scores 0.40, The bare arm 0.10: a difference of +0.30 [" in found.reasons[0]
    assert "exceeds the margin of 0.02, so it takes its place" in found.reasons[0]
    assert "does not exceed the margin of 0.02, so The instructions arm stays" in found.reasons[1]


def test_decided_when_the_lower_bound_of_the_chosen_arm_reaches_good_enough():
    low = wilson(90, 100).low
    assert walk(90, 90, good_enough=low).outcome == DECIDED
    assert walk(90, 90, good_enough=low + 1e-9).outcome == NOT_DECIDED
    assert f"{wilson(90, 100)}" in walk(90, 90, good_enough=low).reasons[-1]


def test_none_is_good_enough_when_every_upper_bound_lies_below():
    high = wilson(60, 100).high
    assert walk(30, 60, good_enough=high + 1e-9).outcome == NONE
    assert walk(30, 60, good_enough=high).outcome == NOT_DECIDED


@pytest.mark.parametrize("count, good_enough", [(80, 0.75), (70, 0.75), (85, 0.8), (52, 0.5)])
def test_not_decided_says_about_how_many_more_rows_would_settle_it(count, good_enough):
    found = walk(count, count, good_enough=good_enough)
    rate, low, high = wilson(count, 100)
    half = rate - low if rate > good_enough else high - rate
    more = ceil(100 * (half / abs(rate - good_enough)) ** 2) - 100
    assert found.outcome == NOT_DECIDED
    assert f"About {more} more test rows" in found.reasons[-1]
    # With as many rows and the same rate the bound lies about where it has to.
    after = wilson(rate * (100 + more), 100 + more)
    assert min(abs(after.low - good_enough), abs(after.high - good_enough)) < 0.01


def test_a_score_on_the_line_is_not_promised_to_be_settled():
    assert rows_needed(Interval(0.8, 0.7, 0.9), 100, 0.8) is None
    assert rows_needed(Interval(0.8, 0.7, 0.9), 100, 0.799) is None
    found = walk(80, 80, good_enough=0.8)
    assert found.outcome == NOT_DECIDED and "About" not in found.reasons[-1]


def test_a_choice_that_surely_falls_short_is_not_told_to_need_one_more_row():
    # The cheap arm lies wholly below; the dearer one may still reach it, but is not shown to be better.
    draw = random.Random(3)
    cheap = [draw.uniform(0.6, 0.7) for _ in range(30)]
    dear = right(23, 30)
    cards = [card("bare", cheap), card("pilot", draw.sample(dear, 30))]
    good_enough = 0.8
    assert cards[0].interval().high < good_enough < cards[1].interval().high
    found = recommend(cards, Goal(good_enough, 0.02))
    assert (found.arm, found.outcome) == ("bare", NOT_DECIDED)
    assert "About 1 more" not in found.reasons[-1]
    assert "below the 0.80" in found.reasons[-1]


def test_arms_of_which_nothing_could_be_judged_decide_nothing():
    found = recommend([card("bare", [None] * 5), card("pilot", [None] * 5)], Goal(0.8, 0.02))
    assert (found.outcome, found.arm) == (NOT_DECIDED, "bare")


def test_one_arm_alone_is_held_against_the_goal():
    assert walk(95).outcome == DECIDED
    assert walk(5).outcome == NONE


def test_cards_of_other_rows_are_refused():
    with pytest.raises(Mismatch, match="same test rows"):
        recommend([card("bare", right(50)), card("pilot", right(90), data="rows2")], Goal(0.5, 0.02))


def test_a_late_goal_is_said_among_the_reasons():
    cards = [card("bare", right(90))]
    fair, late = recommend(cards, Goal(0.5, 0.02)), recommend(cards, Goal(0.5, 0.02, late=True))
    (said,) = set(late.reasons) - set(fair.reasons)
    assert "changed after test rows had been scored" in said
    assert [reason for reason in late.reasons if reason != said] == list(fair.reasons)


def test_tuning_wins_only_where_it_is_chosen_and_decided():
    assert walk(10, 10, 10, 10, 90).tuning_wins
    assert not walk(10, 10, 10, 10, 90, good_enough=0.99).tuning_wins
    assert not walk(90, 90, 90, 90, 90).tuning_wins


@pytest.mark.parametrize(
    "found, said",
    [
        (walk(10, 10, 10, 10, 90), "Fine-tuning is recommended"),
        (walk(10, 10, 10, 10, 90, good_enough=0.99), "not recommended yet (none is good enough)"),
        (walk(90, 90, 90, 90, 90), "For learning, not recommended"),
    ],
)
def test_the_advice_never_recommends_more_than_was_found(found, said):
    assert said in repr(found.advice)
    assert ("Fine-tuning is recommended" in repr(found.advice)) == found.tuning_wins


def test_a_recommendation_that_is_not_decided_does_not_read_like_one():
    assert repr(walk(90, 90)) == "Recommendation: The bare arm"
    assert repr(walk(10, 10)) == "Recommendation: none is good enough; ahead so far: The bare arm"


def test_a_recommendation_survives_its_file_and_keeps_the_rows_it_was_made_on(tmp_path):
    found = walk(10, 40, 70, 95, 95)
    assert Recommendation.load(found.save(tmp_path / "r.json")) == found
    assert found.data == "rows1"


def test_hostile_titles_are_escaped_in_advice_and_reasons():
    found = replace(walk(90), title="<script>x</script>", reasons=("<script>y</script>",))
    assert "<script" not in found._repr_html_() + found.advice._repr_html_()
    assert "&lt;script&gt;x" in found.advice._repr_html_()


@pytest.fixture
def project(projects):
    return create_project("p", {"data_file": "a.csv", "scenario": "", "depth": "quick", "model": {"reference": "embedded", "reason": ""}})


def test_a_goal_changed_before_test_rows_were_scored_is_not_late(project):
    set_goal(project, 0.8, 0.02)
    assert not set_goal(project, 0.9, 0.05).late
    assert Goal.load(project.path("decide/goal.json")) == Goal(0.9, 0.05)


@pytest.mark.parametrize("changed", [(0.9, 0.02), (0.8, 0.0)])
def test_a_goal_changed_after_test_rows_were_scored_is_late_and_stays_so(project, changed):
    set_goal(project, 0.8, 0.02)
    project.record_test_look("Bare input", 80)
    assert set_goal(project, *changed).late
    assert set_goal(project, *changed).late
    assert set_goal(project, 0.8, 0.02).late, "set back, it is still a goal chosen after looking"


def test_a_goal_said_again_after_scoring_is_not_late(project):
    set_goal(project, 0.8, 0.02)
    project.record_test_look("Bare input", 80)
    assert not set_goal(project, 0.8, 0.02).late


def test_a_first_goal_said_after_test_rows_were_scored_is_late(project):
    project.record_test_look("Bare input", 80)
    assert set_goal(project, 0.8, 0.02).late


@pytest.mark.parametrize("numbers", [(85, 0.02), (0, 0.02), (-0.1, 0.02), (1.01, 0.02), (0.8, -0.01), (0.8, 1), (float("nan"), 0.02), (0.8, float("nan"))])
def test_a_goal_outside_its_range_is_refused_and_nothing_is_written(project, numbers):
    with pytest.raises(BadInput, match="0.85"):
        set_goal(project, *numbers)
    assert not project.path("decide/goal.json").exists()


def test_the_goal_shows_the_rule_it_will_be_used_in():
    assert "Walk the arms from the least upkeep to the most" in Goal(0.8, 0.02)._repr_html_()
