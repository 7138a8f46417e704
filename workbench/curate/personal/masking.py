"""Masking: personal data replaced by its kind, by a pseudonym that stays the same in a project, or made up anew."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from workbench.curate.personal.detector import Rules, select
from workbench.curate.personal.spans import MASK, SECRET, Detector, Span
from workbench.curate.personal.spreading import spread_in_row
from workbench.dataset import Example
from workbench.errors import BadInput, Prerequisite

MODES = ("type", "pseudonym", "surrogate")
KEY_BYTES = 32
# Of the keyed hash, this many hexadecimal digits tell pseudonyms apart.
DIGITS = 8
# Of JSON: a string, whether it is a key, and a number. The signs of a string: an escape is one.
TOKEN = re.compile(r'"(?P<string>(?:[^"\\]|\\.)*+)"(?P<key>\s*:)?|(?P<number>-?\d[\d.eE+-]*)')
SIGN = re.compile(r"\\u[0-9a-fA-F]{4}|\\.|[^\\]", re.DOTALL)


@dataclass(frozen=True)
class Masking:
    """How personal data is replaced.

    The same value gets the same replacement everywhere in a row (type), and everywhere in a project (the other
    two). With its key, a pseudonym still points to a person: it is personal data as long as the key exists.

    Attributes:
        mode: "type": [EMAIL]; "pseudonym": [EMAIL_7f3a90c2]; "surrogate": a made-up value, which needs Faker.
        key: the project's key, for pseudonyms and surrogates; see `load_or_make_key`.
        regions: country codes for telephone numbers without a leading +.
        detector: what finds the data; the workbench's rules if None.

    Raises:
        BadInput: an unknown mode, or a mode that needs a key and has none.
    """

    mode: str = "type"
    key: bytes = field(default=b"", repr=False)
    regions: tuple[str, ...] = ()
    detector: Detector | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadInput(f"There is no masking mode {self.mode!r}; choose one of {', '.join(MODES)}.")
        if self.mode != "type" and len(self.key) < KEY_BYTES // 2:
            raise BadInput(
                f"The masking mode {self.mode!r} needs the project's key, or anybody could guess the values back. "
                "Make one with load_or_make_key, in a place outside the data."
            )

    def text(self, text: str, tiers: tuple[str, ...] = (MASK,)) -> str:
        """The text with everything of these tiers replaced."""
        return self._replace(text, self._find(text, tiers))

    def row(self, example: Example, tiers: tuple[str, ...] = (MASK,)) -> Example:
        """The row with everything of these tiers replaced, alike in its turns, its answers and the columns kept beside it.

        A value that was found in one place, by a word next to it, is replaced wherever else it stands in the row, also
        where it is spelt or spaced otherwise, and where of a person's name the first or the last name stands alone.
        """
        kept = example.provenance.get("columns", {})
        spans = {text: self._find(text, tiers) for text in (*example.texts, *kept.values()) if text}
        if not any(spans.values()):
            return example
        spread = spread_in_row(spans)
        how = f"personal data masked ({self.mode})"

        def change(text: str) -> str:
            return self._replace(text, spread.get(text, []))

        masked = example.with_texts(change, how)
        columns = {name: change(value) for name, value in kept.items()}
        if columns == kept:
            return masked
        # A column alone that changes is a change to the row all the same.
        masked = masked if masked is not example else example.changed(example.messages, example.answer, how)
        return replace(masked, provenance={**masked.provenance, "columns": columns})

    def _find(self, text: str, tiers: tuple[str, ...]) -> list[Span]:
        detector = self.detector or Rules(tuple(self.regions))
        if isinstance(detector, Rules) and set(tiers) <= {MASK}:
            return select(detector.sure(text), tiers)
        return select(detector.find(text), tiers)

    def _replace(self, text: str, spans: Iterable[Span]) -> str:
        return _replaced(text, spans, self._replacement)

    def _replacement(self, what: str, value: str) -> str:
        if self.mode == "type" or what == SECRET:
            return f"[{what}]"
        known_as = f"{what}\0{canonical(what, value)}".encode("utf-8", "surrogatepass")
        digest = hmac.new(self.key, known_as, hashlib.sha256)
        if self.mode == "pseudonym":
            return f"[{what}_{digest.hexdigest()[:DIGITS]}]"
        return _made_up(self._faker, what, value, int.from_bytes(digest.digest()[:8], "big"))

    @cached_property
    def _faker(self) -> Any:
        try:
            from faker import Faker
        except ImportError as error:
            raise Prerequisite(
                "The package Faker is not installed, and it makes the surrogates up. "
                "Install it, or mask by type or pseudonym."
            ) from error
        return Faker()


def mask(text: str) -> str:
    """The text with everything that is surely personal or secret replaced by its kind, such as [EMAIL]: for display."""
    return _replaced(text, Rules().sure(text), lambda what, value: f"[{what}]")


def _replaced(text: str, spans: Iterable[Span], make: Callable[[str, str], str]) -> str:
    """The text with `make(type, value)` in place of each span; what was JSON stays JSON with as many keys."""
    spans = sorted(spans)
    if spans and _is_json(text):
        return _replaced_in_json(text, spans, make)
    pieces, at = [], 0
    for span in spans:
        pieces += [text[at : span.start], make(span.type, text[span.start : span.end])]
        at = span.end
    return "".join([*pieces, text[at:]])


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _replaced_in_json(text: str, spans: list[Span], make: Callable[[str, str], str]) -> str:
    """The same for JSON, string by string and number by number, so that no quote or bracket is lost."""
    pieces, at, first = [], 0, 0
    keys = {_read(found["string"]) for found in TOKEN.finditer(text) if found["key"]}
    renamed: dict[str, str] = {}
    numbers: Counter[str] = Counter()
    for found in TOKEN.finditer(text):
        what = "number" if found["string"] is None else "string"
        start, end = found.span(what)
        while first < len(spans) and spans[first].end <= start:
            first += 1
        touching = []
        for place in range(first, len(spans)):
            if spans[place].start >= end:
                break
            touching.append(spans[place])
        # A stretch of several fields leaves the keys between them.
        if found["key"]:
            touching = [span for span in touching if start <= span.start and span.end <= end]
        if not touching:
            continue
        if what == "number":
            new = f'"{_written(make(touching[0].type, found["number"]))}"'
        else:
            new = _replaced_in_string(found["string"], [s._replace(start=s.start - start, end=s.end - start) for s in touching], make)
        if found["key"]:
            if found["string"] not in renamed:
                renamed[found["string"]] = _written(_unused(_read(new), keys, numbers))
            new = renamed[found["string"]]
        pieces += [text[at:start], new]
        at = end
    return "".join([*pieces, text[at:]])


def _replaced_in_string(written: str, spans: list[Span], make: Callable[[str, str], str]) -> str:
    """The same for what stands between the quotes of a JSON string; an escape is replaced as a whole or not at all."""
    starts = [found.start() for found in SIGN.finditer(written)] if "\\" in written else []
    pieces, at = [], 0
    for span in spans:
        start, end = max(span.start, at), min(span.end, len(written))
        if starts:
            start = max(at, starts[bisect_right(starts, start) - 1])
            behind = bisect_left(starts, end)
            end = starts[behind] if behind < len(starts) else len(written)
        if start < end:
            pieces += [written[at:start], _written(make(span.type, _read(written[start:end])))]
            at = end
    return "".join([*pieces, written[at:]])


def _read(written: str) -> str:
    return json.loads(f'"{written}"')


def _written(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


def _unused(key: str, keys: set[str], numbers: Counter[str]) -> str:
    """The key, with a number behind it where there is one such already: two people are two entries."""
    new = key
    while new in keys:
        numbers[key] += 1
        new = f"{key} {numbers[key] + 1}"
    keys.add(new)
    return new


def canonical(what: str, value: str) -> str:
    """The value as two spellings of it are compared: "DE89 3704" and "de893704" are one IBAN."""
    value = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    if what in ("PHONE", "CARD", "IBAN", "NATIONAL_ID", "PLATE", "ACCOUNT", "MAC"):
        return "".join(character for character in value if character.isalnum())
    return value.lstrip("@") if what == "HANDLE" else value


def load_or_make_key(path: str | Path) -> bytes:
    """The project's key for pseudonyms: read from the file, or made at random and written, readable by its owner alone.

    Keep the file out of the data set and out of what is shared: with it, pseudonyms can be tried back to people.

    Raises:
        BadInput: the file is not such a key.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise BadInput(
                f"{path.name} holds {len(key)} bytes and is no key of {KEY_BYTES}; with another, all pseudonyms would change. "
                "Put the project's key back, or name a new file to begin anew."
            ) from None
        return key
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key


