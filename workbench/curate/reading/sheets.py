"""Excel workbooks: the first visible sheet that has rows, every cell as the text a person would type."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import io
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.curate.reading.delimited import checked_columns, row_fault
from workbench.curate.reading.table import Found, as_text, printable
from workbench.errors import BadInput

LARGEST_CONTENT = 200_000_000
HIGHEST_RATIO = 100
MOST_COLUMNS = 1_000
MOST_CELLS = 10_000_000
MOST_ROWS = 1_048_576
CHUNK = 1 << 20
# Elements in a sheet's XML, whatever prefix its writer gives them.
FORMULA, MERGED = re.compile(rb"<(?:\w{1,9}:)?f[ >/]"), re.compile(rb"<(?:\w{1,9}:)?mergeCell[ >/]")
LONGEST_MARK = 32
# Formats of numbers that change nothing a person would type, and those that do and are followed.
PLAIN_FORMATS = ("General", "0", "@", None)
PADDED, PERCENT = re.compile(r"0{2,20}"), re.compile(r"0(?:\.0+)?%")
LONGEST_FORMAT = 40


@dataclass
class Seen:
    """What was met in a sheet's cells beside their values.

    Attributes:
        formats: column to the formats of its numbers that were not followed.
        saved_empty: line and column of cells whose formula has an empty text as its saved value.
    """

    formats: dict[str, set[str]] = field(default_factory=dict)
    saved_empty: set[tuple[int, str]] = field(default_factory=set)


def read_workbook(name: str, source: Path | io.BytesIO) -> Found:
    """Read the first visible sheet with rows; the first row that isn't empty names the columns.

    Formulas are never calculated: the value that was saved with one is read.

    Raises:
        BadInput: it is no workbook, unpacks to too much, or has no sheet with a header and two columns.
    """
    found, seen = Found(name), Seen()
    _refuse_what_unpacks_to_too_much(name, source)
    try:
        with warnings.catch_warnings(), _opened(source, data_only=True) as book:
            # It warns of every feature that it leaves out; none of them is text.
            warnings.simplefilter("ignore")
            title = _read_sheets(found, book, seen)
            _set_aside_formulas(found, source, title, seen)
        for column, formats in seen.formats.items():
            shown = ", ".join(repr(code) for code in sorted(formats)[:3])
            found.note(f"Numbers in {column!r} are shown as {shown} in the sheet; they were read as plain numbers.")
        if _holds(source, MERGED):
            found.note("The workbook has merged cells: the first cell of each holds its value, the others read as empty.")
    except BadInput:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged workbook raises whatever its parser stumbles on
        raise BadInput(
            f"{name} is damaged ({str(error)[:200]}), so it was not read. Save it again as .xlsx or as CSV (UTF-8)."
        ) from error
    return found


@contextlib.contextmanager
def _opened(source: Path | io.BytesIO, data_only: bool) -> Iterator[Any]:
    import openpyxl

    book = openpyxl.load_workbook(source, read_only=True, data_only=data_only)
    try:
        yield book
    finally:
        book.close()


def _refuse_what_unpacks_to_too_much(name: str, source: Path | io.BytesIO) -> None:
    try:
        with zipfile.ZipFile(source) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError) as error:
        raise BadInput(
            f"{name} is not an .xlsx workbook (old .xls files and those with a password are none). "
            "Save it as .xlsx without a password, or as CSV (UTF-8)."
        ) from error
    unpacked = sum(member.file_size for member in members)
    packed = max(1, sum(member.compress_size for member in members))
    if unpacked > LARGEST_CONTENT or (unpacked > CHUNK and unpacked / packed > HIGHEST_RATIO):
        raise BadInput(
            f"{name} would unpack from {packed:,} to {unpacked:,} bytes, as files made to fill the memory do; it was not "
            f"opened. At most {LARGEST_CONTENT:,} bytes and {HIGHEST_RATIO} times are read; export the rows as CSV (UTF-8)."
        )


def _read_sheets(found: Found, book: Any, seen: Seen) -> str:
    hidden = [sheet.title for sheet in book.worksheets if sheet.sheet_state != "visible"]
    if hidden:
        found.note(f"Hidden sheets were not read: {', '.join(hidden)}.")
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    for place, sheet in enumerate(visible):
        # What the file says of its size may be wrong.
        sheet.reset_dimensions()
        if _read_sheet(found, sheet, seen):
            others = [other.title for other in visible[place + 1 :]]
            if others:
                found.note(f"Sheet {sheet.title!r} was read; not read: {', '.join(others)}.")
            return sheet.title
    raise BadInput(
        f"{found.name} has no visible sheet with anything in it, so there is nothing to learn from. Choose another "
        "file."
    )


def _numbered(name: str, sheet: Any, **how: int) -> Iterator[tuple[int, tuple]]:
    """The rows of a sheet with their numbers. A row that says to be the billionth has a billion empty ones before it."""
    for number, cells in enumerate(sheet.iter_rows(**how), start=1):
        if number > MOST_ROWS:
            raise BadInput(
                f"{name} has a row beyond the {MOST_ROWS:,} that a sheet can have, as files made to do harm have. It was "
                "not read; export the rows as CSV (UTF-8)."
            )
        yield number, cells


def _read_sheet(found: Found, sheet: Any, seen: Seen) -> bool:
    count = 0
    for number, cells in _numbered(found.name, sheet):
        count += len(cells)
        if count > MOST_CELLS:
            raise BadInput(
                f"{found.name} has more than {MOST_CELLS:,} cells; that many are not read from a workbook. Export it "
                "as CSV (UTF-8)."
            )
        if all(cell.value is None for cell in cells):
            continue
        if found.columns:
            _keep_row(found, number, cells, seen)
        else:
            found.columns = _header(found.name, number, cells)
    return bool(found.columns)


def _header(name: str, number: int, cells: tuple) -> tuple[str, ...]:
    names = [cell_text(cell.value).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not 2 <= len(names) <= MOST_COLUMNS:
        raise BadInput(
            f"{name} has {len(names)} columns in its first row (row {number}); 2 to {MOST_COLUMNS:,} are read. "
            "Put the names of the columns in the first row of the sheet."
        )
    return checked_columns(name, number, tuple(text or f"column {place}" for place, text in enumerate(names, start=1)))


def _keep_row(found: Found, number: int, cells: tuple, seen: Seen) -> None:
    width = len(found.columns)
    values = [cell.value for cell in cells]
    values += [None] * (width - len(values))
    while len(values) > width and values[-1] is None:
        values.pop()
    texts = [cell_text(value) for value in values]
    for place, (column, cell) in enumerate(zip(found.columns, cells, strict=False)):
        if cell.value is None and cell.data_type == "str":
            seen.saved_empty.add((number, column))
        elif isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
            texts[place] = _formatted(column, cell.value, cell.number_format, texts[place], seen)
    broken = next((value for cell, value in zip(cells, values, strict=False) if cell.data_type == "e"), None)
    reason = f"a cell holds the error {str(broken)[:20]}" if broken else row_fault(texts, found.columns)
    if reason:
        found.set_aside(number, reason, as_text(texts))
    else:
        found.rows.append((number, dict(zip(found.columns, texts, strict=True))))


def _formatted(column: str, value: float, code: str | None, text: str, seen: Seen) -> str:
    """A number as its format shows it, where that is what a person typed: 00123, 25%. Other formats are noted."""
    if code in PLAIN_FORMATS:
        return text
    if PADDED.fullmatch(code) and value >= 0 and text.isdecimal():
        return text.zfill(len(code))
    if PERCENT.fullmatch(code) and math.isfinite(value):
        # No digit is rounded away, whatever the sheet shows.
        hundredfold = format(decimal.Decimal(str(value)) * 100, "f")
        return f"{hundredfold.rstrip('0').rstrip('.') if '.' in hundredfold else hundredfold}%"
    seen.formats.setdefault(column, set()).add(printable(code[:LONGEST_FORMAT]))
    return text


def cell_text(value: object) -> str:
    """A cell's value as a person would type it: 7 and not 7.0, dates as ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        seconds = round(abs(value.total_seconds()))
        sign = "-" if value < datetime.timedelta() else ""
        return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return str(value)


