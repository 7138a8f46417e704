"""The pictures of the verdict show intervals, read without colour, and say in words what they show."""

from dataclasses import replace

import pytest
from matplotlib.text import Text

from workbench import charts
from workbench.decide.arm_cost import Usage
from workbench.decide.arms import Arm, Form, Trained
from workbench.decide.costs import costs
from workbench.decide.prices import load_prices
from workbench.decide.recommendation import Goal, recommend
from workbench.scoring.scorecard import Scorecard, ScoredRow

GOAL = Goal(0.7, 0.02)
USAGE = Usage(300_000, 4, 1, 200, 1.0)
BARE, PROMPT = Arm("bare", "Bare input", Form(), ""), Arm("instructions", "Instructions", Form("do"), "")
PILOT = Arm("pilot", "Pilot", Form(), "", Trained("pilot", Form()))
REMOTE = Arm("endpoint", "Big model", Form("do"), "", endpoint=object())
ARMS = [BARE, PROMPT, PILOT, REMOTE]


def card(arm, right, seconds, model="m", n=60):
    rows = tuple(ScoredRow(f"r{i}", float(i < right), "said", 400, 12, False) for i in range(n))
    return Scorecard(arm.key, arm.title, arm.key, "rows", model, "fp32", "label", 64, rows, seconds,
                     600.0 if arm.trained else 0.0, "machine")


CARDS = [card(BARE, 6, 0.3), card(PROMPT, 20, 1.4), card(PILOT, 50, 0.4), card(REMOTE, 57, 0.5, "gpt-4.1-mini")]


def report(usage=USAGE, prices=None, cards=CARDS, arms=ARMS):
    return costs(arms, cards, usage, prices or load_prices())


def frontier(cards=CARDS, found=None, goal=GOAL):
    return charts.frontier(cards, found or report(cards=cards), recommend(cards, goal))


def marks(figure):
    return [line for line in figure.axes[0].lines if line.get_marker() in ("o", "D")]


def crossings(figure):
    return [(x, y) for line in figure.axes[0].lines if line.get_marker() == "D" for x, y in zip(*line.get_data(), strict=True)]


def names(figure):
    return [text for text in figure.axes[0].texts if getattr(text, "arrow_patch", None) is not None]


def boxes(figure):
    charts.picture(figure)
    # An annotation's own extent would take in its leader line.
    return [Text.get_window_extent(text) for text in figure.axes[0].texts]


@pytest.mark.parametrize(
    "draw", [frontier, lambda: charts.break_even(report()), lambda: charts.break_even(report(), "endpoint", "pilot")]
)
def test_a_picture_of_the_verdict_can_be_drawn_and_says_what_its_axes_measure(draw):
    figure = draw()
    assert charts.picture(figure).png.startswith(b"\x89PNG") and len(figure.get_label()) > 40
    assert figure.axes[0].get_xlabel() and figure.axes[0].get_ylabel()


def test_the_frontier_draws_every_interval_as_wide_as_it_is():
    upright = [line for line in frontier().axes[0].lines if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1]
    drawn = [tuple(line.get_ydata()) for line in upright]
    assert drawn == [(c.interval().low, c.interval().high) for c in CARDS]


def test_arms_on_the_frontier_are_filled_and_joined_and_the_others_hollow():
    figure, found = frontier(), report()
    assert found.frontier(CARDS) == ("bare", "pilot", "endpoint")
    assert [line.get_markerfacecolor() == "white" for line in marks(figure)] == [False, True, False, False]
    edge = next(line for line in figure.axes[0].lines if line.get_label().startswith("frontier"))
    assert list(edge.get_ydata()) == [c.interval().value for c in CARDS if c.arm != "instructions"]


def test_the_chosen_arm_differs_in_shape_and_is_named_so():
    figure = frontier()
    assert [line.get_marker() for line in marks(figure)] == ["o", "o", "D", "o"]
    assert "Pilot  (recommended)" in [text.get_text() for text in names(figure)]
    assert "(stands so far by the rule)" in frontier(goal=Goal(0.999, 0.02)).get_label()


def test_the_frontier_says_every_score_cost_and_goal_in_words():
    alt = frontier().get_label()
    assert all(f"{c.title}" in alt and str(c.interval()) in alt for c in CARDS) and "Good enough is 0.70." in alt
    assert alt.count("on the frontier") == 3


