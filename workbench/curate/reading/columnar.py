"""Parquet files and Hugging Face data sets: tables in Arrow's types."""

from __future__ import annotations

import datetime
import decimal
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.curate.reading.delimited import checked_columns
from workbench.curate.reading.json_rows import json_fault
from workbench.curate.reading.parts import training_parts
from workbench.curate.reading.table import Found
from workbench.errors import BadInput, Prerequisite
from workbench.files import read_json
from workbench.runtime import hub_reachable

if TYPE_CHECKING:
    import pyarrow

MAGIC = b"PAR1"
LARGEST_CONTENT = 500_000_000
# What is small may grow as it will; beyond that, by no more than real text does.
SMALL_CONTENT, HIGHEST_RATIO = 50_000_000, 200
BATCH = 50
# A batch that holds more is taken row by row: many of its rows may say the same long text, which is stored once.
LARGE_BATCH = 1_000_000
MEDIA = ("Image", "Audio", "Video", "Pdf", "Nifti")


def read_parquet(name: str, source: Path | io.BytesIO) -> Found:
    """Read a Parquet file, a batch at a time.

    Raises:
        BadInput: it is none, is damaged, too large, or has columns of types that need code to be read.
    """
    import pyarrow
    from pyarrow import parquet

    _check_magic(name, source)
    try:
        file = parquet.ParquetFile(source)
        size = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
        packed = source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes
        most = min(LARGEST_CONTENT, max(SMALL_CONTENT, HIGHEST_RATIO * packed))
        _refuse_content(name, size, most)
        return _read_batches(Found(name), file.schema_arrow, file.iter_batches(BATCH), most=most)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"{name} is a damaged Parquet file ({str(error)[:200]}), so it was not read. Write or download it again."
        ) from error


def _refuse_content(name: str, size: int, most: int) -> None:
    if size > most:
        raise BadInput(
            f"{name} unpacks to {size:,} bytes or more; of a file of its size at most {most:,} are read at once, so that "
            "none fills the memory. Split the file, or export the rows as JSONL."
        )


def _check_magic(name: str, source: Path | io.BytesIO) -> None:
    stream = source.open("rb") if isinstance(source, Path) else source
    try:
        start = stream.read(4)
        stream.seek(-4, io.SEEK_END)
        end = stream.read(4)
    except (OSError, ValueError):
        end = b""
    finally:
        stream.close() if isinstance(source, Path) else stream.seek(0)
    if not start == end == MAGIC:
        raise BadInput(
            f"{name} is no Parquet file: such a file begins and ends with the letters PAR1. It was not opened. "
            "If it is something else under a wrong name, give it its right ending."
        )


def read_saved_dataset(folder: Path) -> Found:
    """Read a folder that `datasets.Dataset.save_to_disk` wrote.

    Raises:
        BadInput: it is damaged, names files outside itself, or holds pictures or sound.
    """
    import datasets

    _refuse_names_outside(folder)
    try:
        loaded = datasets.load_from_disk(str(folder))
    except Exception as error:  # noqa: BLE001 - the library raises many kinds for a damaged folder
        raise BadInput(
            f"{folder.name} is a damaged data set ({str(error)[:200]}), so it was not read. Save or download it again."
        ) from error
    found = Found(folder.name)
    return _read_dataset(found, _one_split(found, loaded))


def _refuse_names_outside(folder: Path) -> None:
    """What such a folder says of its own files is followed by the library, wherever it leads."""
    for path in (folder / "dataset_dict.json", folder / "state.json", *sorted(folder.glob("*/state.json"))):
        if not path.is_file():
            continue
        try:
            told = read_json(path)
            names = [*told.get("splits", []), *(file["filename"] for file in told.get("_data_files", []))]
            outside = [name for name in names if Path(name).name != name or "\\" in name or ".." in name]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BadInput(
                f"{folder.name} is a damaged data set: {path.name} is not what it should be, so it was not read. Save or "
                "download it again."
            ) from error
        if outside:
            raise BadInput(
                f"{folder.name} names a file outside itself in {path.name} ({outside[0][:80]!r}), as folders made to do harm "
                "do; it was not read. Download or save it again."
            )


def _one_split(found: Found, loaded: Any) -> Any:
    if not isinstance(loaded, dict):
        return loaded
    if not loaded:
        raise BadInput(f"{found.name} is a data set without any part in it, so there is nothing to learn from.")
    chosen = "train" if "train" in loaded else training_parts(loaded)[0]
    others = [name for name in loaded if name != chosen]
    if others:
        found.note(f"The part {chosen!r} was read; not read: {', '.join(others)}.")
    return loaded[chosen]


