"""The rule of the recommendation, walked from the least upkeep to the most, and the goal it is held against."""

import random
from dataclasses import replace
from math import ceil
from types import SimpleNamespace

import pytest

from workbench.decide.recommendation import (
    DECIDED, NONE, NOT_DECIDED, Goal, Ladder, Pairwise, Recommendation, Rung, pairwise, power_statement, recommend,
    rows_needed, rungs, set_goal, set_ladder,
)
from workbench.errors import BadInput, Mismatch
from workbench.project import create_project
from workbench.scoring.intervals import Interval, wilson
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds

KEYS = ("bare", "instructions", "examples", "nearest", "pilot")
TUNED = ("pilot", "raft")


def card(arm, scores, data="rows1"):
    rows = tuple(ScoredRow(f"r{i}", s, "said", 10, 2, False) for i, s in enumerate(scores))
    training = 60.0 if arm in TUNED else 0.0
    return Scorecard(arm, f"The {arm} arm", "recipe", data, "m", "fp32", "label", 64, rows, 0.5, training, "machine")


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
    two = [card("bare", below), card("nearest", above)]
    five = [*(card(key, below) for key in ("bare", "instructions", "examples", "endpoint")), two[1]]
    plain, corrected = two[1].minus(two[0], 0.95).low, two[1].minus(two[0], 1 - 0.05 / 4).low
    assert corrected < plain
    between = Goal(0.1, (plain + corrected) / 2)
    assert recommend(two, between).arm == "nearest"
    assert recommend(five, between).arm == "bare"


def test_every_step_of_the_walk_is_told_with_its_numbers():
    found = walk(10, 40, 45, 45, 90)
    assert len(found.reasons) == 6  # four steps, that the pilot was trained once, and the outcome
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
    assert "goal was changed after test rows had been scored" in said
    assert [reason for reason in late.reasons if reason != said] == list(fair.reasons)
    ladder = Ladder((Rung("bare", "The bare arm"),), late=True)
    (said,) = set(recommend(cards, Goal(0.5, 0.02), ladder).reasons) - set(fair.reasons)
    assert "arms or their order were changed after test rows had been scored" in said


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
    assert repr(walk(10, 10)) == "Recommendation: none is good enough; stands so far by the rule: The bare arm"


def test_a_recommendation_survives_its_file_and_keeps_the_rows_it_was_made_on(tmp_path):
    found = walk(10, 40, 70, 95, 95)
    assert Recommendation.load(found.save(tmp_path / "r.json")) == found
    assert found.data == "rows1"


def test_hostile_titles_are_escaped_in_advice_and_reasons():
    found = replace(walk(90), title="<script>x</script>", reasons=("<script>y</script>",))
    assert "<script" not in found._repr_html_() + found.advice._repr_html_()
    assert "&lt;script&gt;x" in found.advice._repr_html_()


def mixed(n_right, seed, n=200):
    """Scores of which `n_right` are right, in an order of their own."""
    return random.Random(seed).sample(right(n_right, n), n)


def test_a_tuned_arm_must_also_beat_the_best_untuned_arm_that_missed_its_own_step():
    """Nearest and pilot are about as good; only the pilot's step over bare is shown. That is luck, not tuning."""
    bare, nearest, pilot = mixed(100, 1), mixed(117, 2), mixed(128, 3)
    cards = [card("bare", bare), card("nearest", nearest), card("pilot", pilot)]
    level = Ladder(tuple(Rung(c.arm, c.title) for c in cards)).level
    assert cards[2].minus(cards[0], level).low > 0.005 > cards[1].minus(cards[0], level).low
    found = recommend(cards, Goal(0.3, 0.005))
    assert found.arm == "bare" and not found.tuned
    assert "But The nearest arm, which needs no tuning, scores 0.58" in found.reasons[1]
    assert found.answer == (
        "Don't fine-tune: The bare arm is good enough, and no tuned arm is shown to be better by more than 0.01 than "
        "The nearest arm, which needs no tuning."
    )
    assert any("The pilot arm, the best tuned arm, against The nearest arm: " in reason for reason in found.reasons)
    # An untuned arm with the same scores has no such step to take.
    assert recommend([*cards[:2], card("endpoint", pilot)], Goal(0.3, 0.005)).arm == "endpoint"


