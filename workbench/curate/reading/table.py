"""What reading returns: the rows of a file as they were found, and the rows set aside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Self

from workbench.curate.personal import mask
from workbench.result import Result, html_table

if TYPE_CHECKING:
    import pandas

LARGEST_CELL = 1_000_000
LONGEST_KEPT = 2_000
SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class QuarantinedRow:
    """A row that couldn't be used: where it stands, why, and the text as it was found."""

    file: str
    line: int
    reason: str
    raw: str


@dataclass(frozen=True, repr=False)
class Quarantine(Result):
    """Rows set aside. Their text is kept in the file and not shown: it may be hostile, or personal."""

    rows: tuple[QuarantinedRow, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back."""
        return cls(tuple(QuarantinedRow(**row) for row in fields["rows"]))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[QuarantinedRow]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"{len(self)} rows set aside"

    def table(self) -> pandas.DataFrame:
        """One row a row set aside: file, line, reason."""
        import pandas

        return pandas.DataFrame([(q.file, q.line, q.reason) for q in self.rows], columns=["file", "line", "reason"])


@dataclass(frozen=True, repr=False)
class RawTable(Result):
    """A file as read: cells as they were found, nothing guessed about their meaning.

    Attributes:
        file: its name; of a member of an archive, archive/member.
        sha256: of the bytes it was read from.
        columns: in order of appearance.
        rows: (line, column name to cell) pairs; cells are text, or what JSON and Parquet have beside it. A line is
            counted in lines of a text file, in rows of a sheet, and in rows otherwise.
        quarantine: rows that couldn't be read.
        notes: what was found and done, for the reader.
        changes: line to what reading changed in the row's text, for the rows where it is known.
        encoding: what the text was decoded as; empty where the format has its own.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict], ...]
    quarantine: tuple[QuarantinedRow, ...]
    notes: tuple[str, ...]
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    encoding: str = ""

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back."""
        rows = tuple((line, cells) for line, cells in fields["rows"])
        quarantine = tuple(QuarantinedRow(**row) for row in fields["quarantine"])
        # JSON has text alone for keys.
        changes = {int(line): tuple(steps) for line, steps in fields.get("changes", {}).items()}
        return cls(fields["file"], fields["sha256"], tuple(fields["columns"]), rows, quarantine,
                   tuple(fields["notes"]), changes, fields.get("encoding", ""))

    def __repr__(self) -> str:
        return (
            f"{self.file}: {len(self.rows)} rows read, {len(self.quarantine)} set aside, "
            f"columns {', '.join(self.columns)}"
        )

    def _repr_html_(self) -> str:
        return self.html()

    def html(self, shown: Callable[[str], str] = mask) -> str:
        """The first five rows and the notes, escaped; `shown` masks what may not be looked at."""
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return html_table(self.table(shown), caption=repr(self)) + (f"<ul>{notes}</ul>" if notes else "")

    def table(self, shown: Callable[[str], str] = mask) -> pandas.DataFrame:
        """The first five rows, personal data masked: this is for looking."""
        import pandas

        rows = [{name: shown(as_text(cell)) for name, cell in cells.items()} for _, cells in self.rows[:5]]
        return pandas.DataFrame(rows, columns=list(self.columns), dtype=object)


@dataclass
class Found:
    """What one reader found in one file, while it is being read; becomes a `RawTable`.

    Attributes:
        name: of the file.
        columns, rows, quarantine, notes, changes, encoding: as in `RawTable`.
    """

    name: str
    columns: tuple[str, ...] = ()
    rows: list[tuple[int, dict]] = field(default_factory=list)
    quarantine: list[QuarantinedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    changes: dict[int, tuple[str, ...]] = field(default_factory=dict)
    encoding: str = ""

    def set_aside(self, line: int, reason: str, raw: str) -> None:
        """Keep a row that can't be used, with its reason."""
        self.quarantine.append(QuarantinedRow(self.name, line, reason, printable(raw[:LONGEST_KEPT])))

    def note(self, text: str) -> None:
        """Say something about the whole file, once."""
        if text not in self.notes:
            self.notes.append(text)

    @property
    def last_line(self) -> int:
        """The highest line seen so far."""
        return max([line for line, _ in self.rows[-1:]] + [row.line for row in self.quarantine], default=0)


def undecodable(text: str) -> bool:
    """Whether the text holds bytes that could not be decoded, or half characters."""
    return not text.isascii() and SURROGATE.search(text) is not None


def printable(text: str) -> str:
    """The text with what is not a character written as an escape, so that it can be saved."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_text(value: object) -> str:
    """A cell as text: text as it is, nothing for a missing value, JSON for the rest."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)
