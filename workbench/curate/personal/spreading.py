"""From one text of a row to the others: a value that a word gave away in one place is found where no such word stands."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from workbench.curate.personal.people import PARTICLE, begins_sentence, is_common_word, is_no_name
from workbench.curate.personal.spans import MASK, Span

# A value shorter than this is too common a string to be masked wherever else it stands in the row.
SHORTEST = 3
# From this many characters on, a number is the same however it is grouped.
LONG_NUMBER = 6
NUMBERS = frozenset({"PHONE", "CARD", "IBAN", "NATIONAL_ID", "PLATE", "ACCOUNT", "MAC"})
GROUPED = re.compile(r"[\s./()\u00ad\u200b-\u200f\u2010-\u2015\u2060\ufeff-]{0,4}")
UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|[bfnrt"\\/])')
# Stands before a character that is written with more than one, so that no offset moves.
FILLING = "\u2060"
WORD = re.compile(r"[^\W_]+")
STREET = re.compile(r"(?=.*\d)(?=.*[^\W\d_]{3})[^,\n]{6,}")


class _Value(NamedTuple):
    """A value to look for.

    Attributes:
        letters: its letters and digits, in lower case.
        written: as it was found.
        type: what it is.
        whole: False for a part of a person's name.
    """

    letters: str
    written: str
    type: str
    whole: bool


class _Compact(NamedTuple):
    """The letters and digits of a text in lower case, and where in the text each stands."""

    letters: str
    places: list[int]


def spread_in_row(spans: Mapping[str, list[Span]]) -> dict[str, list[Span]]:
    """What was found in the texts of one row, and where else in them the same values stand.

    Args:
        spans: each text to what was found in it, in order and none overlapping.

    Returns:
        Each text to its spans and the new ones, none overlapping.
    """
    values: dict[tuple[str, bool], _Value] = {}
    seen = {text: ESCAPE.sub(_meant, text) for text in spans}
    for text, found in spans.items():
        for span in found:
            for value in _forms(seen[text][span.start : span.end], span.type):
                if len(value.letters) >= SHORTEST:
                    values.setdefault((value.letters, value.whole), value)
    beginnings: dict[str, list[_Value]] = defaultdict(list)
    for value in sorted(values.values(), key=lambda v: (-len(v.letters), not v.whole)):
        beginnings[value.letters[:SHORTEST]].append(value)
    return {text: _elsewhere(seen[text], found, beginnings) for text, found in spans.items()}


def _meant(escape: re.Match) -> str:
    """What an escape stands for, at its own length: a line break parts words, and its n is no letter of the next."""
    if escape[1]:
        return FILLING * 5 + chr(int(escape[1], 16))
    return "  " if escape[0][1] in "bfnrt" else escape[0]


def _forms(written: str, what: str) -> Iterator[_Value]:
    """The value itself, and what of it may stand alone."""
    yield _Value(_compact(written).letters, written, what, True)
    if what == "PERSON":
        for part in _parts_of_name(written):
            yield _Value(_compact(part).letters, part, what, False)
    if what == "ADDRESS" and (street := STREET.match(written)):
        yield _Value(_compact(street.group()).letters, street.group(), what, True)
    if what == "PHONE" and written.startswith("+") and (national := _national(written)):
        yield _Value(national, national, what, True)
        yield _Value(f"0{national}", f"0{national}", what, True)


def _parts_of_name(name: str) -> Iterator[str]:
    words = [word.strip(",.") for word in name.split()]
    if len(words) < 2:
        return
    yield " ".join(words[1:])
    for at, word in enumerate(words):
        if re.fullmatch(PARTICLE, word) and at:
            yield " ".join(words[at:])
        elif len(word) >= SHORTEST and not is_no_name(word):
            yield word


def _national(number: str) -> str:
    import phonenumbers

    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return ""


def _compact(text: str) -> _Compact:
    kept = [(small, at) for at, c in enumerate(text) if c.isalnum() for small in (c.lower() if len(c.lower()) == 1 else c)]
    return _Compact("".join(small for small, _ in kept), [at for _, at in kept])


def _elsewhere(text: str, found: list[Span], beginnings: Mapping[str, list[_Value]]) -> list[Span]:
    """What was found in the text and where else in it the values stand; a longer value takes what was found in it."""
    compact, found = _compact(text), sorted(found)
    kept: list[Span] = []
    at = place = 0
    while at < len(compact.letters):
        start = compact.places[at]
        while place < len(found) and start >= found[place].end:
            kept.append(found[place])
            place += 1
        inside = place < len(found) and start >= found[place].start
        begins = inside and start == found[place].start and found[place].type == "PERSON"
        stretch = None
        if begins or not inside:
            following = place + begins
            limit = found[following].start if following < len(found) else len(text)
            candidates = beginnings.get(compact.letters[at : at + SHORTEST], ())
            stretch = _stretch(text, compact, at, candidates, kept[-1].end if kept else 0, limit)
            if stretch and begins and stretch.end <= found[place].end:
                stretch = None
        if stretch:
            kept.append(stretch)
            place += begins
        at += 1
        while stretch and at < len(compact.letters) and compact.places[at] < stretch.end:
            at += 1
    return [*kept, *found[place:]]


def _stretch(
    text: str, compact: _Compact, at: int, candidates: Iterable[_Value], floor: int, limit: int
) -> Span | None:
    """The longest candidate that stands at this place, with the signs that belong to it, and nothing before or behind."""
    start = compact.places[at]
    while start > floor and text[start - 1] == FILLING:
        start -= 1
    if start and text[start - 1].isalnum():
        return None
    for value in candidates:
        if not compact.letters.startswith(value.letters, at):
            continue
        end = compact.places[at + len(value.letters) - 1] + 1
        whole = end >= len(text) or not text[end].isalnum()
        if end <= limit and whole and _alike(text, start, end, value):
            start, end = _with_signs(text, start, end, value.written, floor, limit)
            return Span(start, end, value.type, MASK, "found elsewhere in the row")
    return None


def _alike(text: str, start: int, end: int, value: _Value) -> bool:
    """Whether the stretch is the value for a reader too: grouped otherwise if a long number, else word for word."""
    stretch = text[start:end]
    if value.type in NUMBERS and len(value.letters) >= LONG_NUMBER:
        return all(GROUPED.fullmatch(gap) for gap in re.split(r"[^\W_]+", stretch))
    if _words(stretch) != _words(value.written):
        return False
    if value.whole:
        return True
    # A first or last name alone is one where it is capitalised, and a word such as "Will" only inside a sentence.
    last = stretch.split()[-1]
    return last[0].isupper() and not (is_common_word(last) and begins_sentence(text, start))


def _words(text: str) -> list[str]:
    return WORD.findall(UNSEEN.sub("", text).lower())


def _with_signs(text: str, start: int, end: int, written: str, floor: int, limit: int) -> tuple[int, int]:
    """The stretch with the signs around it that are a part of the value: the + of a number, the ! of a password."""
    places = [at for at, c in enumerate(written) if c.isalnum()]
    before, behind = written[: places[0]], written[places[-1] + 1 :]
    if before and start - len(before) >= floor and text.endswith(before, 0, start):
        start -= len(before)
    if behind and end + len(behind) <= limit and text.startswith(behind, end):
        end += len(behind)
    return start, end
