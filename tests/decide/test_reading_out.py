"""The paragraph for a mail is numbers in plain sentences; the differing rows stand side by side, masked and escaped."""

import re
from dataclasses import replace

import pytest

from workbench.dataset import Example
from workbench.decide.arm_cost import Usage
from workbench.decide.arms import Arm, Form, Trained
from workbench.decide.costs import costs
from workbench.decide.prices import load_prices
from workbench.decide.reading import Differing, mail_paragraph, most_different
from workbench.decide.recommendation import Goal, Ladder, Rung, recommend
from workbench.scoring.scorecard import Scorecard, ScoredRow
from workbench.scoring.seeds import Seeds

BARE = Arm("bare", "Bare input", Form(), "")
PILOT = Arm("pilot", "Pilot", Form(), "", Trained("pilot", Form()))
GOAL = Goal(0.7, 0.02)
USAGE = Usage(10_000, 4, 1, 200, 1.0)
COUNTS = {"train": 1200, "validation": 20, "test": 60}


def card(arm, right, n=60, answer="SECRET ANSWER", scores=None, recipe=""):
    scores = scores or [float(i < right) for i in range(n)]
    rows = tuple(ScoredRow(f"r{i}", s, f"{answer} {i}", 100, 10, False) for i, s in enumerate(scores))
    training = 600.0 if arm.trained else 0.0
    return Scorecard(arm.key, arm.title, recipe or arm.key, "rows", "m", "fp32", "label", 64, rows, 0.5, training, "machine")


def mail(bare, pilot, goal=GOAL, counts=COUNTS):
    cards = [card(BARE, bare), card(PILOT, pilot)]
    return mail_paragraph(recommend(cards, goal), cards, costs([BARE, PILOT], cards, USAGE, load_prices()), goal, counts)


def sentences(text):
    return re.split(r"(?<=[.!?]) (?=[A-Z])", text)


@pytest.mark.parametrize("scores", [(5, 58), (40, 44), (3, 5), (58, 59)])
def test_the_paragraph_has_five_to_eight_sentences(scores):
    assert 5 <= len(sentences(mail(*scores))) <= 8


def test_the_paragraph_names_score_interval_rows_goal_and_cost():
    text = mail(5, 58)
    span = card(PILOT, 58).interval()
    assert "We recommend Pilot" in text and f"from {span.low:.2f} to {span.high:.2f} on 60 rows" in text
    assert "1,200 other rows" in text and "0.70 had been set" in text
    assert re.search(r"EUR per 1,000 calls and [\d,.]+ EUR in the first 12 months", text) and "hours of a person" in text


def test_the_paragraph_says_what_would_change_the_answer():
    assert "would change if more than" in mail(5, 58)
    assert re.search(r"about [\d,]+ more test rows would settle it", mail(10, 46))
    assert "would change if" in mail(3, 5)


def test_what_is_not_decided_or_not_good_enough_is_never_recommended():
    for text, word in ((mail(10, 44), "not decided"), (mail(3, 5), "None of them is good enough")):
        assert word in text and "recommend" not in text


def test_the_paragraph_says_whether_to_fine_tune():
    assert "Fine-tune: Pilot is better" in mail(5, 58) and "Don't fine-tune: Bare input is good enough" in mail(58, 59)


def test_that_nobody_had_seen_the_rows_is_not_said_after_other_looks():
    cards = [card(BARE, 5), card(PILOT, 58)]
    given = recommend(cards, GOAL), cards, costs([BARE, PILOT], cards, USAGE, load_prices()), GOAL, COUNTS
    for looks in (0, 2):
        assert "which none of them had seen" in mail_paragraph(*given, looks=looks)
    text = mail_paragraph(*given, looks=5)
    assert "had seen" not in text and "looked at 5 times, 3 of them before or beside this comparison" in text
    assert len(sentences(text)) <= 8


