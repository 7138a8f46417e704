"""Long work shows how far it is and how long still, not too often, and in a plain terminal too."""

import re
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


def test_without_a_kernel_training_can_be_watched_to_its_end(clock, capsys):
    view = TrainingView()
    for step in (1, 2, 3):
        clock.at += 2
        view([{"step": s, "loss": 3.0 / s, "seconds": 1.0} for s in range(1, step + 1)], 3)
    assert "Training steps: 3 of 3" in capsys.readouterr().out


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


def test_the_loss_chart_is_not_drawn_at_every_step_and_always_at_the_last(clock, shown, monkeypatch):
    drawn = []
    monkeypatch.setattr(module.charts, "loss", lambda history, steps: len(history))
    monkeypatch.setattr(module.charts, "picture", lambda figure: drawn.append(figure))
    view = TrainingView()
    history = []
    for step in range(1, 101):
        clock.at += 0.1
        history.append({"step": step, "loss": 1.0, "seconds": 0.1})
        view(history, 100)
    assert drawn[0] == 1 and drawn[-1] == 100
    assert 9 <= len(drawn) <= 12


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
