"""Errors written for the person at the notebook: what was found, why it matters, what to do next."""

from __future__ import annotations


class WorkbenchError(Exception):
    """A mistake or a lack that one sentence can explain; notebooks show it without a stack trace."""

    def _render_traceback_(self) -> list[str]:
        """IPython calls this in place of printing a traceback."""
        return [f"{type(self).__name__}: {self}"]


class BadInput(WorkbenchError, ValueError):
    """What the person gave can't be used: a file, a column, a value."""


class Prerequisite(WorkbenchError, RuntimeError):
    """Something must be there first: an earlier notebook's result, a package, a GPU, memory."""


class Mismatch(WorkbenchError, RuntimeError):
    """A saved result belongs to other data or other settings than the ones now in use."""
