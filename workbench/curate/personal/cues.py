"""Words that say what stands next to them."""

from __future__ import annotations

import re
from functools import cache

# How far before a number the word that explains it may stand.
REACH = 40


def cue(words: str) -> re.Pattern:
    """A pattern for any of the words, given as alternatives, standing free."""
    return re.compile(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])", re.IGNORECASE)


def anywhere(pattern: re.Pattern, lowered: str) -> bool:
    """Whether a cue stands in a text in lower case: a search that respects case is several times as quick."""
    return _exact(pattern).search(lowered) is not None


@cache
def _exact(pattern: re.Pattern) -> re.Pattern:
    return re.compile(pattern.pattern.replace("(?-i:SIN|NAS)", "sin|nas"))


def before(pattern: re.Pattern, text: str, start: int, reach: int = REACH) -> bool:
    """Whether a cue stands close before `start`, in the same line or the one above."""
    return pattern.search(text, max(0, start - reach), start) is not None