def test_the_step_against_the_best_untuned_arm_is_corrected_for_the_tuned_arms_only():
    below, above = noisy(4, 0.2)
    cards = [*(card(key, below) for key in KEYS[:4]), card("pilot", above)]
    ladder = Ladder(tuple(Rung(key, key, "", key == "pilot") for key in KEYS))
    assert (ladder.level, ladder.tuned_level) == (pytest.approx(1 - 0.05 / 4), pytest.approx(0.95))
    two_tuned = Ladder((*ladder.rungs, Rung("raft", "RAFT", "", True)))
    assert two_tuned.tuned_level == pytest.approx(0.975)
    assert recommend(cards, Goal(0.1, cards[4].minus(cards[0], ladder.level).low - 1e-9), ladder).arm == "pilot"


LADDER = Ladder((Rung("bare", "Bare"), Rung("nearest", "Nearest"), Rung("pilot", "Pilot", "", True)))


def on_ladder(*scores, good_enough=0.5, margin=0.02, ladder=LADDER):
    cards = [card(rung.key, s) for rung, s in zip(ladder.rungs, scores, strict=False) if s is not None]
    return recommend(cards, Goal(good_enough, margin), ladder)


@pytest.mark.parametrize(
    "found, fine_tune, said",
    [
        (on_ladder(right(10), right(20), right(90)), "yes",
         "Fine-tune: The pilot arm is better by more than 0.02 than the best untuned arm with less upkeep, and it is good "
         "enough."),
        (on_ladder(right(10), right(20), right(90), good_enough=0.9), "not decided",
         "Not decided: The pilot arm is better by more than 0.02 than the best untuned arm with less upkeep, but it is not "
         "shown to reach the 0.90 that is good enough."),
        (on_ladder(right(10), right(20), right(60), good_enough=0.9), "no",
         "Don't fine-tune on this: The pilot arm is better by more than 0.02 than the best untuned arm with less upkeep, but "
         "no arm is good enough, the tuned ones included."),
        (on_ladder(right(80), right(80), mixed(84, 5, 100)), "no",
         "Don't fine-tune: The bare arm is good enough, and no tuned arm is shown to be better by more than 0.02."),
        (on_ladder(right(80), right(80), right(70)), "no",
         "Don't fine-tune: The bare arm is good enough, and no tuned arm is better by more than 0.02."),
        (on_ladder(right(50), right(50), right(30), good_enough=0.55), "no",
         "Don't fine-tune: no tuned arm is better by more than 0.02 than The bare arm. As to that arm itself, it is not "
         "settled whether The bare arm reaches the 0.55 that is good enough."),
        (on_ladder(right(50), right(50), mixed(54, 5, 100), good_enough=0.55), "not decided",
         "Not decided: it is not settled whether The bare arm reaches the 0.55 that is good enough, and no tuned arm is shown "
         "to be better by more than 0.02."),
        (on_ladder(right(10), right(12), right(14), good_enough=0.9), "no",
         "Don't fine-tune on this: no arm is good enough, the tuned ones included."),
        (on_ladder(right(90), right(90), [None] * 100), "not decided",
         "Whether to fine-tune is not decided: The bare arm is good enough, and no tuned arm could be scored."),
        (on_ladder(right(90), right(90)), "not decided",
         "Whether to fine-tune is not decided: The bare arm is good enough, and no tuned arm could be scored."),
        (on_ladder(right(90), ladder=Ladder(LADDER.rungs[:2])), "no",
         "Don't fine-tune: The bare arm is good enough without it."),
        (on_ladder(right(50), ladder=Ladder(LADDER.rungs[:2])), "not decided",
         "Not decided: it is not settled whether The bare arm reaches the 0.50 that is good enough, and no tuned arm was "
         "compared."),
        (on_ladder(right(90), right(20), ladder=Ladder((LADDER.rungs[2], LADDER.rungs[0]))), "yes",
         "Fine-tune: The pilot arm has the least upkeep, and it is good enough."),
    ],
)
def test_whether_to_fine_tune_is_answered_in_a_word_and_a_sentence(found, fine_tune, said):
    assert (found.fine_tune, found.answer) == (fine_tune, said)
    assert found.tuning_wins == (fine_tune == "yes")
    assert list(found.table()["why"]) == [said, *found.reasons]


