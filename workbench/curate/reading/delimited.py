"""CSV and TSV: records of text cells, with a broken one costing no other."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from workbench.curate.reading.table import LARGEST_CELL, Found, undecodable
from workbench.curate.reading.text import DecodedText
from workbench.errors import BadInput

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
# A quotation mark that isn't closed within so many lines is taken for one that is never closed.
MOST_LINES = 20_000
# The line in which Excel says what separates the cells of the lines below it.
SEPARATOR = re.compile(r'"?sep=([^"])"?', re.IGNORECASE)
QUOTED = re.compile(r'"(?:[^"]|"")*"')
MOST_LOOKED_AT = 1_000


def read_delimited(name: str, text: DecodedText, delimiter: str = "") -> Found:
    """Read a file of delimited cells whose first record names the columns.

    Args:
        name: of the file.
        text: its lines.
        delimiter: what separates cells; nothing to take what the header has most of.

    Raises:
        BadInput: the header can't be used.
    """
    found = Found(name, notes=list(text.notes), encoding=text.encoding)
    named = _named_separator(found, text.lines)
    delimiter = delimiter or named or _guess_delimiter(text.lines)
    if delimiter != ",":
        found.note(f"Cells are separated by a {DELIMITERS.get(delimiter, repr(delimiter))}.")
    spaced = _has_spaces_before_quotes(text.lines, delimiter)
    if spaced:
        found.note("Spaces stand between separators and quotation marks; spaces at the beginning of cells were left out.")
    records = _records(text.lines, delimiter, spaced)
    line, header, _, _ = next(records, (1, None, "", 1))
    found.columns = checked_columns(name, line, tuple(cell.strip() for cell in header or ()))
    if len(found.columns) < 2:
        only = found.columns[0] if found.columns else ""
        raise BadInput(
            f"{name} has one column ({only!r}); an input and an answer need two. If the cells are separated by "
            "something other than comma, semicolon, tab or bar, save it as CSV with commas."
        )
    for line, cells, raw, used in records:
        fault = next((text.faults[n] for n in range(line, line + used) if n in text.faults), "") if text.faults else ""
        reason = fault or _fault(cells, raw) or row_fault(cells, found.columns)
        if reason:
            found.set_aside(line, reason, raw)
        elif any(cell.strip() for cell in cells):
            found.rows.append((line, dict(zip(found.columns, cells, strict=True))))
            _keep_changes(found, text, line, used)
    return found


def _keep_changes(found: Found, text: DecodedText, line: int, used: int) -> None:
    steps = [step for n in range(line, line + used) for step in text.changes.get(n, ())] if text.changes else []
    if used > 1 and text.had_returns:
        steps.append("CR LF became LF")
    if steps:
        found.changes[line] = tuple(dict.fromkeys(steps))


def checked_columns(name: str, line: int, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The columns, if cells can be told apart by them.

    Raises:
        BadInput: a name isn't text, or occurs twice.
    """
    if undecodable("".join(columns)):
        raise BadInput(
            f"{name} has a header (line {line}) that is not UTF-8 text, so its columns can't be named. "
            "Save the file as CSV (UTF-8) and try again."
        )
    double = [column for column, count in Counter(columns).items() if count > 1]
    if double:
        raise BadInput(
            f"{name} has more than one column named {double[0]!r} (line {line}), so cells can't be told apart. "
            "Rename one of them in the file."
        )
    return columns


def row_fault(cells: list[str], columns: tuple[str, ...]) -> str:
    """What is wrong with a row of text cells, or nothing."""
    if len(cells) != len(columns):
        return f"it has {len(cells)} cells, the header has {len(columns)}"
    if tuple(cell.strip() for cell in cells) == columns:
        return "it repeats the header"
    if max(map(len, cells)) > LARGEST_CELL:
        return f"a cell is longer than {LARGEST_CELL:,} characters"
    return ""


def _fault(cells: list[str] | None, raw: str) -> str:
    if cells is None:
        odd = raw.count('"') % 2
        return "a quotation mark is opened and never closed" if odd else "text stands outside a cell's quotation marks"
    return "it has bytes that are not UTF-8 text" if undecodable(raw) else ""


def _guess_delimiter(lines: list[str]) -> str:
    # The header decides: column names rarely hold any of these, while cells hold commas all the time.
    header = next((line for line in lines if line.strip()), "")
    return max(DELIMITERS, key=QUOTED.sub("", header).count)


def _named_separator(found: Found, lines: list[str]) -> str:
    """The separator that a first line such as sep=; names; that line then counts as blank."""
    place = next(at for at, line in enumerate(lines) if line.strip())
    named = SEPARATOR.fullmatch(lines[place])
    if named is None:
        return ""
    found.note(f"Line {place + 1} says what separates cells; it is no row and was left out.")
    lines[place] = ""
    return named.group(1)


def _has_spaces_before_quotes(lines: list[str], delimiter: str) -> bool:
    """Whether the header, or most rows with quoted cells, have a space between a separator and a quotation mark."""
    if delimiter == " ":
        return False
    spaced = re.compile(rf'{re.escape(delimiter)} +"')
    header = next((line for line in lines if line.strip()), "")
    quoted = [QUOTED.sub('""', line) for line in islice((line for line in lines if '"' in line), MOST_LOOKED_AT)]
    return bool(spaced.search(QUOTED.sub('""', header))) or 2 * sum(map(bool, map(spaced.search, quoted))) > len(quoted)


def _records(lines: list[str], delimiter: str, spaced: bool) -> Iterator[tuple[int, list[str] | None, str, int]]:
    """Yield (line, cells or None, raw text, lines used) a record, taking up again after a record that is broken.

    A quotation mark that is never closed would swallow the rows after it. A record that spans lines and
    comes out with the wrong number of cells is therefore given up at its first line alone.
    """
    csv.field_size_limit(max(csv.field_size_limit(), 10 * LARGEST_CELL))
    # A quotation mark inside a cell that doesn't begin with one is text: 5" screen.
    quoted = re.compile(rf'(?:^|{re.escape(delimiter)})\s*"')
    width = 0
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        cells, used = _one_record(lines, at, delimiter, quoted, spaced)
        if used > 1 and (cells is None or (width and len(cells) != width)):
            cells, used = _one_record(lines[at : at + 1], 0, delimiter, quoted, spaced)[0], 1
        width = width or len(cells or ())
        yield at + 1, cells, "\n".join(lines[at : at + used]), used
        at += used


def _one_record(
    lines: list[str], start: int, delimiter: str, quoted: re.Pattern, spaced: bool
) -> tuple[list[str] | None, int]:
    if '"' not in lines[start] or not quoted.search(lines[start]):
        cells = lines[start].split(delimiter)
        return ([cell.lstrip(" ") for cell in cells] if spaced else cells), 1
    # As many lines as it takes for the quotation marks to balance, within reason.
    marks = length = 0
    for used in range(1, min(len(lines) - start, MOST_LINES) + 1):
        line = lines[start + used - 1]
        marks, length = marks + line.count('"'), length + len(line)
        if length > 10 * LARGEST_CELL:
            break
        if marks % 2:
            continue
        raw = "\n".join(lines[start : start + used])
        try:
            stream = io.StringIO(raw, newline="")
            parsed = list(csv.reader(stream, delimiter=delimiter, skipinitialspace=spaced, strict=True))
        except csv.Error:
            return None, used
        return (parsed[0] if len(parsed) == 1 else None), used
    return None, 1
