"""JSONL, and JSON files that hold a list of objects."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from workbench.curate.reading.table import LARGEST_CELL, Found, undecodable
from workbench.curate.reading.text import DecodedText
from workbench.errors import BadInput
from workbench.files import strict_json

DEEPEST = 32
# Each element of an array that is broken costs a look at all before it.
MOST_BROKEN = 1_000
# Fields under which a whole file's rows lie; elsewhere a list of objects belongs to one row.
HOLDERS = ("data", "rows", "examples", "records", "items", "train", "instances")
SPACE = re.compile(r"[\s,]*")
# Only where one of these stands can a value hold infinity, or half a character.
HUGE = re.compile(r"[eE]\+?\d{3}|\d{300}")
HALF = re.compile(r"\\u[dD][89a-fA-F]")
# Where an array goes on behind an element that can't be read, and the first key of an object.
NEXT_ELEMENT = re.compile(r'[,\n]\s*(?=\{\s*")')
FIRST_KEY = re.compile(r'\{\s*"((?:[^"\\]|\\.)*)"')


def read_json_rows(name: str, text: DecodedText) -> Found:
    """Read one JSON object a line, or a JSON array of objects.

    Raises:
        BadInput: the file is one JSON value that holds no rows.
    """
    found = Found(name, notes=list(text.notes), encoding=text.encoding)
    first = next(line for line in text.lines if line.strip()).lstrip()
    if first.startswith("["):
        found.note("The file is one JSON array; its elements are numbered as lines.")
        _read_array(found, "\n".join(text.lines), text)
    elif (whole := _one_object(first, text)) and (rows := _rows_of_one_object(found, whole)):
        for number, value in enumerate(rows, start=1):
            raw = json.dumps(value, ensure_ascii=False)
            fault = _fault_of_text(text, raw, list(text.faults))
            found.set_aside(number, fault, raw) if fault else _keep(found, number, value, raw)
    else:
        _read_lines(found, text)
        if not found.rows:
            _read_run_of_objects(found, text)
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


def _read_array(found: Found, whole: str, text: DecodedText) -> None:
    """Read an array element by element, so that one bad element or a missing end costs no other.

    Raises:
        BadInput: more elements are broken than single mistakes explain.
    """
    line, seen = 1, 0
    for number, value, start, end, faults in _elements(found.name, whole):
        raw = whole[start:end]
        if not number:
            found.note(faults[0])
            continue
        line, seen = line + whole.count("\n", seen, start), start
        lines = range(line, line + raw.count("\n") + 1) if text.faults or text.changes else ()
        if fault := _fault_of_text(text, raw, lines):
            found.set_aside(number, fault, raw)
        elif faults:
            found.set_aside(number, f"it is not valid JSON ({faults[0]})", raw)
        elif _keep(found, number, value, raw):
            changes = [change for one in lines for change in text.changes.get(one, ())]
            if changes:
                found.changes[number] = tuple(dict.fromkeys(changes))


def _fault_of_text(text: DecodedText, raw: str, lines: Iterable[int]) -> str:
    """What is wrong with the bytes of a value on these lines, where it is this value that has them."""
    if "\ufffd" not in raw and not undecodable(raw):
        return ""
    return next((text.faults[line] for line in lines if line in text.faults), "")


def _read_run_of_objects(found: Found, text: DecodedText) -> None:
    """Read objects that span lines, or share one, where no line could be read by itself."""
    run = Found(found.name)
    # The bracket opens a list that has no end, and stands on the first line.
    try:
        _read_array(run, "[" + "\n".join(text.lines), text)
    except BadInput:
        return
    if len(run.rows) >= 2 and len(run.rows) > len(run.quarantine):
        found.rows, found.quarantine, found.changes, found.notes = run.rows, run.quarantine, run.changes, list(text.notes)
        found.note("The file is a run of JSON objects, not one a line; they are numbered as lines.")


def _elements(name: str, text: str) -> Iterator[tuple[int, object, int, int, list[str]]]:
    """Yield (number, value, start, end, faults) of an array's elements; number 0 is for the array itself."""
    faults: list[str] = []

    def constant(word: str) -> None:
        faults.append(f"{word} is not JSON")

    def pairs(found: list[tuple[str, object]]) -> dict:
        if len(dict(found)) != len(found):
            faults.append("a key occurs twice")
        return dict(found)

    decoder = json.JSONDecoder(parse_constant=constant, object_pairs_hook=pairs)
    at, number, broken, known = text.index("[") + 1, 0, 0, set()
    while (at := SPACE.match(text, at).end()) < len(text):
        if text[at] == "]" and not text[at + 1 :].strip():
            return
        number += 1
        faults.clear()
        opening = FIRST_KEY.match(text, at)
        known |= {opening.group(1)} if opening else set()
        try:
            if text[at] == "]":
                raise json.JSONDecodeError("text stands behind the array's end", text, at)
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            broken += 1
            if broken > MOST_BROKEN:
                raise BadInput(
                    f"{name} is a JSON array with more than {MOST_BROKEN:,} elements that are not JSON, so what its rows were "
                    "can't be told. Write it again, best as JSONL: one object a line."
                ) from error
            end = _next_element(text, max(at, getattr(error, "pos", at)), known)
            last = "" if end < len(text) else "; nothing after it could be read"
            yield number, None, at, end, [f"{error}{last}"]
            if last:
                return
        else:
            yield number, value, at, end, list(faults)
        at = end
    yield 0, None, at, at, ["The array has no end: the file may have been cut off."]