def test_an_arm_that_falls_short_for_sure_is_not_called_unsettled():
    cheap, dear = [random.Random(3).uniform(0.6, 0.7) for _ in range(30)], mixed(23, 4, 30)
    found = on_ladder(cheap, cheap, dear, good_enough=0.8)
    assert found.answer.startswith("Not decided: The bare arm does not reach the 0.80 that is good enough, and no tuned")


def test_the_best_tuned_arm_that_was_not_chosen_is_told_how_many_rows_would_settle_it():
    bare, pilot = mixed(80, 1, 100), mixed(88, 2, 100)
    found = on_ladder(bare, bare, pilot)
    d = card("pilot", pilot).minus(card("bare", bare), LADDER.level)
    (said,) = [reason for reason in found.reasons if "the best tuned arm" in reason]
    span = f"{d.value:+.2f} [{d.low:+.2f}, {d.high:+.2f}]"
    assert said.startswith(f"The pilot arm, the best tuned arm, against The bare arm: {span}")
    assert f"About {rows_needed(d, 100, 0.02)} more test rows would, if the difference stays as it is." in said


def test_a_tuned_arm_that_is_surely_not_better_is_told_so_without_rows():
    (said,) = [reason for reason in on_ladder(right(80), right(80), right(60)).reasons if "the best tuned arm" in reason]
    assert said.endswith("so it is not better by more than 0.02.")


def seeds(*counts, arm="pilot", n=100):
    return Seeds(tuple(replace(card(arm, mixed(count, i, n)), recipe=f"seed {i}") for i, count in enumerate(counts)))


def test_what_lies_between_training_seeds_can_keep_the_cheaper_arm():
    bare = card("bare", mixed(60, 9, 100))
    steady, shaky = seeds(85, 85, 85), seeds(65, 90, 100)
    assert steady.interval().value == pytest.approx(shaky.interval().value)
    assert recommend([bare, steady], Goal(0.3, 0.02)).arm == "pilot"
    assert recommend([bare, shaky], Goal(0.3, 0.02)).arm == "bare"


def test_an_arm_that_was_trained_once_is_said_to_hide_what_seeds_do():
    bare = card("bare", right(50))
    once = recommend([bare, card("pilot", right(90))], Goal(0.3, 0.02)).reasons
    thrice = recommend([bare, seeds(90, 91, 92)], Goal(0.3, 0.02)).reasons
    (said,) = [reason for reason in once if reason.startswith("Trained on one seed only: The pilot arm.")]
    assert "not in the intervals" in said
    assert not [reason for reason in thrice if "one seed" in reason]


def test_rows_are_not_promised_to_settle_what_seeds_leave_open():
    found = recommend([card("bare", mixed(80, 9, 100)), seeds(84, 88, 92)], Goal(0.5, 0.02))
    (said,) = [reason for reason in found.reasons if "the best tuned arm" in reason]
    assert "More rows don't narrow what lies between training seeds" in said


def test_an_arm_that_crashed_is_told_skipped_and_still_corrected_for():
    bare, nearest, pilot = right(50), [None] * 100, right(90)
    found = on_ladder(bare, nearest, pilot)
    assert found.arm == "pilot"
    assert any(r.startswith("Nearest could not be scored on any row, so it can't be chosen") for r in found.reasons)
    d = card("pilot", pilot).minus(card("bare", bare), 1 - 0.05 / 2)
    assert f"[{d.low:+.2f}, {d.high:+.2f}]" in found.reasons[0]


def test_the_error_of_a_crashed_arm_is_told():
    broken = card("nearest", [None] * 100)
    for row in broken.rows:
        object.__setattr__(row, "error", "The endpoint answered with HTML.")
    found = recommend([card("bare", right(90)), broken], Goal(0.5, 0.02), LADDER)
    assert any("Nearest could not be scored on any row (The endpoint answered with HTML)" in r for r in found.reasons)
    assert any(r.startswith("Pilot was not scored") for r in found.reasons)


def test_the_cheapest_arm_may_be_the_one_that_crashed():
    found = on_ladder([None] * 100, right(90), right(91))
    assert (found.arm, found.outcome) == ("nearest", DECIDED)


