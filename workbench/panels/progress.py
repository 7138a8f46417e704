"""Long work shown as it happens: how far, how long still, and for training the loss."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape
from uuid import uuid4

from workbench import charts

SECONDS_BETWEEN_UPDATES = 1.0


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
    """The loss chart, growing in place, with a progress bar under it. Pass it to `train` as `progress`."""

    def __init__(self) -> None:
        self._chart, self._bar = Spot(), Progress()
        self._last = 0.0

    def __call__(self, history: Sequence[dict], steps: int) -> None:
        """Show the step log so far."""
        done = history[-1]["step"]
        now = time.perf_counter()
        if now - self._last >= SECONDS_BETWEEN_UPDATES or done >= steps:
            self._last = now
            self._chart.show(charts.picture(charts.loss(history, steps)))
        self._bar("Training steps", done, steps)
