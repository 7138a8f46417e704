"""The training figure asks a question a panel, shows what the log has, and says in words what it marks."""

import math
from textwrap import fill

import pytest
from matplotlib.figure import Figure

from workbench import charts
from workbench.charts import picture
from workbench.train.flags import Flag

HISTORY = [{"step": s, "loss": 3.0 / s, "seconds": float(s)} for s in range(1, 21)] + [{"step": 20, "validation_loss": 0.4321, "seconds": 21.0}]
WHOLE = [
    entry
    for s in range(1, 41)
    for entry in (
        {"step": s, "loss": 3.0 / s, "seconds": float(s), "learning_rate": 1e-3 * (1 - s / 50), "gradient_norm": 1.5, "tokens": 9, "memory": 1.9},
        *([{"step": s, "seconds": float(s), "validation_loss": 3.2 / s},
           {"step": s, "seconds": float(s), "score": {"value": 0.9 - abs(s - 30) / 100, "low": 0.5, "high": 0.95, "n": 24}}] if s % 10 == 0 else []),
    )
]  # fmt: skip
FLAGS = (Flag("validation loss rising", 20, "The loss is lowest at step 20. Stop here."), Flag("gradient spike", 33, "A batch pulled hard."))


def questions(figure):
    return [axes.get_title(loc="left") for axes in figure.axes]


def words_below(figure):
    return figure.get_supxlabel()


def marks(figure):
    return [(text.get_text(), text.xy[0]) for text in figure.axes[0].texts]


@pytest.mark.parametrize("history", [HISTORY, WHOLE, WHOLE[:1], HISTORY[:1], []], ids=["old", "whole", "one entry", "one old entry", "none"])
def test_a_log_of_any_age_and_length_is_drawn_and_described(history):
    figure = charts.training(history, 40)
    assert isinstance(figure, Figure)
    drawn = picture(figure)
    assert drawn.png.startswith(b"\x89PNG") and len(drawn.png) > 2000
    assert drawn.alt == figure.get_label() and len(drawn.alt) > 20
    assert figure.axes[-1].get_xlabel() == "step"


def test_each_panel_asks_a_question_and_what_the_log_lacks_has_none():
    assert questions(charts.training(WHOLE, 40)) == ["Is it learning?", "Does it answer better?", "How large are its steps?", "Is it steady?"]
    assert questions(charts.training(HISTORY, 40)) == ["Is it learning?"]


def test_all_panels_have_the_same_steps_and_the_whole_plan_in_view():
    figure = charts.training(WHOLE[:30], 40)
    assert {axes.get_xlim() for axes in figure.axes} == {figure.axes[0].get_xlim()}
    low, high = figure.axes[0].get_xlim()
    assert low <= 0 and high >= 40


def test_the_description_names_where_the_loss_began_and_where_it_is():
    alt = charts.training(HISTORY, 40).get_label()
    assert "3.00 at step 1" in alt and "0.15 at step 20 of 40" in alt and "0.43" in alt


def test_the_description_names_the_last_values_of_everything_and_the_best():
    alt = charts.training(WHOLE, 40).get_label()
    assert "score on validation rows last 0.80 [0.50, 0.95] at step 40, best 0.90 [0.50, 0.95] at step 30" in alt
    assert "learning rate 0.0002" in alt and "gradient norm 1.5" in alt and "lowest 0.08 at step 40" in alt


def test_raw_smoothed_and_validation_loss_differ_in_more_than_their_colour():
    lines = charts.training(HISTORY, 40).axes[0].lines
    assert len({(line.get_marker(), line.get_linestyle(), line.get_linewidth()) for line in lines}) == 3


def test_the_smoothed_loss_moves_less_than_the_raw_one():
    history = [{"step": s, "loss": 1.0 + s % 2, "seconds": 1.0} for s in range(1, 41)]
    raw, smooth = (list(line.get_ydata()) for line in charts.training(history, 40).axes[0].lines[:2])
    assert raw == [entry["loss"] for entry in history]
    assert max(smooth[10:]) - min(smooth[10:]) < 0.5


def test_the_loss_and_the_score_start_at_zero():
    figure = charts.training(WHOLE, 40)
    assert figure.axes[0].get_ylim()[0] == 0 and figure.axes[1].get_ylim()[0] == 0


def test_each_score_has_its_interval_and_the_best_another_shape():
    axes = charts.training(WHOLE, 40).axes[1]
    spans = [tuple(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 2 and len(set(line.get_xdata())) == 1]
    assert spans == [(0.5, 0.95)] * 4
    best = [line for line in axes.lines if line.get_marker() == "D"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in best] == [(30, 0.9)]
    assert [text.get_text() for text in axes.texts] == ["best so far: 0.90"]


def test_flags_are_numbered_at_their_step_and_said_below_and_in_the_description():
    figure = charts.training(WHOLE, 40, FLAGS)
    assert marks(figure) == [("1", 20), ("2", 33)]
    assert words_below(figure).splitlines() == ["1  The loss is lowest at step 20. Stop here.", "2  A batch pulled hard."]
    assert "1  The loss is lowest at step 20. Stop here. 2  A batch pulled hard." in figure.get_label()


def test_a_view_that_says_the_flags_itself_has_them_marked_and_described_all_the_same():
    figure = charts.training(WHOLE, 40, FLAGS, words=False)
    assert marks(figure) == [("1", 20), ("2", 33)] and "A batch pulled hard" in figure.get_label()
    assert "A batch" not in words_below(figure)


def test_notes_have_letters_and_are_said_below():
    note = "Out of memory: halved, at $5 or $6 a card."
    figure = charts.training([*WHOLE, {"step": 12, "seconds": 3.0, "note": note}], 40, FLAGS, words=False)
    assert marks(figure) == [("a", 12), ("1", 20), ("2", 33)]
    assert words_below(figure) == fill(f"a  Step 12: {note}", 118)
    assert note.rstrip(".") in figure.get_label()
    picture(figure)


def test_marks_at_one_step_stand_below_one_another():
    figure = charts.training(WHOLE, 40, [Flag("a", 20, "A."), Flag("b", 20, "B.")])
    first, second = figure.axes[0].texts
    assert first.xyann[1] > second.xyann[1] + 10


def test_what_is_not_a_number_is_left_out_of_the_drawing():
    broken = [*WHOLE, {"step": 40, "seconds": 41.0, "loss": math.nan, "gradient_norm": math.inf, "learning_rate": 0.0}]
    figure = charts.training(broken, 40)
    assert all(math.isfinite(limit) for axes in figure.axes for limit in axes.get_ylim())
    picture(figure)


def test_a_rate_of_zero_has_no_scale_made_up():
    figure = charts.training([{"step": 1, "loss": 3.0, "seconds": 1.0, "learning_rate": 0.0}], 40)
    assert [label.get_text() for label in figure.axes[1].get_yticklabels()] == ["0"]


def test_a_training_chart_can_be_drawn_before_the_first_step():
    assert "not begun" in picture(charts.training([], 40)).alt