def _next_element(text: str, start: int, known: set[str]) -> int:
    """Where the next element begins: at an object that opens as others did, since objects also stand inside elements."""
    for place in NEXT_ELEMENT.finditer(text, start):
        opening = FIRST_KEY.match(text, place.end())
        if not known or (opening and opening.group(1) in known):
            return place.end()
    return len(text)


def _one_object(first: str, text: DecodedText) -> dict | None:
    """The single object that a file is, if it isn't JSONL."""
    try:
        whole = strict_json(first)
        if sum(1 for line in text.lines if line.strip()) > 1:
            return None
    except (ValueError, RecursionError):
        try:
            whole = strict_json("\n".join(text.lines))
        except (ValueError, RecursionError):
            return None
    return whole if isinstance(whole, dict) else None


def _rows_of_one_object(found: Found, whole: dict) -> list | None:
    """The rows that a single object holds: as a list under one of its fields, or column by column."""
    lists = [key for key, value in whole.items() if _is_list_of_rows(value)]
    holders = [key for key in lists if key.casefold() in HOLDERS]
    if len(holders) == 1:
        found.note(f"The file is one JSON object; its rows were found under {holders[0]!r} and are numbered as lines.")
        for key in lists:
            if key != holders[0]:
                found.note(f"Not read: {len(whole[key]):,} objects under {key!r}.")
        return whole[holders[0]]
    rows = _rows_by_column(whole)
    if rows:
        found.note("The file is one JSON object that holds its rows column by column; the rows are numbered as lines.")
    return rows


def _rows_by_column(whole: dict) -> list | None:
    """The rows of a table as pandas writes it: {columns, data}, {name: {index: cell}} or {name: [cells]}."""
    columns, data = whole.get("columns"), whole.get("data")
    if isinstance(data, list) and data and isinstance(columns, list) and all(isinstance(name, str) for name in columns):
        fits = len(set(columns)) == len(columns) and all(isinstance(row, list) for row in data)
        return [dict(zip(columns, row, strict=True)) if len(row) == len(columns) else row for row in data] if fits else None
    held = list(whole.values())
    if len(held) < 2 or not held[0]:
        return None
    if all(isinstance(cells, dict) and cells.keys() == held[0].keys() for cells in held):
        # An index counts; other keys may be those of one row's objects.
        index = list(held[0]) if all(key.isdecimal() for key in held[0]) else []
        return [{name: cells[key] for name, cells in whole.items()} for key in index]
    same = all(isinstance(cells, list) and len(cells) == len(held[0]) for cells in held)
    if not same or any(isinstance(cell, dict) for cells in held for cell in cells):
        return None
    return [dict(zip(whole, row, strict=True)) for row in zip(*held, strict=True)]


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