def test_a_tuned_way_that_was_trained_once_is_told_and_one_trained_on_several_seeds_is_not():
    assert "Pilot was trained on one seed only" in mail(5, 58) and "Bare input was trained" not in mail(5, 58)
    cards = [card(BARE, 5), Seeds(tuple(card(PILOT, 58, recipe=f"s{i}") for i in range(3)))]
    text = mail_paragraph(recommend(cards, GOAL), cards, costs([BARE, PILOT], cards, USAGE, load_prices()), GOAL, COUNTS)
    assert "one seed" not in text


def test_a_way_that_another_beats_in_score_is_not_said_to_be_ahead():
    assert "Bare input stands so far by the rule" in mail(40, 41) and "is ahead" not in mail(40, 41)
    assert "Pilot is ahead" in mail(10, 44)


def test_machine_hours_are_said_to_be_those_of_batches():
    assert "hours of a machine that answers in batches" in mail(5, 58)


def test_answers_that_could_not_be_judged_are_counted():
    cards = [card(BARE, 0, scores=[None] * 3 + [1.0] * 57), card(PILOT, 58)]
    text = mail_paragraph(recommend(cards, GOAL), cards, costs([BARE, PILOT], cards, USAGE, load_prices()), GOAL)
    assert "on 57 rows (3 more could not be judged)" in text and "same 60 test rows" in text


def test_a_difference_that_may_be_chance_is_called_so():
    assert "which may be chance" in mail(57, 58) and "more than chance" in mail(5, 58)


def five(pilot=50, dead=False):
    """Four arms with 40 right, the last of which may have failed, and the pilot."""
    arms = [Arm(f"a{i}", f"Arm {i}", Form(), "") for i in range(4)]
    cards = [card(arm, 40) for arm in arms] + [card(PILOT, pilot)]
    if dead:
        cards[3] = replace(cards[3], rows=tuple(replace(row, score=None) for row in cards[3].rows))
    ladder = Ladder(tuple(Rung(arm.key, arm.title, "", arm is PILOT) for arm in (*arms, PILOT)))
    return cards, [*arms, PILOT], ladder


def told(cards, arms, ladder, goal=GOAL):
    return mail_paragraph(recommend(cards, goal, ladder), cards, costs(arms, cards, USAGE, load_prices()), goal, COUNTS, ladder)


def test_a_difference_picked_after_looking_is_more_than_chance_only_after_correction():
    cards, arms, ladder = five(46)
    plain = next(c for c in cards if c.arm == "pilot").minus(cards[0])
    assert plain.low > 0, "without the correction it would be called more than chance"
    text = told(cards, arms, ladder)
    assert "with 10 pairs of ways allowed for), which may be chance" in text and "more than chance" not in text


def test_only_ways_that_could_be_scored_are_counted_and_the_others_are_named():
    text = told(*five(58, dead=True))
    assert text.startswith("We compared 4 ways of answering") and "1 more could not be scored (Arm 3)." in text


def test_a_way_that_was_on_the_ladder_and_not_scored_is_named_too():
    cards, arms, ladder = five(58)
    assert "1 more could not be scored (Arm 3)." in told([c for c in cards if c.arm != "a3"], arms, ladder)


def test_that_no_way_costs_less_is_said_only_of_those_whose_cost_is_known():
    assert "Of those whose cost is known, no way that may be good enough costs less." in mail(58, 59)


@pytest.mark.parametrize(("goal", "ladder", "said"), [
    (False, True, "The list of ways was changed"),
    (True, True, "The goal and the list of ways were changed"),
    (False, False, ""),
])
def test_a_late_ladder_is_told(goal, ladder, said):
    cards, arms, found = five(58)
    text = told(cards, arms, replace(found, late=ladder), replace(GOAL, late=goal))
    assert said in text and ("no longer a fair test" in text) == bool(said) and len(sentences(text)) <= 8


def test_a_late_goal_is_told():
    assert "no longer a fair test" in mail(5, 58, replace(GOAL, late=True))


