"""The charts of a change and of growing data show every interval, read without colour, and carry their numbers in words."""

import pytest
from matplotlib.colors import to_hex

from workbench import charts
from workbench.decide.freshness import ADAPTED, NOT_ASKED, STALE, ArmFreshness, FreshnessReport, Side
from workbench.decide.learning import LearningCurve, Point
from workbench.scoring.intervals import Interval

EVIL = "<script>\"alert('x')\"</script>"


def side(before, after):
    spans = [Interval(v, v - 0.1, v + 0.1) for v in (before, after)]
    return Side(20, *spans, Interval(after - before, -0.9, 0.9), {})


REPORT = FreshnessReport(
    (
        ArmFreshness("pilot", "By heart", STALE, "why", True, side(0.81, 0.12), side(0.72, 0.71)),
        ArmFreshness("rag", "Looked up", ADAPTED, "why", False, side(0.82, 0.83), None),
        ArmFreshness("late", "Never asked", NOT_ASKED, "why"),
    ),
    0.1, 0.02, 20, 20,
)  # fmt: skip
CURVE = LearningCurve(
    tuple(Point(n, Interval(v, v - 0.1, v + 0.1), (v - 0.05, v + 0.05)) for n, v in ((10, 0.3), (20, 0.5), (40, 0.6))),
    (Interval(0.2, 0.1, 0.3), Interval(0.1, -0.05, 0.25)), 40, 16,
)  # fmt: skip


def bars(figure, along):
    """The drawn intervals as (low, high)."""
    across = {"x": "y", "y": "x"}[along]
    lines = [line for line in figure.axes[0].lines if line.get_marker() == "None"]
    for line in lines:
        assert len(set(getattr(line, f"get_{across}data")())) == 1
    return [tuple(getattr(line, f"get_{along}data")()) for line in lines]


def shape(line):
    return line.get_marker(), to_hex(line.get_markerfacecolor()) == "#ffffff"


@pytest.mark.parametrize("draw", [lambda: charts.freshness(REPORT), lambda: charts.learning_curve(CURVE)])
def test_a_chart_can_be_drawn_and_says_what_its_axis_measures(draw):
    figure = draw()
    assert charts.picture(figure).png.startswith(b"\x89PNG")
    assert figure.axes[0].get_xlabel() and figure.axes[0].get_legend()


def test_every_interval_of_the_change_is_drawn_as_wide_as_it_is():
    pilot, rag, _ = REPORT.arms
    spans = [span for side in (pilot.changed, pilot.same, rag.changed) for span in (side.before, side.after)]
    assert bars(charts.freshness(REPORT), "x") == [span[1:] for span in spans]


def test_before_and_after_differ_in_shape_and_fill_and_not_only_in_colour():
    marked = [shape(line) for line in charts.freshness(REPORT).axes[0].lines if line.get_marker() != "None"]
    assert marked == [("o", True), ("D", False)] * 3


def test_the_description_of_the_change_names_every_arm_its_word_and_both_scores():
    alt = charts.freshness(REPORT).get_label()
    for arm in REPORT.arms[:2]:
        assert f"{arm.title}, {arm.word}: changed facts {arm.changed.before} then {arm.changed.after}" in alt
    assert "unchanged facts not judged" in alt and "Never asked" not in alt


def test_a_hostile_title_in_the_change_is_escaped():
    evil = FreshnessReport((ArmFreshness("x", EVIL, STALE, "why", True, side(0.5, 0.2), None),), 0.1, 0.02, 20, 0)
    assert "<script" not in charts.picture(charts.freshness(evil))._repr_html_()


def test_every_size_of_the_curve_is_drawn_with_its_interval_and_its_seeds():
    figure = charts.learning_curve(CURVE)
    across = [line for line in figure.axes[0].lines if line.get_marker() == "_"]
    assert bars(figure, "y") == [p.score[1:] for p in CURVE.points]
    assert [tuple(line.get_ydata()) for line in across] == [p.seeds for p in CURVE.points]
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["10", "20", "40"]


def test_the_description_of_the_curve_names_every_size_and_ends_in_what_it_shows():
    alt = charts.learning_curve(CURVE).get_label()
    assert all(f"{p.rows} rows {p.score}" in alt for p in CURVE.points) and alt.endswith(repr(CURVE))