def test_money_is_the_axis_where_every_arm_is_priced_and_seconds_where_one_is_not():
    assert "EUR per 1,000 calls" in frontier().axes[0].get_xlabel()
    unpriced = [*CARDS[:3], replace(CARDS[3], model="unknown")]
    figure = frontier(unpriced)
    assert "machine seconds per 1,000 calls" in figure.axes[0].get_xlabel()
    assert [line.get_xdata()[0] for line in marks(figure)] == pytest.approx([300, 1400, 400, 500])


def test_the_cost_axis_is_logarithmic_only_where_it_spans_more_than_tenfold():
    assert frontier().axes[0].get_xscale() == "log"
    assert frontier(CARDS[:3]).axes[0].get_xscale() == "linear"


def test_names_do_not_overlap_however_near_the_points_lie():
    arms = [Arm(f"a{i}", f"An arm with a long name, number {i}", Form(str(i)), "") for i in range(14)]
    cards = [card(arm, 30 + i % 3, 0.5 + i / 1000) for i, arm in enumerate(arms)]
    figure = charts.frontier(cards, report(cards=cards, arms=arms), recommend(cards, GOAL))
    found = boxes(figure)
    assert len(found) == 14
    assert not any(a.overlaps(b) for i, a in enumerate(found) for b in found[i + 1:])


def test_the_break_even_of_two_arms_is_marked_where_it_is():
    found = report()
    even = found.break_even("endpoint", "pilot")
    figure = charts.break_even(found, "endpoint", "pilot")
    (x, y), = crossings(figure)
    pilot = found["pilot"]
    assert x == pytest.approx(even.months) and y == pytest.approx(pilot.once.money + even.months * pilot.month.money)
    assert even.reason in figure.get_label()
    assert f"{even.months:,.1f} months" in " ".join(text.get_text() for text in figure.axes[0].texts)


def test_a_late_break_even_is_still_in_the_picture():
    found = report(replace(USAGE, calls_per_month=150_000))
    even = found.break_even("endpoint", "pilot")
    assert even.months > 12
    assert charts.break_even(found, "endpoint", "pilot").axes[0].get_xlim()[1] > even.months


def test_a_pair_that_never_breaks_even_is_said_so():
    figure = charts.break_even(report(replace(USAGE, calls_per_month=1000)), "endpoint", "pilot")
    assert not crossings(figure) and "never pays for itself" in figure.get_label()
    assert figure.axes[0].get_title(loc="left") == "no crossing at this usage"


def test_lines_of_the_arms_differ_in_their_dashes_and_start_at_what_setting_up_costs():
    figure, found = charts.break_even(report()), report()
    lines = [line for line in figure.axes[0].lines if line.get_marker() in ("None", None, "")]
    assert len({str(line._unscaled_dash_pattern) for line in lines}) == len(ARMS)
    assert [line.get_ydata()[0] for line in lines] == pytest.approx([a.once.money for a in found.arms])
    assert figure.axes[0].get_ylim()[0] == 0


def test_an_arm_without_a_price_is_named_and_not_drawn_as_if_it_were_free():
    figure = charts.break_even(report(cards=[*CARDS[:3], replace(CARDS[3], model="unknown")]))
    assert "Not drawn, as a price or a measurement is missing: Big model." in figure.get_label()
    assert "Big model" in figure.axes[0].get_xlabel() and "Big model" not in [text.get_text() for text in names(figure)]


def test_where_nothing_could_be_scored_an_empty_picture_is_drawn():
    dead = [replace(c, rows=(ScoredRow("r0", None, "", 0, 0, False),)) for c in CARDS]
    assert "Good enough is 0.70." in frontier(dead).get_label()
    charts.picture(frontier(dead)), charts.picture(charts.break_even(report(cards=dead)))


def test_an_arm_that_could_not_be_scored_is_named_beside_the_frontier_and_the_break_even():
    cards = [*CARDS[:3], replace(CARDS[3], rows=(ScoredRow("r0", None, "", 0, 0, False, {}, "Down."),))]
    figure = frontier(cards, report(cards=cards))
    assert "Could not be scored: Big model." in figure.get_label() and "Big model" in figure.axes[0].get_xlabel()
    assert "Big model" not in [text.get_text() for text in names(figure)] and "nan" not in figure.get_label()
    assert "Big model" in charts.break_even(report(cards=cards)).axes[0].get_xlabel()


def test_hostile_titles_are_escaped_in_the_description():
    cards = [replace(CARDS[0], title="<script>"), *CARDS[1:]]
    for figure in (frontier(cards), charts.break_even(report(cards=cards))):
        assert "<script" not in charts.picture(figure)._repr_html_()
