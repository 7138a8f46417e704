"""JSONL, and JSON files that hold a list of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from workbench.curate.reading.table import LARGEST_CELL, Found, undecodable
from workbench.curate.reading.text import DecodedText
from workbench.files import strict_json

DEEPEST = 32
# Fields under which a whole file's rows lie; elsewhere a list of objects belongs to one row.
HOLDERS = ("data", "rows", "examples", "records", "items", "train", "instances")
SPACE = re.compile(r"[\s,]*")
# Only where one of these stands can a value hold infinity, or half a character.
HUGE = re.compile(r"[eE]\+?\d{3}|\d{300}")
HALF = re.compile(r"\\u[dD][89a-fA-F]")


def read_json_rows(name: str, text: DecodedText) -> Found:
    """Read one JSON object a line, or a JSON array of objects.

    Raises:
        BadInput: the file is one JSON value that holds no rows.
    """
    found = Found(name, notes=list(text.notes), encoding=text.encoding)
    first = next(line for line in text.lines if line.strip()).lstrip()
    if first.startswith("["):
        found.note("The file is one JSON array; its elements are numbered as lines.")
        _read_array(found, "\n".join(text.lines))
    elif rows := _rows_of_one_object(first, text):
        field, values = rows
        found.note(f"The file is one JSON object; its rows were found under {field!r} and are numbered as lines.")
        for number, value in enumerate(values, start=1):
            _keep(found, number, value, json.dumps(value, ensure_ascii=False))
    else:
        _read_lines(found, text)
    found.columns = tuple(dict.fromkeys(key for _, value in found.rows for key in value))
    return found


def _read_lines(found: Found, text: DecodedText) -> None:
    # Only a line ending ends a line: str.splitlines would also cut at separators that are part of the text.
    for number, whole in enumerate(text.lines, start=1):
        raw = whole.strip()
        if not raw:
            continue
        if raw.endswith(","):
            found.note("Lines end in a comma; it was left out.")
            raw = raw[:-1].rstrip()
        if number in text.faults:
            found.set_aside(number, text.faults[number], whole)
            continue
        try:
            value = strict_json(raw)
        except (ValueError, RecursionError) as error:
            found.set_aside(number, f"it is not valid JSON ({error})", whole)
            continue
        if _keep(found, number, value, raw) and number in text.changes:
            found.changes[number] = text.changes[number]


def _keep(found: Found, number: int, value: object, raw: str) -> bool:
    reason = json_fault(value, raw)
    if reason:
        found.set_aside(number, reason, raw)
    else:
        found.rows.append((number, value))
    return not reason


def _read_array(found: Found, text: str) -> None:
    """Read an array element by element, so that one bad element or a missing end costs no other."""
    for number, value, raw, faults in _elements(text):
        if not number:
            found.note(faults[0])
        elif faults:
            found.set_aside(number, f"it is not valid JSON ({faults[0]})", raw)
        else:
            _keep(found, number, value, raw)


def _elements(text: str) -> Iterator[tuple[int, object, str, list[str]]]:
    faults: list[str] = []

    def constant(name: str) -> None:
        faults.append(f"{name} is not JSON")

    def pairs(found: list[tuple[str, object]]) -> dict:
        if len(dict(found)) != len(found):
            faults.append("a key occurs twice")
        return dict(found)

    decoder = json.JSONDecoder(parse_constant=constant, object_pairs_hook=pairs)
    at, number = text.index("[") + 1, 0
    while (at := SPACE.match(text, at).end()) < len(text) and text[at] != "]":
        number += 1
        faults.clear()
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            # Where the next element begins can't be known any more.
            yield number, None, text[at:], [f"{error}; nothing after it could be read"]
            return
        yield number, value, text[at:end], list(faults)
        at = end
    rest = text[at + 1 :].strip()
    if at >= len(text):
        yield 0, None, "", ["The array has no end: the file may have been cut off."]
    elif rest:
        yield number + 1, None, rest, ["text stands behind the array's end"]


def _rows_of_one_object(first: str, text: DecodedText) -> tuple[str, list] | None:
    """The name and the rows of a single object that holds them, for a file that isn't JSONL."""
    try:
        whole = strict_json(first)
        if sum(1 for line in text.lines if line.strip()) > 1:
            return None
    except (ValueError, RecursionError):
        try:
            whole = strict_json("\n".join(text.lines))
        except (ValueError, RecursionError):
            return None
    fields = whole.items() if isinstance(whole, dict) else ()
    lists = [(key, value) for key, value in fields if key.casefold() in HOLDERS and _is_list_of_rows(value)]
    return lists[0] if len(lists) == 1 else None


def _is_list_of_rows(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def json_fault(value: object, raw: str) -> str:
    """What is wrong with a JSON row, or nothing."""
    if not isinstance(value, dict):
        return f"it is a {type(value).__name__}, not an object with named fields"
    if raw.count("[") + raw.count("{") > DEEPEST and depth(value) > DEEPEST:
        return f"it is nested more than {DEEPEST} deep"
    if HUGE.search(raw) and _is_beyond_numbers(value):
        return "a number in it is too large to be one"
    if undecodable(raw) or (HALF.search(raw) and undecodable(json.dumps(value, ensure_ascii=False))):
        return "it has bytes or half characters that are not text"
    if len(raw) > LARGEST_CELL and _longest(value) > LARGEST_CELL:
        return f"a cell is longer than {LARGEST_CELL:,} characters"
    return ""


def _is_beyond_numbers(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return True
    return False


def depth(value: object) -> int:
    """How deep lists and objects are nested; counted without recursion."""
    level, deepest = [value], 0
    while level := [v for v in level if isinstance(v, dict | list)]:
        deepest += 1
        level = [inner for v in level for inner in (v.values() if isinstance(v, dict) else v)]
    return deepest


def _longest(value: object) -> int:
    waiting, longest = [value], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            longest = max(longest, len(one))
        elif isinstance(one, dict | list):
            waiting.extend(one.values() if isinstance(one, dict) else one)
    return longest


