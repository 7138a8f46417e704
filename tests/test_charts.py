"""A chart shows the interval, reads without colour, and carries its numbers in words."""

import random
from dataclasses import replace

import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from workbench import charts
from workbench.charts import Picture, picture
from workbench.check.forgetting import FAIL, LOGLIK_MARGIN, PASS, UNKNOWN, compare_skills
from workbench.check.skills import ItemScore, Skill
from workbench.curate.checks.report import CurationReport, Finding
from workbench.curate.coverage import Coverage, Topic
from workbench.decide.recommendation import Goal, recommend
from workbench.scoring.scorecard import Scorecard, ScoredRow

EVIL = "<script>\"alert('x')\"</script>"


def card(key, n_right, n=40):
    rows = tuple(ScoredRow(f"r{i}", float(i < n_right), "said", 10, 2, False) for i in range(n))
    return Scorecard(key, f"The {key} arm", "recipe", "rows1", "m", "fp32", "label", 64, rows, 0.5, 0.0, "machine")


CARDS = [card("bare", 4), card("examples", 20), card("pilot", 38)]
GOAL = Goal(0.75, 0.02)


def arms(cards=CARDS, goal=GOAL):
    return charts.arms(cards, goal, recommend(cards, goal))


def report():
    draw = random.Random(1)
    fall = {"kept": 0.0, "unsure": 0.1, "gone": 1.0}
    suite = [Skill(name, f"Skill {name}", "completion", None, "", ()) for name in fall]
    before = [ItemScore(name, f"{name}{i}", f"c{i}", -2.0, None, "") for name in fall for i in range(30)]
    after = [replace(s, loglik=s.loglik - fall[s.skill] - draw.uniform(-0.2, 0.2)) for s in before]
    made = compare_skills(suite, before, after, None, "m", "run")
    assert [c.status for c in made.skills] == [PASS, UNKNOWN, FAIL]
    return made


REPORT = report()
FOUND = CurationReport("0", 90, (Finding("empty answer", "r1", ""), Finding("empty answer", "r2", "")), {"empty answer": "", "personal data": ""}, {"empty answer": "fault", "personal data": "fault"}, {"empty answer": "drop", "personal data": "mask"})
FIGURES = {
    "findings": lambda: charts.findings(FOUND),
    "arms": arms,
    "forgetting": lambda: charts.forgetting(REPORT),
}
each_figure = pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)


def ticks(figure):
    return [label.get_text() for label in figure.axes[0].get_yticklabels()]


def shape(line):
    """What tells a mark from another on a black and white print: its form, and whether it is filled."""
    return line.get_marker(), to_hex(line.get_markerfacecolor()) == "#ffffff"


def marks(figure):
    return [line for line in figure.axes[0].lines if line.get_marker() not in ("None", "", None)]


def bars(figure):
    """The drawn intervals as (low, high)."""
    return [tuple(line.get_xdata()) for line in figure.axes[0].lines if line.get_marker() in ("None", "", None) and len(line.get_ydata()) == 2
            and line.get_ydata()[0] == line.get_ydata()[1] and len(set(line.get_xdata())) == 2]  # fmt: skip


@each_figure
def test_a_chart_is_a_figure_that_can_be_drawn_and_describes_itself(draw):
    figure = draw()
    assert isinstance(figure, Figure)
    drawn = picture(figure)
    assert drawn.png.startswith(b"\x89PNG") and len(drawn.png) > 2000
    assert drawn.alt == figure.get_label() and len(drawn.alt) > 20


@each_figure
def test_a_chart_says_what_its_axis_measures(draw):
    assert draw().axes[0].get_xlabel()


def test_the_description_of_the_arms_names_every_score_with_its_interval_and_the_goal():
    alt = arms().get_label()
    for one in CARDS:
        assert f"{one.title} {one.interval()}" in alt
    assert "0.75" in alt


def test_the_description_of_the_findings_names_every_count():
    assert charts.findings(FOUND).get_label() == "Rows with a finding: empty answer 2; 1 checks found nothing."


def test_what_is_acted_on_and_what_a_person_should_look_at_differ_without_colour():
    report = CurationReport("0", 9, (Finding("a", "r1", ""), Finding("b", "r2", "")), {"a": "", "b": ""}, {"a": "fault", "b": "review"}, {"a": "drop", "b": "keep"})
    figure = charts.findings(report)
    faces = {tuple(patch.get_facecolor()) for patch in figure.axes[0].patches}
    assert len(faces) == 2 and "b 1 (to review)" in figure.get_label()


