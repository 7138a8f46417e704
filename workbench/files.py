"""Reading and writing the project's files: atomic, UTF-8, JSON only, never pickle."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import BadInput


def write_text(path: Path, text: str) -> Path:
    """Write `text` to `path` so that a reader sees the old file or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write `value` as indented JSON. NaN and infinity are refused, since other readers choke on them."""
    return write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file that the workbench wrote.

    Raises:
        BadInput: the file is damaged; the message says which and what to do.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(
            f"{path} is not readable as JSON ({error}), so the result it holds can't be used. "
            "Delete the file and run the notebook that writes it again."
        ) from error


def strict_json(text: str) -> Any:
    """Parse JSON as the standard has it.

    Raises:
        ValueError: also for NaN and infinity, which other readers choke on, and for a key said twice,
            which leaves it to the reader which value counts.
        RecursionError: it is nested too deeply.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_double_keys)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _refuse_double_keys(pairs: list[tuple[str, object]]) -> dict:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def write_jsonl(path: Path, rows: Iterable[dict]) -> Path:
    """Write one JSON object a line."""
    lines = (json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    return write_text(path, "".join(line + "\n" for line in lines))


def read_jsonl(path: Path) -> Iterator[dict]:
    """Yield the objects of a JSONL file. Lines end at LF only: text may hold other line separators."""
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), start=1):
        if line.strip():
            try:
                yield json.loads(line)
            except ValueError as error:
                raise BadInput(
                    f"{path}, line {number}, is not readable as JSON ({error}), so the rows can't be used. "
                    "Delete the file and run the notebook that writes it again."
                ) from error


def fingerprint(value: Any) -> str:
    """A short, stable hash of any JSON-like value: 16 hexadecimal digits of its SHA-256."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
