"""What every result object has in common: a table, a file, a one-line name, an escaped HTML view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from workbench.errors import BadInput, Prerequisite
from workbench.files import read_json, write_json

if TYPE_CHECKING:
    import pandas


LONGEST_CELL = 600
LONGEST_WORD = 16


class Paragraph(str):
    """Text that a notebook shows as text, without the quotation marks of a value."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return f"<p>{escape(self)}</p>"


def html_table(table: pandas.DataFrame, caption: str = "") -> str:
    """A DataFrame as HTML. Text in a data set is hostile, so every cell and header is escaped."""
    head = "".join(f"<th style='text-align:left'>{escape(str(name))}</th>" for name in table.columns)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:left;white-space:pre-wrap;overflow-wrap:{_wrap(text)};vertical-align:top;min-width:3.5em'>{escape(text)}</td>"
            for text in map(_cell, row)
        )
        + "</tr>"
        for row in table.itertuples(index=False)
    )
    title = f"<caption style='text-align:left;caption-side:top;font-weight:bold;color:inherit'>{escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if value is None or value != value:
        return ""
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    # A long text would push the rest of the table off the screen; the file has it whole.
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + " …"


def _wrap(text: str) -> str:
    # An ordinary word stays whole; a long run of letters without a space would push the table off the screen.
    return "break-word" if max(map(len, text.split()), default=0) <= LONGEST_WORD else "anywhere"


class Result:
    """Base of the frozen result dataclasses. Subclasses say what `table` holds and how to be named."""

    def table(self) -> pandas.DataFrame:
        """The result as a DataFrame, one row a thing."""
        raise TypeError(f"{type(self).__name__} has no table")

    def to_dict(self) -> dict:
        """A JSON-like copy of every field."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """The inverse of `to_dict`."""
        return cls(**fields)

    def save(self, path: Path) -> Path:
        """Write the result as JSON, atomically."""
        return write_json(path, self.to_dict())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a result that `save` wrote.

        Raises:
            BadInput: the file is damaged, or another version of the workbench wrote it.
        """
        fields = read_json(path)
        try:
            return cls.from_dict(fields)
        except (TypeError, KeyError) as error:
            raise BadInput(
                f"{path} was written by another version of the workbench ({error}), so the result it holds can't be "
                "used. Delete the file and run the notebook that writes it again."
            ) from error

    def _repr_html_(self) -> str:
        return html_table(self.table(), caption=repr(self))


@dataclass(frozen=True, repr=False)
class NotRun(Result):
    """What stands in the place of a result that this project has nothing for, or had no time for."""

    why: str

    def __repr__(self) -> str:
        return f"Not run: {self.why}"

    def _repr_html_(self) -> str:
        return f"<p><b>Not run.</b> {escape(self.why)}</p>"


def attempt(make: Callable[..., Any], *inputs: Any, **named: Any) -> Any:
    """What `make` returns, or NotRun with the reason where something that it starts from isn't there.

    What came before may not have been run either; then that reason is passed on.
    """
    missing = next((i for i in (*inputs, *named.values()) if isinstance(i, NotRun)), None)
    if missing is not None:
        return missing
    try:
        return make(*inputs, **named)
    except Prerequisite as error:
        return NotRun(str(error))
