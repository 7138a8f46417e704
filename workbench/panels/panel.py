"""A panel: inputs that start from the recommended choice, the current result, and a view of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets
from traitlets import TraitError

from workbench.errors import BadInput, WorkbenchError
from workbench.files import read_json, write_json

WIDE = {"description_width": "9em"}
MOST_CHOICES = 12


def _options(widget: Any) -> list[Any]:
    return [option[1] if isinstance(option, tuple) else option for option in getattr(widget, "options", ())]


def _values(widget: Any) -> str:
    listed = _options(widget)
    more = f" and {len(listed) - MOST_CHOICES} more" if len(listed) > MOST_CHOICES else ""
    return f"= {', '.join(map(repr, listed[:MOST_CHOICES]))}{more}" if listed else ""


def _choices(widget: Any) -> str:
    listed = _options(widget)
    return f"Choose one of {', '.join(map(repr, listed))}." if listed else "Choose a value of the kind that stands there."


class Buttons:
    """Buttons that do one thing each; where that can't be done, `_problem` says why."""

    _problem: Any

    def _button(self, label: str, tip: str, act: Callable[[], object]) -> Any:
        button = ipywidgets.Button(description=label, tooltip=tip, layout={"width": "auto", "min_width": "6em"})
        button.on_click(lambda _: self._do(act))
        return button

    def _do(self, act: Callable[[], object]) -> None:
        self._problem.value = ""
        try:
            act()
        except WorkbenchError as error:
            self._problem.value = f"<p role='alert'><b>Not possible:</b> {escape(str(error))}</p>"


class Panel:
    """Inputs over a result. Changing an input calls one function and replaces the result.

    Attributes:
        inputs: name to ipywidget; `make` is called with their values by name.
    """

    def __init__(
        self,
        inputs: Mapping[str, Any],
        make: Callable[..., Any],
        notes: Mapping[str, str] | None = None,
        remember: Path | None = None,
        show: Callable[[Any], str] | None = None,
    ) -> None:
        """Build the panel.

        Args:
            show: the result to HTML, where it is to be shown in another way than its own.
            remember: a file that keeps what a person changed, so that running the notebook again starts from it.
        """
        self.inputs = dict(inputs)
        self._make = make
        self._remember, self._show = remember, show
        self._recall()
        self._view = ipywidgets.HTML()
        notes = notes or {}
        rows = []
        for name, widget in self.inputs.items():
            widget.style = WIDE
            # Wide enough for a path; the note beside it wraps.
            widget.layout = ipywidgets.Layout(width="32em")
            note = ipywidgets.HTML(f"<span style='opacity:.75'>{escape(notes.get(name, ''))}</span>")
            rows.append(ipywidgets.HBox([widget, note]))
            widget.observe(self._changed, names="value")
        self.box = ipywidgets.VBox([*rows, self._view])
        self._update()

    @property
    def values(self) -> dict[str, Any]:
        """The inputs as they stand."""
        return {name: widget.value for name, widget in self.inputs.items()}

    def set(self, **values: Any) -> Panel:
        """Choose in code what could be chosen by hand: names and values of inputs.

        Raises:
            BadInput: there is no such input, or it can't have that value.
        """
        for name, value in values.items():
            try:
                self.inputs[name].value = value
            except KeyError as error:
                raise BadInput(f"There is no input {name!r} here; there are {', '.join(self.inputs)}.") from error
            except TraitError as error:
                raise BadInput(f"{value!r} can't be chosen for {name!r}. {_choices(self.inputs[name])}") from error
        return self

    @property
    def result(self) -> Any:
        """What the inputs amount to.

        Raises:
            WorkbenchError: the inputs can't be used; the panel shows the same sentence.
        """
        if self._error is not None:
            raise self._error
        return self._result

    def _changed(self, change: object) -> None:
        if self._remember is not None:
            write_json(self._remember, self.values)
        self._update()

    def _recall(self) -> None:
        if self._remember is None or not self._remember.exists():
            return
        for name, value in read_json(self._remember).items():
            # A choice that this file no longer offers is no choice any more.
            with contextlib.suppress(KeyError, TraitError):
                self.inputs[name].value = value

    def _update(self) -> None:
        self._result, self._error = None, None
        try:
            self._result = self._make(**self.values)
        except WorkbenchError as error:
            self._error = error
        self._view.value = self._shown()

    def _shown(self) -> str:
        if self._error is not None:
            return f"<p role='alert'><b>Not possible:</b> {escape(str(self._error))}</p>"
        if self._show is not None:
            return self._show(self._result)
        html = getattr(self._result, "_repr_html_", None)
        return html() if html else f"<p>{escape(repr(self._result))}</p>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict:
        # Beside the live widget stands a plain table, for places without widgets: a saved page, an export. Its last column
        # is what `set` takes.
        rows = "".join(
            f"<tr><th style='text-align:left'>{escape(w.description)}</th><td>{escape(str(w.value))}</td>"
            f"<td style='text-align:left'><code>{escape(name)}</code> {escape(_values(w))}</td></tr>"
            for name, w in self.inputs.items()
        )
        view = {"version_major": 2, "version_minor": 0, "model_id": self.box.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": f"<table>{rows}</table>{self._shown()}",
            "text/plain": repr(self.values),
        }
