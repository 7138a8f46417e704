"""E-mail addresses and phone numbers in text: found, counted and masked, never shown."""

from __future__ import annotations

import re

# Deliberately broad: an address is masked even where its domain could not exist.
# The look behind keeps the time from growing with the square of a long word's length.
EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
ESCAPED = re.compile(r"[bfnrt]|u[0-9a-fA-F]{4}")
MINIMUM_DIGITS = 7


def find_personal(text: str, region: str | None = None) -> list[tuple[int, int, str]]:
    """Where e-mail addresses and phone numbers stand.

    Args:
        text: any text.
        region: a country code such as "DE", for phone numbers without a leading +.

    Returns:
        (start, end, "EMAIL" or "PHONE") spans in order, none overlapping.
    """
    spans = [(_behind_escape(text, found.start()), found.end(), "EMAIL") for found in EMAIL.finditer(text)]
    if sum(character.isdigit() for character in text) >= MINIMUM_DIGITS:
        spans += _phones(text, region)
    spans.sort(key=lambda span: (span[0], -span[1]))
    kept: list[tuple[int, int, str]] = []
    for span in spans:
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept


def _behind_escape(text: str, start: int) -> int:
    # In JSON a line break is written as a backslash and an n, and the n is no part of the address behind it.
    slashes = start - len(text[:start].rstrip("\\"))
    escaped = ESCAPED.match(text, start) if slashes % 2 else None
    return escaped.end() if escaped else start


def _phones(text: str, region: str | None) -> list[tuple[int, int, str]]:
    import phonenumbers

    # POSSIBLE, not VALID: numbers reserved for fiction and new ranges are not "valid", and a number that
    # somebody typed with a + is meant as one.
    found = phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.POSSIBLE)
    return [(match.start, match.end, "PHONE") for match in found]


def mask(text: str) -> str:
    """The text with each address and number replaced by [EMAIL] or [PHONE]."""
    for start, end, kind in reversed(find_personal(text)):
        text = f"{text[:start]}[{kind}]{text[end:]}"
    return text
