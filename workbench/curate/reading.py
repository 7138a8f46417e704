"""Read a CSV or JSONL file that nobody prepared: keep the good rows, set the bad ones aside with a reason."""

from __future__ import annotations

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from workbench.curate.personal import mask
from workbench.dataset import ROLES, Dataset, Example
from workbench.errors import BadInput
from workbench.files import file_sha256, strict_json
from workbench.result import Result

if TYPE_CHECKING:
    import pandas

LARGEST_CELL = 1_000_000
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
INPUT_NAMES = ("input", "question", "prompt", "instruction", "ticket", "message", "text", "query", "request", "email")
ANSWER_NAMES = ("answer", "output", "response", "completion", "label", "target", "reply", "category", "class", "json")


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
    """A file as read: cells as text, nothing guessed about their meaning.

    Attributes:
        rows: (line, column name to cell) pairs; cells are text, or lists for `messages`.
        quarantine: rows that couldn't be read.
        notes: what was found and done, for the reader.
    """

    file: str
    sha256: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, dict], ...]
    quarantine: tuple[QuarantinedRow, ...]
    notes: tuple[str, ...]

    @classmethod
    def from_dict(cls, fields: dict) -> Self:
        """Read the rows back."""
        rows = tuple((line, cells) for line, cells in fields["rows"])
        quarantine = tuple(QuarantinedRow(**row) for row in fields["quarantine"])
        return cls(fields["file"], fields["sha256"], tuple(fields["columns"]), rows, quarantine, tuple(fields["notes"]))

    def __repr__(self) -> str:
        return (
            f"{self.file}: {len(self.rows)} rows read, {len(self.quarantine)} set aside, "
            f"columns {', '.join(self.columns)}"
        )

    def table(self) -> pandas.DataFrame:
        """The first five rows, personal data masked: this is for looking."""
        import pandas

        shown = [{name: mask(_as_text(cell)) for name, cell in cells.items()} for _, cells in self.rows[:5]]
        return pandas.DataFrame(shown, columns=list(self.columns), dtype=object)


def read_file(path: Path | str) -> RawTable:
    """Read a .csv, .tsv, .jsonl or .json file.

    Raises:
        BadInput: the whole file can't be used; single bad rows are quarantined instead.
    """
    path = Path(path)
    if not path.is_file():
        raise BadInput(f"There is no file {path}. Check the path; it is looked up from {Path.cwd()}.")
    text, notes = _decode(path)
    first = text.lstrip()[:1]
    if not first:
        raise BadInput(f"{path.name} is empty, so there is nothing to learn from. Choose another file.")
    suffix = path.suffix.lower()
    if suffix in (".jsonl", ".json", ".ndjson") or (suffix not in (".csv", ".tsv") and first in "[{"):
        columns, rows, quarantine = _read_json(path.name, text, notes)
    else:
        columns, rows, quarantine = _read_csv(path.name, text, notes)
    if not rows:
        reasons = Counter(row.reason for row in quarantine).most_common(1)
        why = f" All {len(quarantine)} were set aside, most because: {reasons[0][0]}" if reasons else ""
        raise BadInput(f"{path.name} has no row that can be read.{why} Open it in an editor and look at its first lines.")
    return RawTable(path.name, file_sha256(path), columns, tuple(rows), tuple(quarantine), tuple(notes))


def _decode(path: Path) -> tuple[str, list[str]]:
    data = path.read_bytes()
    if data[:4] == b"PK\x03\x04" or data[:4] == b"PAR1":
        raise BadInput(
            f"{path.name} is an Excel, zip or Parquet file under another name; only CSV and JSONL are read here. "
            "Export it as CSV (UTF-8) and try again."
        )
    notes = []
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        notes.append("The file is UTF-16; it was decoded as such.")
        # What isn't text becomes U+FFFD.
        text = data.decode("utf-16", errors="replace")
    else:
        if data.startswith(codecs.BOM_UTF8):
            notes.append("The file begins with a byte order mark; it was left out.")
        # Bytes that aren't UTF-8 become lone surrogates, by which their rows are found and set aside.
        text = data.decode("utf-8-sig", errors="surrogateescape")
    if "\x00" in text:
        notes.append("NUL characters were removed.")
    return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n"), notes