def test_a_pair_that_lost_rows_says_how_many_it_rests_on():
    found = on_ladder(right(50), [None] * 30 + right(60, 70), None)
    assert "on the 70 of 100 rows that both could be scored on" in found.reasons[0]


def test_cards_are_walked_in_the_order_of_the_ladder_whatever_order_they_come_in():
    cards = [card("pilot", right(90)), card("bare", right(90)), card("nearest", right(90))]
    assert recommend(cards, Goal(0.5, 0.02), LADDER).arm == "bare"


def test_an_arm_that_is_not_on_the_ladder_has_no_place_in_the_rule():
    with pytest.raises(Mismatch, match="raft is not on the ladder"):
        recommend([card("bare", right(5)), card("raft", right(9))], Goal(0.5, 0.02), LADDER)


def test_two_cards_of_one_arm_are_refused():
    with pytest.raises(BadInput, match="Seeds"):
        recommend([card("bare", right(5)), card("pilot", right(9)), card("pilot", right(8))], Goal(0.5, 0.02))
    with pytest.raises(BadInput, match="got none"):
        recommend([], Goal(0.5, 0.02))


def test_every_arm_is_compared_with_the_cheapest_and_with_the_best():
    cards = [card("bare", right(20)), card("nearest", right(90)), card("pilot", right(22))]
    found = pairwise(cards, Goal(0.5, 0.02), LADDER)
    assert (found.cheapest, found.best) == ("The bare arm", "The nearest arm")
    words = {(p.title, p.against): p.verdict for p in found.pairs}
    assert words == {
        ("The nearest arm", "cheapest"): "better", ("The pilot arm", "cheapest"): "no difference shown",
        ("The bare arm", "best"): "worse", ("The pilot arm", "best"): "worse",
    }
    assert found.pairs[0].difference == cards[1].minus(cards[0], 1 - 0.05 / 2)
    # The best is known only after looking, so all three pairs share the errors.
    assert found.pairs[2].difference == cards[0].minus(cards[1], 1 - 0.05 / 3)


def test_where_the_cheapest_is_the_best_one_comparison_is_made(tmp_path):
    cards = [card("bare", right(90)), card("nearest", [None] * 100), card("pilot", right(22))]
    found = pairwise(cards, Goal(0.5, 0.02), LADDER)
    assert [(p.against, p.verdict) for p in found.pairs] == [
        ("cheapest and best", "could not be scored"), ("cheapest and best", "worse"),
    ]
    assert Pairwise.load(found.save(tmp_path / "p.json")) == found
    assert list(found.table()["rows"]) == [0, 100]
    assert "&lt;b&gt;" in replace(found, best="<b>")._repr_html_()


def test_pairs_of_nothing_scored_are_an_empty_table():
    assert pairwise([card("bare", [None] * 3)], Goal(0.5, 0.02), LADDER).table().empty


def test_more_rows_decide_smaller_advantages_and_more_arms_need_larger_ones():
    def points(n, arms):
        return int(power_statement(n, arms).split("truly about ")[1].split(" points")[0])

    assert points(50, 2) > points(100, 2) > points(200, 2) > points(800, 2)
    assert points(100, 2) < points(100, 3) <= points(100, 4) < points(100, 8) < points(100, 12) <= points(100, 30)
    assert "100 test rows and 4 arms" in power_statement(100, 4)
    assert "can't decide much" in power_statement(10, 12)
    for n, arms in ((0, 3), (50, 1)):
        with pytest.raises(BadInput, match="at least one row and two arms"):
            power_statement(n, arms)


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


RUNGS = (Rung("bare", "Bare"), Rung("pilot", "Pilot", "training", True))


def test_a_ladder_is_saved_and_changed_before_looking_without_blame(project):
    set_ladder(project, RUNGS[:1])
    assert set_ladder(project, RUNGS) == Ladder(RUNGS)
    assert Ladder.load(project.path("decide/ladder.json")) == Ladder(RUNGS)


@pytest.mark.parametrize(
    "changed", [RUNGS[:1], RUNGS[::-1], (*RUNGS, Rung("raft", "RAFT")), (RUNGS[0], replace(RUNGS[1], tuned=False))]
)
def test_a_ladder_changed_after_looking_is_late_and_stays_so(project, changed):
    set_ladder(project, RUNGS)
    project.record_test_look("Bare input", 80)
    assert not set_ladder(project, (RUNGS[0], replace(RUNGS[1], title="Pilot fine-tune"))).late, "a title is no rule"
    assert set_ladder(project, changed).late
    assert set_ladder(project, RUNGS).late
    assert "changed after test rows" in repr(set_ladder(project, RUNGS))


