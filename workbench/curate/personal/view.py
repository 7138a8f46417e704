"""A text as the rules read it: full-width, zero-width and escaped characters undone, with a way back."""

from __future__ import annotations

import re
import unicodedata
from array import array
from functools import cache
from typing import NamedTuple

from workbench.curate.personal.spans import Span

ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
# What is left out, and what stands for another character: JSON escapes and the at sign in HTML and in URLs.
LONGER = re.compile(
    "[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+"
    r"|\\u[0-9a-fA-F]{4}|\\[bfnrt\"\\/]|&#(?:64|x40);|&commat;|%40"
)


class View(NamedTuple):
    """A text as the rules read it.

    Attributes:
        text: the text to search.
        starts: for each character of `text`, where it begins in the original; None where both are alike.
        ends: for each character of `text`, where it ends in the original; None where both are alike.
    """

    text: str
    starts: array | None = None
    ends: array | None = None

    def back(self, span: Span) -> Span:
        """The span in the original text."""
        if self.starts is None or self.ends is None:
            return span
        return span._replace(start=self.starts[span.start], end=self.ends[span.end - 1])


def view(text: str) -> View:
    """The text as the rules read it."""
    plain = text if text.isascii() else text.translate(_alike())
    if not LONGER.search(plain):
        return View(plain)
    pieces: list[str] = []
    starts, ends = array("q"), array("q")
    at = 0
    for found in LONGER.finditer(plain):
        pieces.append(plain[at : found.start()])
        starts.extend(range(at, found.start()))
        ends.extend(range(at + 1, found.start() + 1))
        if character := _meant(found.group()):
            pieces.append(character)
            starts.append(found.start())
            ends.append(found.end())
        at = found.end()
    pieces.append(plain[at:])
    starts.extend(range(at, len(plain)))
    ends.extend(range(at + 1, len(plain) + 1))
    return View("".join(pieces), starts, ends)


def _meant(written: str) -> str:
    if written[0] in "&%":
        return "@"
    if written.startswith("\\u"):
        character = chr(int(written[2:], 16))
        # Escaped text is looked at a second time for what a character may stand for, but never unescaped twice.
        return "" if LONGER.fullmatch(character) else character.translate(_alike())
    if written.startswith("\\"):
        return ESCAPES.get(written[1], written[1])
    return ""


@cache
def _alike() -> dict[int, str]:
    # One character for one character, so that no offset moves.
    table = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    table |= {code: "-" for code in (*range(0x2010, 0x2016), 0x2212, 0xFE63)}
    table |= {code: " " for code in (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)}
    table |= {0x2019: "'", 0x2018: "'", 0xFE6B: "@", 0x2024: "."}
    for code in range(0x660, 0x20000):
        if unicodedata.category(chr(code)) == "Nd":
            table[code] = str(unicodedata.digit(chr(code)))
    return table