def read_hub_dataset(reference: str) -> tuple[Found, str]:
    """Read the training part of a data set on the hub. No code from the hub is run.

    Args:
        reference: its id, owner/name.

    Returns:
        What was found, and a SHA-256 over its rows, since there is no one file to take it from.

    Raises:
        Prerequisite: the hub can't be reached.
        BadInput: there is no such data set, or it can't be read.
    """
    if not hub_reachable():
        raise Prerequisite(
            f"{reference} is no file or folder here, and the hub, where a data set of that name could be, can't be reached. "
            "Check the path, or download the data set elsewhere and give its folder."
        )
    import datasets

    try:
        loaded = datasets.load_dataset(reference, split="train")
    except Exception as error:  # noqa: BLE001 - the library raises many kinds, from many libraries below it
        raise BadInput(
            f"The data set {reference} could not be loaded from the hub ({str(error)[:200]}). Check its id and that "
            "it has a part named train."
        ) from error
    found = _read_dataset(Found(reference), loaded)
    digest = hashlib.sha256()
    for line, cells in found.rows:
        digest.update(json.dumps([line, cells], sort_keys=True).encode("utf-8"))
    return found, digest.hexdigest()


def _read_dataset(found: Found, dataset: Any) -> Found:
    kinds = {name: type(feature).__name__ for name, feature in dataset.features.items()}
    media = [name for name, kind in kinds.items() if kind in MEDIA]
    if media:
        raise BadInput(
            f"{found.name} has {kinds[media[0]].lower()} data in column {media[0]!r}; only text is learnt from here. "
            "Remove that column."
        )
    names = {name: feature.names for name, feature in dataset.features.items() if hasattr(feature, "names")}
    table = dataset.with_format("arrow")
    batches = (table[start : start + BATCH] for start in range(0, len(table), BATCH))
    return _read_batches(found, dataset.features.arrow_schema, batches, names)


def _read_batches(
    found: Found,
    schema: pyarrow.Schema,
    batches: Iterable,
    names: dict[str, list[str]] | None = None,
    most: int = LARGEST_CONTENT,
) -> Found:
    found.columns = checked_columns(found.name, 0, tuple(schema.names))
    _refuse_extensions(found.name, schema)
    names = _class_names(schema) if names is None else names
    for column in names:
        found.note(f"The class numbers in {column!r} were replaced by the names that the file gives them.")
    size = number = 0
    for batch in batches:
        for row in _rows(batch):
            number += 1
            if row is None:
                found.set_aside(number, "it has bytes that are not UTF-8 text", "")
            else:
                # What the batch says of its size leaves out text that is stored once and said often.
                size += _keep_row(found, number, row, names)
                _refuse_content(found.name, size, most)
    return found


def _rows(batch: pyarrow.RecordBatch | pyarrow.Table) -> Iterator[dict | None]:
    """The rows of a batch; None for one whose text can't be decoded."""
    if len(batch) > 1 and batch.nbytes > LARGE_BATCH:
        for place in range(len(batch)):
            yield from _rows(batch.slice(place, 1))
        return
    try:
        rows = batch.to_pylist(maps_as_pydicts="lossy")
    except UnicodeDecodeError:
        singly = (batch.slice(place, 1) for place in range(len(batch)))
        rows = [row for one in singly for row in _rows(one)] if len(batch) > 1 else [None]
    yield from rows


def _keep_row(found: Found, number: int, row: dict, names: dict[str, list[str]]) -> int:
    """Keep a row, or set it aside; how long it is as JSON comes back."""
    try:
        cells = {column: _plain(value) for column, value in row.items()}
        for column, known in names.items():
            cells[column] = _class_name(column, cells[column], known)
    except (ValueError, TypeError) as error:
        found.set_aside(number, str(error), "")
        return 0
    raw = json.dumps(cells, ensure_ascii=False)
    reason = json_fault(cells, raw)
    if reason:
        found.set_aside(number, reason, raw)
    else:
        found.rows.append((number, cells))
    return len(raw)


def _class_name(column: str, value: object, known: list[str]) -> object:
    if value is None or isinstance(value, str):
        return value
    if not isinstance(value, int) or not 0 <= value < len(known):
        raise ValueError(f"the class {value} in {column!r} has no name in the file")
    return known[value]


def _plain(value: Any) -> Any:
    """An Arrow value as JSON has it: dates as ISO 8601, no number as a missing value."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        if math.isnan(value):
            return None
        raise ValueError("a cell holds infinity, which is no value to learn from")
    if isinstance(value, bytes):
        raise ValueError("a cell holds bytes that are not text")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal | datetime.timedelta) else value


def _refuse_extensions(name: str, schema: pyarrow.Schema) -> None:
    import pyarrow

    fields = list(schema)
    while fields:
        field = fields.pop()
        kind = field.type
        if isinstance(kind, pyarrow.BaseExtensionType) or b"ARROW:extension:name" in (field.metadata or {}):
            raise BadInput(
                f"{name} has a column of an extension type ({field.name!r}), which code of its own would have to read; "
                "that is not done with files from elsewhere. Write the file with plain types."
            )
        fields += [kind.field(i) for i in range(kind.num_fields)]


def _class_names(schema: pyarrow.Schema) -> dict[str, list[str]]:
    """Column to class names, where the file says so in the way of the datasets library."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))["info"]["features"]
        known = {column: feature for column, feature in features.items() if column in schema.names}
        return {column: list(feature["names"]) for column, feature in known.items() if feature.get("_type") == "ClassLabel"}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