def test_the_rungs_of_arms_keep_their_order_upkeep_and_whether_they_are_tuned():
    arms = [SimpleNamespace(key=r.key, title=r.title, upkeep=r.upkeep, tuned=r.tuned, recipe="") for r in RUNGS]
    assert rungs(arms) == RUNGS


def test_an_arm_that_is_asked_otherwise_after_looking_makes_the_ladder_late_and_an_older_ladder_does_not(project):
    asked = [replace(rung, recipe=f"prompts of {rung.key}") for rung in RUNGS]
    set_ladder(project, RUNGS)
    project.record_test_look("Bare input", 80)
    assert not set_ladder(project, asked).late, "a ladder without recipes can't tell"
    assert not set_ladder(project, asked).late
    assert set_ladder(project, [asked[0], replace(asked[1], recipe="other prompts")]).late


def test_looks_beyond_the_arms_own_are_told_among_the_reasons():
    cards = [card("bare", right(50)), seeds(90, 91, 92)]
    assert not [r for r in recommend(cards, Goal(0.3, 0.02), looks=4).reasons if "looked at" in r]
    (said,) = [r for r in recommend(cards, Goal(0.3, 0.02), looks=6).reasons if "looked at" in r]
    assert said.startswith("The test rows were looked at 6 times, 2 of them")


def test_where_some_arm_crashed_none_is_good_enough_is_said_of_the_scored_ones_and_the_others_are_named():
    found = on_ladder(right(10), [None] * 100, right(12), good_enough=0.9)
    assert found.outcome == NONE and "every arm that could be scored" in found.reasons[-1]
    assert found.reasons[-1].endswith("not scored: Nearest.")
    assert on_ladder(right(10), right(10), right(12), good_enough=0.9).reasons[-1].startswith("Every arm's upper bound")


def test_where_every_tuned_arm_crashed_neither_the_outcome_nor_the_answer_claims_a_decision():
    found = on_ladder(right(10), right(10), [None] * 100, good_enough=0.9)
    assert (found.outcome, found.fine_tune) == (NOT_DECIDED, "not decided")
    assert found.answer.startswith("Whether to fine-tune is not decided: ") and "no tuned arm could be scored" in found.answer
    assert "no arm is good enough" not in found.answer and "A tuned arm might reach it" in found.reasons[-1]


def test_trainings_that_could_not_be_scored_are_told():
    lost = replace(card("pilot", [None] * 100), recipe="lost", training_seconds=0.0)
    found = recommend([card("bare", right(50)), Seeds((*seeds(90, 91).cards, lost))], Goal(0.3, 0.02))
    assert any(r.startswith("1 of 3 trainings of The pilot arm could not be scored") for r in found.reasons)


def test_the_power_statement_holds_for_the_goals_margin_says_what_it_assumes_and_shows_without_quotation_marks():
    small, large = power_statement(200, 4), power_statement(200, 4, 0.12)
    points = [int(said.split("truly about ")[1].split(" points")[0]) for said in (small, large)]
    assert points[1] == points[0] + 10 and "margin of 0.12" in large
    assert "A smaller one is missed more often" in small and "correlation 0.3" in small
    assert small._repr_html_() == f"<p>{small}</p>"


def test_a_first_ladder_after_looking_is_late(project):
    project.record_test_look("Bare input", 80)
    assert set_ladder(project, RUNGS).late


@pytest.mark.parametrize("arms", [(), (RUNGS[0], RUNGS[0])])
def test_a_ladder_without_arms_or_with_one_twice_is_refused(project, arms):
    with pytest.raises(BadInput, match="each arm once"):
        set_ladder(project, arms)
    assert not project.path("decide/ladder.json").exists()


def test_the_ladder_is_shown_in_order_and_escaped():
    shown = Ladder((*RUNGS, Rung("x", "<script>")))
    assert list(shown.table()["arm"]) == ["Bare", "Pilot", "<script>"] and list(shown.table()["tuned"]) == ["no", "yes", "no"]
    assert "<script" not in shown._repr_html_()
