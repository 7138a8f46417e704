"""Long work shown as it happens: how far, how long still, and for training its chart, its red flags and its answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any
from uuid import uuid4

import ipywidgets

from workbench import charts
from workbench.result import html_table
from workbench.train.flags import Flag, flags

SECONDS_BETWEEN_UPDATES = 1.0
# A chart is drawn again when this many times the seconds that drawing took have gone by: a twentieth of the time.
DRAWING_SHARE, MOST_SECONDS_BETWEEN_DRAWINGS = 20.0, 10.0
RECENT_STEPS = 10
MOST_ANSWERS, LONGEST_ANSWER = 5, 280
STOP_FILE = "stop"
STOP = "Stop and save"
STOP_TIP = (
    "Stops after this step and saves. Where clicks don't arrive while a cell runs (nothing changes on the button), the "
    "notebook's own stop button (interrupt the kernel) does the same."
)


class _Html:
    def __init__(self, html: str, text: str) -> None:
        self.html, self.text = html, text

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def duration(seconds: float) -> str:
    """Seconds in words: "40 s", "3 min"."""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


class Spot:
    """A place in the notebook's output whose content is replaced, not added to."""

    def __init__(self) -> None:
        self._id = uuid4().hex
        self._shown = False

    def show(self, thing: object) -> None:
        """Put `thing` in the place of what stands there."""
        from IPython.display import display, update_display

        if self._shown:
            update_display(thing, display_id=self._id)
        else:
            display(thing, display_id=self._id)
            self._shown = True