def _made_up(faker: Any, what: str, value: str, seed: int) -> str:
    faker.seed_instance(seed)
    # Addresses and numbers are taken from ranges kept for examples where there are such.
    makers: dict[str, Callable[[], str]] = {
        "EMAIL": faker.ascii_safe_email,
        "PHONE": lambda: faker.numerify("+1 202 555 01##"),
        "PERSON": lambda: faker.name_nonbinary() if " " in value else faker.first_name(),
        "ADDRESS": lambda: faker.address().replace("\n", ", "),
        "IBAN": faker.iban,
        "CARD": faker.credit_card_number,
        "IP": lambda: f"2001:db8::{seed % 0xFFFF:x}" if ":" in value else f"203.0.113.{seed % 254 + 1}",
        "MAC": faker.mac_address,
        "BIRTH_DATE": lambda: faker.date_of_birth().isoformat(),
        "PLATE": faker.license_plate,
        "HANDLE": lambda: ("@" if value.startswith("@") else "") + faker.user_name(),
    }
    return makers[what]() if what in makers else _same_shape(faker, value)


def _same_shape(faker: Any, value: str) -> str:
    shape = "".join("#" if c.isdigit() else "?" if c.isalpha() else c for c in value)
    return faker.bothify(shape, letters="ABCDEFGHJKLMNPRSTUVWXYZ")