def _undecodable(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _read_csv(name: str, text: str, notes: list[str]) -> tuple[tuple[str, ...], list, list]:
    delimiter = _guess_delimiter(text)
    if delimiter != ",":
        notes.append(f"Cells are separated by a {DELIMITERS[delimiter]}.")
    records = _records(text, delimiter)
    header_line, header, _ = next(records)
    columns = tuple(cell.strip() for cell in header or ())
    if _undecodable("".join(columns)):
        raise BadInput(
            f"{name} has a header (line {header_line}) that is not UTF-8 text, so its columns can't be named. "
            "Save the file as CSV (UTF-8) and try again."
        )
    double = [column for column, count in Counter(columns).items() if count > 1]
    if double:
        raise BadInput(
            f"{name} has more than one column named {double[0]!r} (line {header_line}), so cells can't be told apart. "
            "Rename one of them in the file."
        )
    if len(columns) < 2:
        raise BadInput(
            f"{name} has one column ({columns[0] if columns else ''!r}); an input and an answer need two. "
            "If the cells are separated by something other than comma, semicolon, tab or bar, save it as CSV with commas."
        )
    rows, quarantine = [], []
    for line, cells, raw in records:
        reason = _csv_fault(cells, columns, raw)
        if reason:
            quarantine.append(QuarantinedRow(name, line, reason, _printable(raw[:2000])))
        elif any(cell.strip() for cell in cells):
            rows.append((line, dict(zip(columns, cells, strict=True))))
    return columns, rows, quarantine


def _csv_fault(cells: list[str] | None, columns: tuple[str, ...], raw: str) -> str:
    if cells is None:
        odd = raw.count('"') % 2
        return "a quotation mark is opened and never closed" if odd else "text stands outside a cell's quotation marks"
    if len(cells) != len(columns):
        return f"it has {len(cells)} cells, the header has {len(columns)}"
    if _undecodable(raw):
        return "it has bytes that are not UTF-8 text"
    if tuple(cell.strip() for cell in cells) == columns:
        return "it repeats the header"
    if max(len(cell) for cell in cells) > LARGEST_CELL:
        return f"a cell is longer than {LARGEST_CELL:,} characters"
    return ""


def _guess_delimiter(text: str) -> str:
    # The header decides: column names rarely hold any of these, while cells hold commas all the time.
    header = text.lstrip("\n").split("\n", 1)[0]
    return max(DELIMITERS, key=header.count)


def _records(text: str, delimiter: str):
    """Yield (line, cells or None, raw text) a record, taking up again after a record that is broken.

    A quotation mark that is never closed would swallow the rows after it. A record that spans lines and
    comes out with the wrong number of cells is therefore given up at its first line alone.
    """
    lines = text.split("\n")
    width = 0
    at = 0
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        cells, used = _one_record(lines, at, delimiter)
        if used > 1 and (cells is None or (width and len(cells) != width)):
            alone, _ = _one_record(lines[at : at + 1], 0, delimiter)
            cells, used = alone, 1
        width = width or len(cells or ())
        yield at + 1, cells, "\n".join(lines[at : at + used])
        at += used


def _one_record(lines: list[str], start: int, delimiter: str) -> tuple[list[str] | None, int]:
    # A quotation mark inside a cell that doesn't begin with one is text: 5" screen.
    if not re.search(rf'(?:^|{re.escape(delimiter)})\s*"', lines[start]):
        return lines[start].split(delimiter), 1
    # As many lines as it takes for the quotation marks to balance, within reason.
    for used in range(1, min(len(lines) - start, 500) + 1):
        raw = "\n".join(lines[start : start + used])
        if raw.count('"') % 2:
            continue
        try:
            csv.field_size_limit(max(csv.field_size_limit(), 10 * LARGEST_CELL))
            parsed = list(csv.reader(io.StringIO(raw, newline=""), delimiter=delimiter, strict=True))
        except csv.Error:
            return None, used
        return (parsed[0] if len(parsed) == 1 else None), used
    return None, 1


def _read_json(name: str, text: str, notes: list[str]) -> tuple[tuple[str, ...], list, list]:
    rows, quarantine = [], []
    for line, raw in _json_pieces(name, text, notes):
        try:
            value = raw if isinstance(raw, dict) else strict_json(raw)
        except (ValueError, RecursionError) as error:
            quarantine.append(QuarantinedRow(name, line, f"it is not valid JSON ({error})", _printable(str(raw)[:2000])))
            continue
        reason = _json_fault(value)
        if reason:
            quarantine.append(QuarantinedRow(name, line, reason, _printable(str(raw)[:2000])))
        else:
            rows.append((line, value))
    columns = tuple(dict.fromkeys(key for _, value in rows for key in value))
    return columns, rows, quarantine


def _json_pieces(name: str, text: str, notes: list[str]):
    if text.lstrip().startswith("["):
        notes.append("The file is one JSON array; its elements are numbered as lines.")
        try:
            whole = strict_json(text)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"{name} is a JSON array that can't be read ({error}). Save it with one object a line.") from error
        for number, value in enumerate(whole, start=1):
            yield number, value if isinstance(value, dict) else json.dumps(value)
        return
    # Only LF ends a line: str.splitlines would also cut at separators that are part of the text.
    for number, raw in enumerate(text.split("\n"), start=1):
        if raw.strip():
            yield number, re.sub(r",\s*$", "", raw)


def _json_fault(value: object) -> str:
    if not isinstance(value, dict):
        return f"it is a {type(value).__name__}, not an object with named fields"
    if _undecodable(json.dumps(value, ensure_ascii=False)):
        return "it has bytes or half characters that are not text"
    return ""


@dataclass(frozen=True, repr=False)
class ColumnGuess(Result):
    """Which columns hold the input and the answer. `messages` set means: whole conversations in that column."""

    input: str
    answer: str
    messages: str
    reason: str

    def __repr__(self) -> str:
        if self.messages:
            return f"Conversations in {self.messages!r}: {self.reason}"
        return f"Input from {self.input!r}, answer from {self.answer!r}: {self.reason}"

    def table(self) -> pandas.DataFrame:
        """The choice as a table."""
        import pandas

        return pandas.DataFrame([(self.input, self.answer, self.messages, self.reason)],
                                columns=["input", "answer", "messages", "reason"])


