"""What a detector of personal data says, and in which words it is told."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

# "mask": sure enough to be masked without asking. "review": a person should look.
MASK, REVIEW = "mask", "review"
SECRET = "SECRET"

REDUCED = (
    "Personal data is reduced, not removed: rules and word lists miss some names and addresses, so read a sample "
    "of the rows yourself before you share the data or train on it."
)

WORDS: Mapping[str, tuple[str, str]] = {
    "SECRET": ("secret", "secrets"),
    "EMAIL": ("e-mail address", "e-mail addresses"),
    "IBAN": ("IBAN", "IBANs"),
    "CARD": ("card number", "card numbers"),
    "NATIONAL_ID": ("national id", "national ids"),
    "PHONE": ("phone number", "phone numbers"),
    "IP": ("IP address", "IP addresses"),
    "MAC": ("MAC address", "MAC addresses"),
    "ADDRESS": ("postal address", "postal addresses"),
    "BIRTH_DATE": ("date of birth", "dates of birth"),
    "PLATE": ("vehicle plate", "vehicle plates"),
    "ACCOUNT": ("account number", "account numbers"),
    "PERSON": ("name of a person", "names of persons"),
    "HANDLE": ("user name", "user names"),
}
PRIORITY = {what: place for place, what in enumerate(WORDS)}


class Span(NamedTuple):
    """A stretch of text that is personal.

    Attributes:
        start: its first character, counted in the text as it was given.
        end: the character behind its last.
        type: what it is, a key of `WORDS`.
        tier: "mask" where it is sure enough to be masked without asking, else "review".
        rule: which rule found it.
    """

    start: int
    end: int
    type: str
    tier: str
    rule: str


class Detector(Protocol):
    """Anything that finds personal data in a text."""

    def find(self, text: str) -> list[Span]:
        """The spans in order, none overlapping."""
        ...


def resolve(spans: Iterable[Span]) -> list[Span]:
    """Spans in order with none overlapping: sure ones win, then the kind that stands first in `WORDS`, then length."""
    spans = list(spans)
    if len(spans) > 1:
        spans.sort(key=lambda s: (s.tier != MASK, PRIORITY.get(s.type, len(PRIORITY)), s.start - s.end, s.start))
    # The winners are disjoint, so a bisection tells whether the next one overlaps any of them.

    starts: list[int] = []
    kept: list[Span] = []
    for span in spans:
        place = bisect_left(starts, span.start)
        free = (place == 0 or kept[place - 1].end <= span.start) and (place == len(kept) or span.end <= starts[place])
        if free and span.start < span.end:
            starts.insert(place, span.start)
            kept.insert(place, span)
    return kept


def in_words(counts: Mapping[str, int]) -> str:
    """Counts by type as they are told to people: "2 e-mail addresses, 1 phone number"; never the text itself."""
    known = sorted(counts, key=lambda what: PRIORITY.get(what, len(PRIORITY)))
    named = {what: WORDS.get(what, (what.lower(), f"{what.lower()}s")) for what in known}
    return ", ".join(f"{counts[what]} {named[what][counts[what] != 1]}" for what in known)