def _set_aside_formulas(found: Found, source: Path | io.BytesIO, title: str, seen: Seen) -> None:
    """Rows with a formula whose value was never saved: it reads as empty, and is not."""
    empty = {line for line, cells in found.rows if not all(cells.values())}
    if not empty or not _holds(source, FORMULA):
        return
    kept = dict(found.rows)
    with _opened(source, data_only=False) as book:
        book[title].reset_dimensions()
        for number, cells in _numbered(found.name, book[title], max_col=len(found.columns)):
            named = zip(found.columns, cells, strict=False) if number in empty else ()
            unsaved = (column for column, cell in named if cell.data_type == "f" and not kept[number][column])
            without = [column for column in unsaved if (number, column) not in seen.saved_empty]
            if without:
                reason = f"the formula in column {without[0]!r} has no saved value; open and save the file in a spreadsheet program"
                found.set_aside(number, reason, as_text(list(kept.pop(number).values())))
    found.rows = list(kept.items())
    found.quarantine.sort(key=lambda row: row.line)


def _holds(source: Path | io.BytesIO, mark: re.Pattern[bytes]) -> bool:
    """Whether any sheet has an element of a kind; far quicker than reading its cells."""
    with zipfile.ZipFile(source) as archive:
        for member in archive.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                with archive.open(member) as stream:
                    before = b""
                    while chunk := stream.read(CHUNK):
                        if mark.search(before + chunk):
                            return True
                        before = chunk[-LONGEST_MARK:]
    return False
