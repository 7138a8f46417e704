"""From a path, a folder or a hub id to the rows in it: which reader takes what."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from workbench.curate.reading import columnar
from workbench.curate.reading.archives import is_archive, members
from workbench.curate.reading.delimited import read_delimited
from workbench.curate.reading.json_rows import read_json_rows
from workbench.curate.reading.parts import training_parts
from workbench.curate.reading.sheets import read_workbook
from workbench.curate.reading.table import Found, RawTable, printable
from workbench.curate.reading.text import decode, read_bytes
from workbench.errors import BadInput
from workbench.files import file_sha256

DELIMITED, JSON = (".csv", ".tsv"), (".jsonl", ".json", ".ndjson")
WORKBOOKS, PARQUET = (".xlsx", ".xlsm"), (".parquet",)
ROW_FILES = (*DELIMITED, *JSON, *WORKBOOKS, *PARQUET)
OLD_SHEETS = (".xls", ".xlsb", ".ods")
MOST_FILES = 20_000
# JSON that tells of a data set and holds no row of it.
DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
ARROW = ".arrow"
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


class EmptyFile(BadInput):
    """A text file with nothing in it; beside others it is left out."""


def read_source(reference: Path | str, encoding: str = "") -> RawTable:
    """Read a file, a folder, an archive, or a data set on the hub by its id (owner/name).

    Raises:
        BadInput: there is no such thing, or it can't be used.
        Prerequisite: it could be on the hub, and the hub can't be reached.
    """
    with _readable(reference):
        here = Path(reference).exists()
    if not here and HUB_ID.fullmatch(str(reference)) and not is_row_file(str(reference)):
        found, sha256 = columnar.read_hub_dataset(str(reference))
        return _table(found, sha256)
    return read_file(reference, encoding)


def read_file(path: Path | str, encoding: str = "", delimiter: str = "") -> RawTable:
    """Read the rows of a file, of a folder with a data set in it, or of a zip or tar file with such files.

    Args:
        path: a .csv, .tsv, .jsonl, .json, .xlsx or .parquet file; an archive of these; a folder written by
            `save_to_disk` or downloaded from a hub. A text file by another name is read as what it looks like.
        encoding: of a text file, where it is known better than can be found out; "repair" reads just the lines
            that are not UTF-8 as Windows-1252.
        delimiter: what separates the cells of a CSV file, where the header misleads.

    Raises:
        BadInput: the whole file can't be used; single bad rows are quarantined instead.
    """
    path = Path(path)
    with _readable(path):
        if path.is_dir():
            return _table(*_read_folder(path, encoding))
        if not path.is_file():
            raise BadInput(f"There is no file {path}. Check the path; it is looked up from {Path.cwd()}.")
        if is_archive(path):
            return _table(_read_archive(path, encoding), file_sha256(path))
        return _table(_read_one(path.name, path, encoding, delimiter), file_sha256(path))


@contextlib.contextmanager
def _readable(path: Path | str) -> Iterator[None]:
    """What the system says against reading a file, as a sentence."""
    try:
        yield
    except OSError as error:
        shown = printable(str(error.filename or path)[:100])
        raise BadInput(
            f"{shown} can't be read ({error.strerror or error}), so none of its rows are known. Check that the path is "
            "right, that the file is still there and that you may open it."
        ) from error


def is_row_file(name: str) -> bool:
    """Whether a file holds rows, by its name."""
    return name.lower().endswith(ROW_FILES)


def _table(found: Found, sha256: str) -> RawTable:
    if not found.rows:
        reasons = Counter(row.reason for row in found.quarantine).most_common(1)
        why = f" All {len(found.quarantine)} were set aside, most because: {reasons[0][0]}" if reasons else ""
        raise BadInput(
            f"{found.name} has no row that can be read.{why} Open it in an editor and look at its first lines."
        )
    if not found.columns:
        raise BadInput(
            f"{found.name} has rows without any field in them, so there is nothing to learn from. Choose another file."
        )
    return RawTable(found.name, sha256, found.columns, tuple(found.rows), tuple(found.quarantine), tuple(found.notes),
                    found.changes, found.encoding)


def _read_one(name: str, source: Path | io.BytesIO, encoding: str = "", delimiter: str = "") -> Found:
    suffix = Path(name).suffix.lower()
    if suffix in OLD_SHEETS:
        raise BadInput(
            f"{name} is a spreadsheet in a format that is not read here ({suffix}). Save it as .xlsx or as CSV "
            "(UTF-8)."
        )
    if suffix in WORKBOOKS:
        return read_workbook(name, source)
    if suffix in PARQUET:
        return columnar.read_parquet(name, source)
    data = read_bytes(source) if isinstance(source, Path) else source.getvalue()
    text = decode(name, data, encoding)
    first = next((line.lstrip()[:1] for line in text.lines if line.strip()), "")
    if not first:
        raise EmptyFile(f"{name} is empty, so there is nothing to learn from. Choose another file.")
    if suffix in JSON or (suffix not in DELIMITED and first in "[{"):
        return read_json_rows(name, text)
    return read_delimited(name, text, delimiter)


def _read_archive(path: Path, encoding: str) -> Found:
    seen: Counter[str] = Counter()

    def wanted(name: str) -> bool:
        seen[name] += 1
        return _is_data(name)

    kept = {name: io.BytesIO(data) for name, data in members(path, wanted)}
    if any(name.endswith(ARROW) for name in seen):
        raise BadInput(
            f"{path.name} holds a data set as save_to_disk writes it, which is read from a folder alone. Unpack it and "
            "give the folder."
        )
    double = next((name for name in kept if seen[name] > 1), "")
    if double:
        raise BadInput(
            f"{path.name} has more than one member named {printable(double[:80])!r}, and which one counts can't be known. "
            "Pack it again with each file once."
        )
    chosen, notes = choose_files(path.name, list(kept))
    return _joined(path.name, _parts(((f"{path.name}/{name}", kept[name]) for name in chosen), encoding, notes), notes)


def _is_data(name: str) -> bool:
    return is_row_file(name) and name.rpartition("/")[2] not in DESCRIPTIONS


def _parts(sources: Iterable[tuple[str, Path | io.BytesIO]], encoding: str, notes: list[str]) -> list[Found]:
    """What each file holds. One that is empty is left out with a note, if another has something in it."""
    parts, empty = [], []
    for name, source in sources:
        try:
            parts.append(_read_one(name, source, encoding))
        except EmptyFile as error:
            empty.append(error)
            notes.append(f"{name} is empty and was left out.")
    if not parts:
        raise empty[0]
    return parts


def _read_folder(folder: Path, encoding: str) -> tuple[Found, str]:
    files, notes, sha256 = source_files(folder)
    if not files:
        return columnar.read_saved_dataset(folder), sha256
    parts = _parts(((path.relative_to(folder).as_posix(), path) for path in files), encoding, notes)
    return _joined(folder.name, parts, notes), sha256


def source_files(folder: Path) -> tuple[list[Path], list[str], str]:
    """Which files of a folder make up its data, notes on the others, and one SHA-256 for what is read.

    The list is empty for a data set that `save_to_disk` wrote: that is read as a whole.

    Raises:
        BadInput: no file in it holds rows, a link leads out of it, or it holds too much to be a data set's folder.
    """
    with _readable(folder):
        return _source_files(folder)


def _source_files(folder: Path) -> tuple[list[Path], list[str], str]:
    inside, linked = _inside(folder)
    if (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file():
        return [], [], folder_sha256(folder, inside)
    files = {path.relative_to(folder).as_posix(): path for path in inside}
    kept = {name: path for name, path in files.items() if _is_data(name)}
    if not kept:
        saved = next((path.parent for path in inside if path.name.endswith(ARROW)), None)
        if saved is not None:
            raise BadInput(
                f"{folder} has no file with rows of its own, and a data set in {saved}. Give that folder, or the one above it "
                "with dataset_dict.json in it."
            )
        raise BadInput(
            f"There is no file with rows in {folder} (it is looked up from {Path.cwd()}); "
            f"read are {', '.join(ROW_FILES)}. Choose another folder, or a file."
        )
    chosen, notes = choose_files(folder.name, list(kept))
    if linked:
        notes.append(f"Links to folders were not followed: {', '.join(linked[:10])}{' and others' if len(linked) > 10 else ''}.")
    return [kept[name] for name in chosen], notes, folder_sha256(folder, [kept[name] for name in chosen])


def _inside(folder: Path) -> tuple[list[Path], list[str]]:
    """The files in a folder and below it, in order of their names; and the links to folders, which aren't followed.

    Raises:
        BadInput: one is a link that leads out of the folder, or there are too many.
    """
    root, found, linked = folder.resolve(), [], []
    everything = list(islice(folder.rglob("*"), MOST_FILES + 1))
    if len(everything) > MOST_FILES:
        raise BadInput(
            f"{folder} holds more than {MOST_FILES:,} files and folders, so it was not searched. Choose the folder "
            "with the data in it."
        )
    for path in sorted(everything):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue
        if not path.is_file() and not (path.is_symlink() and path.is_dir()):
            continue
        if not path.resolve().is_relative_to(root):
            raise BadInput(
                f"{path} is a link that leads out of the folder, so nothing in it was read. Put a copy of what it "
                "leads to in its place."
            )
        if path.is_file():
            found.append(path)
        else:
            linked.append(printable(path.relative_to(folder).as_posix()))
    return found, linked


def folder_sha256(folder: Path, files: list[Path]) -> str:
    """One SHA-256 for several files: over their names and their own."""
    listed = "".join(f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files)
    return hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest()


def choose_files(name: str, names: list[str]) -> tuple[list[str], list[str]]:
    """Which of several files with rows make up the training data, and notes on those that don't.

    Files named as a training part are taken; else all that aren't named as a part held out.

    Raises:
        BadInput: there is none, or those there are of different kinds.
    """
    chosen = training_parts(sorted(names))
    if not chosen:
        raise BadInput(f"{name} holds no file with rows; read are {', '.join(ROW_FILES)}. Choose another.")
    kinds = sorted({Path(file).suffix.lower() for file in chosen})
    if len(kinds) > 1:
        raise BadInput(
            f"{name} holds files of several kinds ({', '.join(kinds)}), and which to read can't be known. Choose one "
            f"of them: {', '.join(chosen[:5])}."
        )
    others = [file for file in sorted(names) if file not in chosen]
    return chosen, [f"Not read: {', '.join(others[:10])}{' and others' if len(others) > 10 else ''}."] if others else []


def _joined(name: str, parts: list[Found], notes: list[str]) -> Found:
    """The rows of several files as those of one; their lines are counted on from file to file."""
    if len(parts) == 1:
        parts[0].notes += notes
        return parts[0]
    whole = Found(name, notes=notes, encoding=parts[0].encoding)
    start = 0
    for part in parts:
        end = start + part.last_line
        whole.note(f"{part.name}: its lines are counted as {start + 1:,} to {end:,} here.")
        whole.rows += [(start + line, cells) for line, cells in part.rows]
        whole.changes |= {start + line: steps for line, steps in part.changes.items()}
        whole.quarantine += [replace(row, line=start + row.line) for row in part.quarantine]
        for text in part.notes:
            whole.note(f"{part.name}: {text}")
        start = end
    whole.columns = tuple(dict.fromkeys(column for part in parts for column in part.columns))
    return whole
