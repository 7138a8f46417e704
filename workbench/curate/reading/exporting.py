"""Data sets out again: for spreadsheets, and in the form that trainers read."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path

from workbench.curate.reading.shapes import EXPORTED
from workbench.dataset import Dataset, Example
from workbench.errors import BadInput
from workbench.files import write_jsonl, write_text

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LONGEST_SHEET_CELL = 32_767


@dataclass(frozen=True)
class Exported:
    """A file for a spreadsheet program.

    Attributes:
        path: where it is.
        rows: how many it has.
        guarded: how many cells got an apostrophe in front, so that no program takes them for a formula.
        note: the same in a sentence, for whoever opens the file.
    """

    path: Path
    rows: int
    guarded: int
    note: str


def to_csv(dataset: Dataset, path: Path | str, guard_formulas: bool = True) -> Exported:
    """Write a data set for a spreadsheet program: .csv (UTF-8 with a byte order mark, as Excel wants it) or .xlsx.

    Args:
        dataset: the rows; earlier turns and a system text stand in a column of their own, as JSON.
        path: where to; its ending says which of the two.
        guard_formulas: put an apostrophe before cells that begin with = + - @, a tab or a carriage return, which
            spreadsheet programs would run as formulas. The text is then no longer what it was: don't train on it.

    Raises:
        BadInput: the ending is another, or a cell is longer than a workbook takes.
    """
    path = Path(path)
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise BadInput(
            f"A table is written as .csv or .xlsx, and {path.name} is neither. Give it one of these endings."
        )
    rows = [_cells(example) for example in dataset]
    columns = [name for name in EXPORTED if name in EXPORTED[:3] or any(row[name] for row in rows)]
    cells = [[row[name] for name in columns] for row in rows]
    guarded = sum(text.startswith(FORMULA_STARTS) for row in cells for text in row) if guard_formulas else 0
    if guarded:
        cells = [[f"'{text}" if text.startswith(FORMULA_STARTS) else text for text in row] for row in cells]
    replaced = _write(path, [columns, *cells])
    told = [f"{guarded} cells that begin like a formula have an apostrophe in front."] if guarded else []
    told += [f"{replaced} characters that a workbook can't hold were written as \ufffd."] if replaced else []
    what = " ".join(told) or "No cell was changed."
    return Exported(path, len(rows), guarded, what)


def _cells(example: Example) -> dict[str, str]:
    turns = [{"role": role, "content": content} for role, content in example.messages]
    messages = json.dumps(turns, ensure_ascii=False) if len(turns) > 1 else ""
    return {"row_id": example.row_id, "input": example.input, "answer": example.answer,
            "rejected": example.rejected, "messages": messages}  # fmt: skip


def _write(path: Path, rows: list[list[str]]) -> int:
    """Write the rows; how many characters had to be replaced comes back."""
    if path.suffix.lower() == ".xlsx":
        return _write_workbook(path, rows)
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    write_text(path, "\ufeff" + stream.getvalue())
    return 0


def _write_workbook(path: Path, rows: list[list[str]]) -> int:
    import openpyxl
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    longest = max(len(text) for row in rows for text in row)
    if longest > LONGEST_SHEET_CELL:
        raise BadInput(
            f"A cell has {longest:,} characters, and a workbook takes {LONGEST_SHEET_CELL:,}; the rest would be cut off. Write .csv."
        )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    for row in rows:
        # Characters that XML has no way to write are shown as such rather than dropped.
        cells = [WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)) for text in row]
        for cell in cells:
            # Also unguarded, text is text: nothing in a data set becomes a formula.
            cell.data_type = "s"
        sheet.append(cells)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    book.save(temporary)
    os.replace(temporary, path)
    return sum(len(ILLEGAL_CHARACTERS_RE.findall(text)) for row in rows for text in row)


def to_training_rows(dataset: Dataset) -> list[dict]:
    """The rows as trainers read them.

    Returns:
        For each row {"messages": [...]}, the answer being the last turn; for a preference pair
        {"prompt": [...], "chosen": [...], "rejected": [...]}, lists of turns each.
    """
    return [_training_row(example) for example in dataset]


def _training_row(example: Example) -> dict:
    prompt = [{"role": role, "content": content} for role, content in example.messages]
    answer = [{"role": "assistant", "content": example.answer}]
    if not example.rejected:
        return {"messages": prompt + answer}
    return {"prompt": prompt, "chosen": answer, "rejected": [{"role": "assistant", "content": example.rejected}]}


def save_training_rows(dataset: Dataset, path: Path | str) -> Path:
    """Write the rows as trainers read them, as .jsonl or .parquet by the ending of `path`.

    Raises:
        BadInput: the ending is another, or some rows are preference pairs and some are not.
    """
    path, rows = Path(path), to_training_rows(dataset)
    if len({tuple(row) for row in rows}) > 1:
        raise BadInput(
            "Some rows are preference pairs and some are not; no trainer reads both from one file. Write them to two."
        )
    if path.suffix.lower() == ".jsonl":
        return write_jsonl(path, rows)
    if path.suffix.lower() != ".parquet":
        raise BadInput(
            f"Rows for training are written as .jsonl or .parquet, and {path.name} is neither. Give it one of these "
            "endings."
        )
    import pyarrow
    from pyarrow import parquet

    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    parquet.write_table(pyarrow.Table.from_pylist(rows), temporary)
    os.replace(temporary, path)
    return path
