"""Closed lists: the few values that nearly all rows use; slips of the pen; and values as evidence may show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from os.path import commonprefix

from workbench.curate.personal import MASK, REVIEW, Masking

LEAST_SPELT = 3


def closed_list(counts: Counter) -> set[str]:
    """The values that nearly all rows use, where there are few of them; else nothing.

    A list counts as closed when at most 12 values, each in 1 % of the rows or more (and in 3 rows at
    least), cover 95 % of them. A value outside the list need not be wrong: a rare class is a class.
    """
    total = counts.total()
    usual = {v for v, count in counts.items() if count >= max(3, 0.01 * total)}
    return usual if len(usual) <= 12 and sum(counts[v] for v in usual) >= 0.95 * total else set()


def misspelt(value: str, usual: Iterable[str]) -> bool:
    """Whether a value is a usual one but for case and white space, or but for one slip within it.

    A slip is a letter too many, too few or wrong, or two swapped. The first and the last letter must be right and
    figures the same: valid and invalid, employer and employee, A-1 and A-2 are two things.
    """
    given = _folded(value)
    return any(given == (meant := _folded(u)) or _one_slip(given, meant) for u in usual if u != value)


def _folded(value: str) -> str:
    return "".join(value.casefold().split())


def _one_slip(given: str, meant: str) -> bool:
    if abs(len(given) - len(meant)) > 1 or min(len(given), len(meant)) < LEAST_SPELT:
        return False
    if given[0] != meant[0] or given[-1] != meant[-1]:
        return False
    start = len(commonprefix((given, meant)))
    given, meant = given[start:], meant[start:]
    end = len(commonprefix((given[::-1], meant[::-1])))
    given, meant = given[: len(given) - end], meant[: len(meant) - end]
    # In scripts without upper and lower case one sign may be a word.
    letters = all(sign.upper() != sign.lower() for sign in given + meant)
    return letters and (max(len(given), len(meant)) <= 1 or len(given) == 2 and given == meant[::-1])


@lru_cache(4096)
def shown(value: str) -> str:
    """A value as evidence may show it: what is personal data, or only may be, is masked."""
    return Masking().text(value, (MASK, REVIEW))