def guess_columns(raw: RawTable) -> ColumnGuess:
    """Guess which columns hold the input and the answer, by name and then by length.

    Raises:
        BadInput: there are not two columns to choose from.
    """
    for name in ("messages", "conversations"):
        if name in raw.columns:
            return ColumnGuess("", "", name, "the column holds lists of turns.")
    if len(raw.columns) < 2:
        raise BadInput(f"{raw.file} has one field ({', '.join(raw.columns)}); an input and an answer need two.")
    length = {c: sum(len(_as_text(cells.get(c))) for _, cells in raw.rows) for c in raw.columns}
    answer = _by_name(raw.columns, ANSWER_NAMES)
    given = _by_name([c for c in raw.columns if c != answer], INPUT_NAMES)
    reason = "by their names."
    if not given:
        given, reason = max((c for c in raw.columns if c != answer), key=length.__getitem__), "by name and length of text."
    if not answer:
        # The last of the remaining columns, as people write what they have before what they want.
        answer, reason = [c for c in raw.columns if c != given][-1], "by length of text and order; please check."
    return ColumnGuess(given, answer, "", reason)


def _by_name(columns, names: tuple[str, ...]) -> str:
    lowered = {column.casefold(): column for column in columns}
    exact = [lowered[name] for name in names if name in lowered]
    # A column such as ticket_id names the thing and does not hold it.
    lowered = {low: column for low, column in lowered.items() if not re.search(r"(^|[\W_])(id|no|number|nr)$", low)}
    part = [column for name in names for low, column in lowered.items() if re.search(rf"\b{name}s?\b", low.replace("_", " "))]
    return (exact + part + [""])[0]


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def to_dataset(raw: RawTable, columns: ColumnGuess, name: str = "all") -> tuple[Dataset, Quarantine]:
    """Turn the rows into examples by the chosen columns.

    Returns:
        The data set, and every row set aside: those that reading set aside and those without a usable
        input or conversation.

    Raises:
        BadInput: a chosen column doesn't exist.
    """
    for column in filter(None, (columns.input, columns.answer, columns.messages)):
        if column not in raw.columns:
            raise BadInput(f"{raw.file} has no column {column!r}; it has {', '.join(raw.columns)}. Choose among these.")
    examples, quarantine = [], list(raw.quarantine)
    for line, cells in raw.rows:
        try:
            messages, answer = _conversation(cells[columns.messages]) if columns.messages else _pair(cells, columns)
        except (KeyError, ValueError, RecursionError) as error:
            reason = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
            quarantine.append(QuarantinedRow(raw.file, line, reason, _printable(_as_text(cells)[:2000])))
            continue
        provenance = {"source": raw.file, "line": line, "sha256": raw.sha256, "transformations": []}
        examples.append(Example(f"line-{line}", messages, answer, provenance))
    quarantine.sort(key=lambda row: row.line)
    return Dataset(name, tuple(examples)), Quarantine(tuple(quarantine))


def _pair(cells: dict, columns: ColumnGuess) -> tuple[tuple[tuple[str, str], ...], str]:
    given, answer = _as_text(cells.get(columns.input)).strip(), _as_text(cells.get(columns.answer)).strip()
    if not given:
        raise ValueError("its input is empty")
    return (("user", given),), answer


def _conversation(value: object) -> tuple[tuple[tuple[str, str], ...], str]:
    """The turns before the last answer, and that answer."""
    if isinstance(value, str):
        value = strict_json(value)
        if _undecodable(json.dumps(value, ensure_ascii=False)):
            raise ValueError("it has half characters that are not text")
    if not isinstance(value, list) or not value:
        raise ValueError("its conversation has no turns")
    turns = [_turn(turn) for turn in value]
    if turns[-1][0] != "assistant":
        raise ValueError(f"its last turn is the {turns[-1][0]}'s; the answer to learn must come last")
    spoken = [role for role, _ in turns if role != "system"]
    if any(role == "system" for role, _ in turns[1:]):
        raise ValueError("a system turn stands after the first turn")
    if spoken != ["user", "assistant"] * (len(spoken) // 2):
        raise ValueError("user and assistant don't take turns, beginning with the user")
    if any(not content.strip() for _, content in turns[:-1]):
        raise ValueError("a turn before the answer is empty")
    return tuple(turns[:-1]), turns[-1][1].strip()


def _turn(turn: object) -> tuple[str, str]:
    if not isinstance(turn, dict):
        raise ValueError("a turn is not an object with role and content")
    role = turn.get("role", turn.get("from"))
    content = turn.get("content", turn.get("value"))
    role = {"human": "user", "gpt": "assistant"}.get(role, role) if isinstance(role, str) else role
    if role not in ROLES:
        raise ValueError(f"the role {role!r} is unknown; known are {', '.join(ROLES)}")
    if not isinstance(content, str):
        raise ValueError("a turn's content is not text")
    return role, content