class Progress:
    """A progress bar with time left. Call it with (what, done, total)."""

    def __init__(self) -> None:
        self._spot = Spot()
        self._started: dict[str, float] = {}
        self._begun: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._last = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done; "what" says of what."""
        now = time.perf_counter()
        if done < self._done.get(what, done):
            # The same name begins anew, as the next seed's training does; it has a pace of its own.
            self._started[what], self._begun[what] = now, done
        self._done[what] = done
        start = self._started.setdefault(what, now)
        begun = self._begun.setdefault(what, done)
        if done < total and now - self._last < SECONDS_BETWEEN_UPDATES:
            return
        self._last = now
        left = ""
        if begun < done < total:
            left = f", about {duration((now - start) / (done - begun) * (total - done))} left"
        text = f"{what}: {done} of {total}{left}"
        bar = f'<progress value="{done}" max="{total}" style="width:16em" aria-label="{escape(text, quote=True)}"></progress>'
        self._spot.show(_Html(f"<div>{bar} {escape(text)}</div>", text))


class TrainingView:
    """A training as it happens, in one place: chart, how far, red flags, sample answers; and a button to stop it.

    Pass it to `train` as `progress`. One view can show several trainings, one after another.

    Attributes:
        answers: sample answers of the latest scoring, as {"row", "input", "expected", "said"}, masked already; whoever
            scores sets it.
        button: "Stop and save", for those who have widgets; enabled while a run is attached.
    """

    def __init__(self, samples: bool = True, stop: bool | None = None) -> None:
        """A view of what is to come.

        Args:
            samples: whether sample answers are shown.
            stop: whether there is a button to stop; where left out, in a notebook.
        """
        self.answers: list[dict] = []
        self._samples = samples
        self._with_button = _in_notebook() if stop is None else stop
        self.button = ipywidgets.Button(
            description=STOP, tooltip=STOP_TIP, disabled=True, layout={"width": "auto", "min_width": "6em"}
        )
        self.button.on_click(lambda _: self._ask_to_stop())
        self._top, self._spot = Spot(), Spot()
        self._folder: Path | None = None
        self._begin()

    def attach(self, folder: Path) -> None:
        """Say which run this is, before its first step: from here on the button stops it."""
        self._folder = folder
        self._begin()
        self.button.disabled, self.button.description = False, STOP
        _let_clicks_through(self.button)
        if self._with_button:
            self._top.show(_StopButton(self.button))

    def end(self) -> None:
        """Say that training has ended, whatever ended it. What was left out to save time is shown now."""
        self._no_more_stopping()
        self._begun = None
        if self._history:
            self._show(draw=not self._whole)

    def __call__(self, history: Sequence[dict], steps: int) -> None:
        """Show the step log so far."""
        if not history:
            return
        now = time.perf_counter()
        step = max(entry["step"] for entry in history)
        if len(history) < len(self._history):
            self._begin()
        if self._begun is None:
            self._begun = (now, step)
        # The log is its owner's, and goes on growing.
        self._history, self._steps, self._whole = list(history), steps, False
        last, scored = step >= steps, "score" in history[-1]
        if last or scored or now - self._shown >= SECONDS_BETWEEN_UPDATES:
            self._shown = now
            self._show(draw=last or scored or now >= self._next_drawing)
        if last:
            self._no_more_stopping()

    def _begin(self) -> None:
        self._history: list[dict] = []
        self._steps, self._whole = 0, True
        self._begun: tuple[float, int] | None = None
        self._shown = self._next_drawing = 0.0
        self._flags: list[Flag] = []
        self._picture: charts.Picture | None = None
        self.answers = []

    def _ask_to_stop(self) -> None:
        # A front end that delivers clicks during a cell does so on a thread of its own: nothing is displayed from here.
        if self._folder is not None:
            (self._folder / STOP_FILE).touch()
            self.button.disabled, self.button.description = True, "Saving, then it stops"

    def _no_more_stopping(self) -> None:
        # A file left by a late click would stop the next attempt.
        if self._folder is not None:
            self._folder = None
            self.button.disabled, self.button.description = True, "Training has ended"
            if self._with_button:
                # A saved page has no widgets, and would show an error in the button's place.
                self._top.show(_Html("<p>Training has ended.</p>", "Training has ended."))

    def _show(self, draw: bool) -> None:
        if draw or self._picture is None:
            began = time.perf_counter()
            self._flags = flags(self._history, self._steps)
            self._picture = charts.picture(charts.training(self._history, self._steps, self._flags, words=False))
            now = time.perf_counter()
            # Drawing takes time from training on the same processor, so a slow one is seldom done.
            self._next_drawing = now + min(MOST_SECONDS_BETWEEN_DRAWINGS, (now - began) * DRAWING_SHARE)
            self._whole = True
        line = self._line()
        warned = "".join(f"<li>{escape(flag.sentence)}</li>" for flag in self._flags)
        warned = f"<div role='status'><b>Red flags</b><ol style='margin:.2em 0'>{warned}</ol></div>" if warned else ""
        html = f"<div>{self._picture._repr_html_()}<p>{escape(line)}</p>{warned}{self._answers_html()}</div>"
        self._spot.show(_Html(html, "\n".join([line, *(f"Red flag: {flag.sentence}" for flag in self._flags)])))

    def _line(self) -> str:
        """Step, tokens a second, memory and time left, of those that are known."""
        step = max(entry["step"] for entry in self._history)
        parts = [f"step {step} of {self._steps}"]
        last = [entry for entry in self._history if "loss" in entry][-RECENT_STEPS:]
        if len(last) > 1 and all("tokens" in entry for entry in last):
            seconds = last[-1]["seconds"] - last[0]["seconds"]
            if seconds > 0:
                parts.append(f"{sum(entry['tokens'] for entry in last[1:]) / seconds:,.0f} tokens/s")
        if last and last[-1].get("memory"):
            parts.append(f"{last[-1]['memory']:.1f} GiB")
        began, first = self._begun or (0.0, step)
        if first < step < self._steps:
            # By the clock, which counts scoring and saving too.
            pace = (time.perf_counter() - began) / (step - first)
            parts.append(f"about {duration(pace * (self._steps - step))} left")
        return " · ".join(parts)

    def _answers_html(self) -> str:
        if not (self._samples and self.answers):
            return ""
        import pandas

        table = pandas.DataFrame(
            [
                [_short(str(answer.get(name, ""))) for name in ("input", "expected", "said")]
                for answer in self.answers[:MOST_ANSWERS]
            ],
            columns=["input", "expected", "the model says"],
        )
        scored = [entry["step"] for entry in self._history if "score" in entry]
        return html_table(table, "Answers to validation rows" + (f" at step {scored[-1]}" if scored else ""))


class _StopButton:
    """The button where there are widgets; where not, what does the same."""

    def __init__(self, button: Any) -> None:
        self._button = button

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self._button.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": f"<p>{escape(STOP_TIP)}</p>",
            "text/plain": STOP_TIP,
        }

    def __repr__(self) -> str:
        return STOP_TIP


def _let_clicks_through(button: Any) -> None:
    # JupyterLab sends clicks to a second shell of the kernel, which answers while a cell runs. ipykernel 7.4 sends them
    # back to the shell that last spoke to the button, which is the busy one, if it is let remember that.
    vars(button.comm).pop("_reply_subshell_id", None)


def _in_notebook() -> bool:
    from IPython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_ANSWER else f"{text[:LONGEST_ANSWER]} …"