def test_a_cheaper_way_that_may_be_good_enough_is_told_and_one_that_is_not_is_not():
    assert "the cheapest way that may be good enough is Bare input" in mail(45, 59)
    assert "good enough is Bare input" not in mail(5, 59)


def test_no_text_of_any_row_is_in_the_paragraph():
    assert "SECRET" not in mail(5, 58)


def test_an_arm_that_could_not_be_scored_is_said_so():
    dead = replace(card(BARE, 0), rows=(ScoredRow("r0", None, "", 0, 0, False),))
    text = mail_paragraph(recommend([dead], GOAL), [dead], costs([BARE], [dead], USAGE, load_prices()), GOAL)
    assert "no answer of Bare input could be scored" in text and "could not be measured" in text and "nan" not in text


def test_a_price_that_is_missing_is_told():
    cards = [card(BARE, 5), card(PILOT, 58)]
    rows = tuple(replace(row, source="") if row.item == "person" else row for row in load_prices().rows)
    unpriced = replace(load_prices(), rows=rows)
    text = mail_paragraph(recommend(cards, GOAL), cards, costs([BARE, PILOT], cards, USAGE, unpriced), GOAL, COUNTS)
    assert "(without labelling" in text


def test_the_paragraph_is_shown_escaped():
    cards = [card(replace(BARE, title="<script>"), 58)]
    text = mail_paragraph(recommend(cards, GOAL), cards, costs([BARE], cards, USAGE, load_prices()), GOAL)
    assert isinstance(text, str) and "<script>" in text and "<script>" not in text._repr_html_()


EXAMPLES = [Example(f"r{i}", (("user", f"question {i}"),), f"expected {i}") for i in range(5)]


def differing(one, two, rows=20, shown=str):
    return most_different([card(BARE, 0, scores=one), card(PILOT, 0, scores=two)], EXAMPLES, shown, rows)


def test_the_rows_with_the_widest_spread_come_first_and_rows_without_one_do_not_come():
    found = differing([0.0, 0.5, 1.0, 0.2, 1.0], [1.0, 0.5, 0.5, 0.3, 1.0])
    assert [row.row_id for row in found.rows] == ["r0", "r2", "r3"] and found.of == 3 and found.test_rows == 5
    assert [row.row_id for row in differing([0.0] * 5, [1.0] * 5, rows=2).rows] == ["r0", "r1"]


def test_answers_and_scores_stand_side_by_side():
    table = differing([0.0] * 5, [1.0] * 5).table()
    assert table.columns.tolist() == ["question", "expected", "Bare input", "Pilot"]
    assert table.iloc[0].tolist() == ["question 0", "expected 0", "0.00\nSECRET ANSWER 0", "1.00\nSECRET ANSWER 0"]


def test_a_row_that_one_arm_could_not_be_judged_on_is_no_difference():
    found = differing([None, 0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0])
    assert [row.row_id for row in found.rows] == ["r1"]


def test_every_text_is_masked_before_it_is_shown():
    found = differing([0.0] * 5, [1.0] * 5, shown=lambda text: "MASKED")
    assert set(found.table().iloc[0].tolist()) == {"MASKED", "0.00\nMASKED", "1.00\nMASKED"}


def test_hostile_text_is_escaped():
    html = differing([0.0] * 5, [1.0] * 5, shown=lambda text: f"<script>{text}")._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html


def test_seeds_are_scored_by_their_mean():
    seeds = Seeds((card(PILOT, 0, scores=[1.0] * 5, recipe="s0"), card(PILOT, 0, scores=[0.0] * 5, recipe="s1")))
    found = most_different([card(BARE, 0, scores=[0.0] * 5), seeds], EXAMPLES, str)
    assert found.rows[0].spread == 0.5 and found.rows[0].said[1].score == 0.5


def test_the_differing_rows_survive_saving(tmp_path):
    found = differing([0.0, 0.5, 1.0, 0.2, 1.0], [1.0] * 5)
    assert Differing.load(found.save(tmp_path / "d.json")) == found
