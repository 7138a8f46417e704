"""Long work shows how far it is and how long still, not too often, and in a plain terminal too."""

import re
import threading
from types import SimpleNamespace

import pytest

from workbench.panels import progress as module
from workbench.panels.progress import Progress, Spot, TrainingView, duration


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands until it is moved."""
    now = SimpleNamespace(at=1000.0)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now.at)
    return now


@pytest.fixture
def shown(monkeypatch):
    """What was shown, in place of showing it."""
    things = []
    monkeypatch.setattr(Spot, "show", lambda self, thing: things.append(thing))
    return things


@pytest.mark.parametrize("seconds, words", [(0.4, "0 s"), (40, "40 s"), (99, "99 s"), (180, "3 min"), (5400, "90 min")])
def test_seconds_are_said_in_words(seconds, words):
    assert duration(seconds) == words


def test_the_time_left_follows_from_the_pace_so_far(clock, shown):
    bar = Progress()
    bar("Arm", 0, 100)
    clock.at += 20
    bar("Arm", 25, 100)
    assert repr(shown[-1]) == "Arm: 25 of 100, about 60 s left"


def test_what_was_done_before_the_first_call_does_not_count_into_the_pace(clock, shown):
    bar = Progress()
    bar("Arm", 50, 100)
    clock.at += 10
    bar("Arm", 60, 100)
    assert "about 40 s left" in repr(shown[-1])


def test_no_time_is_promised_at_the_first_call_and_at_the_end(clock, shown):
    bar = Progress()
    bar("Arm", 1, 10)
    clock.at += 5
    bar("Arm", 10, 10)
    assert [repr(thing) for thing in shown] == ["Arm: 1 of 10", "Arm: 10 of 10"]


def test_each_piece_of_work_has_its_own_pace(clock, shown):
    bar = Progress()
    bar("One", 0, 10)
    clock.at += 100
    bar("One", 10, 10)
    bar("Two", 0, 10)
    clock.at += 2
    bar("Two", 5, 10)
    assert "Two: 5 of 10, about 2 s left" == repr(shown[-1])


def test_updates_come_at_most_once_a_second_and_the_last_one_always(clock, shown):
    bar = Progress()
    for done in range(1, 101):
        clock.at += 0.05
        bar("Arm", done, 100)
    assert 5 <= len(shown) <= 8
    assert repr(shown[-1]) == "Arm: 100 of 100"


def test_a_bar_says_its_numbers_to_those_who_can_not_see_it_and_escapes_names(clock, shown):
    Progress()('"<b>evil</b>"', 3, 10)
    html = shown[0]._repr_html_()
    assert 'value="3" max="10"' in html
    assert "<b>" not in html and "&lt;b&gt;" in html
    assert re.search(r'aria-label="[^"]*3 of 10"', html)


def test_nothing_to_do_is_done(shown):
    Progress()("Arm", 0, 0)
    assert repr(shown[0]) == "Arm: 0 of 0"


def test_without_a_kernel_progress_is_printed(clock, capsys):
    bar = Progress()
    bar("Arm", 1, 3)
    clock.at += 2
    bar("Arm", 2, 3)
    bar("Arm", 3, 3)
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    assert lines == ["Arm: 1 of 3", "Arm: 2 of 3, about 2 s left", "Arm: 3 of 3"]


def test_a_spot_is_filled_once_and_then_replaced(monkeypatch):
    import IPython.display

    calls = []
    monkeypatch.setattr(IPython.display, "display", lambda thing, display_id: calls.append(("new", thing, display_id)))
    monkeypatch.setattr(IPython.display, "update_display", lambda thing, display_id: calls.append(("again", thing, display_id)))
    one, other = Spot(), Spot()
    for thing in (1, 2, 3):
        one.show(thing)
    other.show(4)
    assert [(how, thing) for how, thing, _ in calls] == [("new", 1), ("again", 2), ("again", 3), ("new", 4)]
    assert len({place for _, _, place in calls[:3]}) == 1 and calls[3][2] != calls[0][2]


def test_a_name_that_begins_anew_has_a_new_pace(clock, shown):
    bar = Progress()
    bar("Training steps", 1, 10)
    clock.at += 900
    bar("Training steps", 10, 10)
    clock.at += 600
    bar("Training steps", 1, 10)
    clock.at += 3
    bar("Training steps", 4, 10)
    assert repr(shown[-1]) == "Training steps: 4 of 10, about 6 s left"


# The view of training.


def entry(step, **more):
    return {"step": step, "seconds": 2.0 * step, "loss": 3.0 / step, "learning_rate": 1e-3, "gradient_norm": 1.0, "tokens": 600, "memory": 1.94, **more}


@pytest.fixture
def drawn(monkeypatch):
    """How long the log was each time the chart was drawn, in place of drawing it."""
    lengths = []
    monkeypatch.setattr(module.charts, "training", lambda history, steps, found, words: lengths.append(len(history)))
    monkeypatch.setattr(module.charts, "picture", lambda figure: module.charts.Picture(b"png", f"drawing {len(lengths)}"))
    return lengths


def test_the_view_says_how_far_how_fast_how_much_memory_and_how_long_still(clock, shown, drawn):
    view, history = TrainingView(), []
    for step in range(1, 41):
        history.append(entry(step))
        view(history, 80)
        clock.at += 1.0
    assert repr(shown[-1]) == "step 40 of 80 · 300 tokens/s · 1.9 GiB · about 40 s left"
    assert "step 40 of 80 · 300 tokens/s · 1.9 GiB · about 40 s left" in shown[-1]._repr_html_()


def test_an_older_log_and_a_first_step_say_what_they_know(clock, shown, drawn):
    TrainingView()([{"step": 1, "seconds": 2.0, "loss": 3.0}], 80)
    assert repr(shown[-1]) == "step 1 of 80"


def test_time_left_counts_from_where_a_run_was_taken_up_again(clock, shown, drawn):
    view, history = TrainingView(), [entry(step) for step in range(1, 41)]
    view(history, 80)
    clock.at += 10
    view([*history, *(entry(step) for step in range(41, 46))], 80)
    assert "about 70 s left" in repr(shown[-1])


def test_the_view_is_updated_at_most_once_a_second_and_always_at_the_last_step(clock, shown, drawn):
    view, history = TrainingView(), []
    for step in range(1, 101):
        clock.at += 0.1
        history.append(entry(step))
        view(history, 100)
    assert 9 <= len(shown) <= 12
    assert drawn[0] == 1 and drawn[-1] == 100


def test_a_slow_drawing_is_not_made_each_second_but_the_line_is(clock, shown, monkeypatch):
    lengths = []
    monkeypatch.setattr(module.charts, "training", lambda history, steps, found, words: lengths.append(len(history)))

    def slow(figure):
        clock.at += 0.3
        return module.charts.Picture(b"png", "")

    monkeypatch.setattr(module.charts, "picture", slow)
    view, history = TrainingView(), []
    for step in range(1, 41):
        clock.at += 1.0
        history.append(entry(step))
        view(history, 80)
    assert len(shown) == 40 and 6 <= len(lengths) <= 8
    view.end()
    assert lengths[-1] == 40, "what had not been drawn yet is, at the end"


def test_a_score_is_shown_at_once(clock, shown, drawn):
    view, history = TrainingView(), [entry(1)]
    view(history, 80)
    history.append({"step": 1, "seconds": 2.0, "score": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}})
    view(history, 80)
    assert drawn == [1, 2]


def test_everything_goes_to_one_place_that_is_replaced(clock, monkeypatch, drawn):
    import IPython.display

    places = []
    monkeypatch.setattr(IPython.display, "display", lambda thing, display_id: places.append(("new", display_id)))
    monkeypatch.setattr(IPython.display, "update_display", lambda thing, display_id: places.append(("again", display_id)))
    view = TrainingView()
    for step in range(1, 5):
        clock.at += 2
        view([entry(s) for s in range(1, step + 1)], 4)
    assert [how for how, _ in places] == ["new", "again", "again", "again"] and len({place for _, place in places}) == 1


def test_red_flags_are_said_in_words_and_their_picture_is_told_not_to(clock, shown):
    history = [entry(step, gradient_norm=20.0 if step == 30 else 1.0) for step in range(1, 41)]
    TrainingView()(history, 40)
    html = shown[-1]._repr_html_()
    assert html.count("The gradient at step 30") == 2, "once in words, once in the description of the picture"
    assert "Red flag: The gradient at step 30" in repr(shown[-1])


ANSWER = {"row": "r1", "input": "<b>where</b> is it", "expected": "delivery", "said": "<script>alert(1)</script>"}


def scored(view, clock):
    view([entry(10), {"step": 10, "seconds": 20.0, "score": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}], 80)


def test_sample_answers_of_the_latest_scoring_are_shown_escaped(clock, shown, drawn):
    view = TrainingView()
    view.answers = [ANSWER]
    scored(view, clock)
    html = shown[-1]._repr_html_()
    assert "at step 10" in html and "delivery" in html and "&lt;b&gt;where" in html
    assert "<script" not in html and "<b>where" not in html


def test_sample_answers_are_few_and_short_and_can_be_left_out(clock, shown, drawn):
    view = TrainingView()
    view.answers = [ANSWER | {"said": "word " * 500}] * 30
    scored(view, clock)
    html = shown[-1]._repr_html_()
    assert html.count("delivery") == 5 and len(html) < 5000
    hidden = TrainingView(samples=False)
    hidden.answers = [ANSWER]
    scored(hidden, clock)
    assert "delivery" not in shown[-1]._repr_html_()


def test_the_button_waits_for_a_run_and_then_asks_it_to_stop(clock, shown, drawn, tmp_path):
    view = TrainingView(stop=True)
    assert view.button.disabled
    view.button.click()
    view.attach(tmp_path)
    assert not view.button.disabled and not (tmp_path / "stop").exists()
    view.button.click()
    assert (tmp_path / "stop").exists() and view.button.disabled
    view.end()
    assert view.button.disabled and "ended" in view.button.description


def test_when_training_has_ended_a_page_without_widgets_has_words_and_not_a_button(clock, shown, drawn, tmp_path):
    view = TrainingView(stop=True)
    view.attach(tmp_path)
    view([entry(1)], 9)
    clock.at += 1
    view([entry(1), entry(2)], 9)
    assert "left" in repr(shown[-1])
    view.end()
    assert [repr(thing) for thing in shown[-2:]] == ["Training has ended.", "step 2 of 9 · 300 tokens/s · 1.9 GiB"]


def test_the_kernel_does_not_remember_the_busy_shell_as_the_one_that_answers_clicks(shown, tmp_path):
    view = TrainingView(stop=True)
    view.button.comm._reply_subshell_id = None
    view.attach(tmp_path)
    assert not hasattr(view.button.comm, "_reply_subshell_id")


def test_a_click_on_another_thread_shows_nothing_there(clock, shown, drawn, tmp_path):
    view = TrainingView(stop=True)
    view.attach(tmp_path)
    before = len(shown)
    click = threading.Thread(target=view.button.click)
    click.start()
    click.join()
    assert (tmp_path / "stop").exists() and len(shown) == before


def test_after_the_last_step_a_late_click_leaves_no_file_that_stops_the_next_attempt(clock, shown, drawn, tmp_path):
    view = TrainingView(stop=True)
    view.attach(tmp_path)
    view([entry(1), entry(2)], 2)
    assert view.button.disabled
    view.button.click()
    assert not (tmp_path / "stop").exists()


def test_one_view_shows_several_trainings_one_after_another(clock, shown, drawn, tmp_path):
    view = TrainingView(stop=True)
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        view.attach(tmp_path / name)
        clock.at += 100
        view([entry(1)], 3)
        clock.at += 2
        view([entry(1), entry(2)], 3)
        assert repr(shown[-1]).endswith("about 2 s left")
        view.button.click()
        assert (tmp_path / name / "stop").exists()
        view.end()


def test_the_button_says_what_does_the_same_where_clicks_do_not_arrive(shown, tmp_path):
    view = TrainingView(stop=True)
    view.attach(tmp_path)
    bundle = shown[0]._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == view.button.model_id
    for words in (view.button.tooltip, bundle["text/html"], bundle["text/plain"]):
        assert "interrupt the kernel" in words


def test_outside_a_notebook_there_is_no_button(shown, tmp_path):
    TrainingView().attach(tmp_path)
    assert shown == []


def test_without_a_kernel_training_can_be_watched_to_its_end(clock, capsys):
    view = TrainingView()
    for step in (1, 2, 3):
        clock.at += 2
        view([{"step": s, "loss": 3.0 / s, "seconds": 1.0} for s in range(1, step + 1)], 3)
    assert "step 3 of 3" in capsys.readouterr().out