def test_a_report_without_findings_is_drawn_too():
    empty = CurationReport("0", 9, (), {"a": ""}, {"a": "fault"}, {"a": "drop"})
    assert "none; 1 checks found nothing" in charts.findings(empty).get_label()
    charts.picture(charts.findings(empty))


def test_the_description_of_the_coverage_names_every_topic_and_the_thin_ones():
    found = Coverage("0", 50, (Topic("invoice, card", 46, 0.92, 3, False), Topic("hose, lawn", 4, 0.08, 0, True)), ())
    figure = charts.coverage(found)
    assert figure.get_label() == "Rows per topic: invoice, card 46; hose, lawn 4, thin."
    assert [line.get_xdata().tolist() if hasattr(line.get_xdata(), "tolist") else list(line.get_xdata()) for line in figure.axes[0].lines] == [[3, 0]]
    charts.picture(charts.coverage(Coverage("0", 0, (), ())))


def test_the_map_names_every_topic_and_crosses_the_thin_ones():
    points = tuple((x / 10, x / 5, int(x > 45)) for x in range(50))
    found = Coverage("0", 50, (Topic("invoice, card", 46, 0.92, None, False), Topic("hose, lawn", 4, 0.08, None, True)), points)
    figure = charts.coverage_map(found)
    assert "Map of 50 rows" in figure.get_label() and figure.get_label().endswith("Thin: hose, lawn.")
    assert [line.get_marker() for line in figure.axes[0].lines] == [".", "x"]
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [46, 4]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["1  invoice, card: 46 rows", "2  hose, lawn: 4 rows, thin"]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2"]
    charts.picture(charts.coverage_map(Coverage("0", 0, (), ())))


def test_the_description_of_forgetting_names_every_change_its_interval_and_the_margin():
    alt = charts.forgetting(REPORT).get_label()
    for change in REPORT.skills:
        span = change.loglik
        assert f"{change.title} {span.value:+.2f} [{span.low:+.2f}, {span.high:+.2f}], {change.status}" in alt
    assert f"-{LOGLIK_MARGIN:.2f}" in alt


def test_the_intervals_are_drawn_as_wide_as_they_are():
    assert bars(arms()) == [one.interval()[1:] for one in CARDS]
    assert bars(charts.forgetting(REPORT)) == [change.loglik[1:] for change in REPORT.skills]


def test_the_recommended_arm_differs_in_shape_and_not_only_in_colour():
    figure = arms()
    forms = [shape(line) for line in marks(figure)]
    assert forms[2] != forms[0] == forms[1]
    assert ticks(figure) == ["The bare arm", "The examples arm", "The pilot arm  (recommended)"]


def test_an_arm_that_is_only_ahead_is_not_called_recommended():
    assert ticks(arms(goal=Goal(0.999, 0.02)))[2] == "The pilot arm  (stands so far by the rule)"


def test_kept_lost_and_not_settled_differ_in_shape_and_not_only_in_colour():
    figure = charts.forgetting(REPORT)
    assert len({shape(line) for line in marks(figure)}) == 3
    assert ticks(figure) == ["Skill kept: kept", "Skill unsure: not settled", "Skill gone: lost"]


def test_axes_start_where_honesty_asks_for_it():
    left, right = arms().axes[0].get_xlim()
    assert left <= 0 and right >= 1
    assert charts.findings(FOUND).axes[0].get_xlim()[0] <= 0


def test_a_picture_escapes_its_description():
    html = Picture(b"png", EVIL)._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html
    assert html.count('"') == 6, "the description can't end its attribute"


def test_a_hostile_title_is_drawn_and_described_escaped():
    cards = [replace(CARDS[0], title=EVIL), CARDS[2]]
    html = picture(arms(cards))._repr_html_()
    assert "<script" not in html and "&lt;script&gt;" in html


def test_a_picture_carries_its_image_and_fetches_nothing():
    assert 'src="data:image/png;base64,cG5n"' in Picture(b"png", "x")._repr_html_()


def test_an_arm_that_could_not_be_scored_has_words_in_the_place_of_a_bar():
    dead = replace(CARDS[1], rows=tuple(replace(row, score=None) for row in CARDS[1].rows))
    figure = arms([CARDS[0], dead, CARDS[2]])
    bars = [line for line in figure.axes[0].lines if len(set(line.get_ydata())) == 1 and len(line.get_xdata()) == 2]
    assert sorted({line.get_ydata()[0] for line in bars}) == [0, 2]
    assert "could not be scored" in [text.get_text() for text in figure.axes[0].texts]
    assert "The examples arm could not be scored" in figure.get_label() and "nan" not in figure.get_label()
    picture(figure)
