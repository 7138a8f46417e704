"""Closed lists: the few values that nearly all rows use."""

from __future__ import annotations

from collections import Counter


def closed_list(counts: Counter) -> set[str]:
    """The values that nearly all rows use, where there are few of them; else nothing.

    A list counts as closed when at most 12 values, each in 1 % of the rows or more (and in 3 rows at
    least), cover 95 % of them.
    """
    total = counts.total()
    usual = {v for v, count in counts.items() if count >= max(3, 0.01 * total)}
    return usual if len(usual) <= 12 and sum(counts[v] for v in usual) >= 0.95 * total else set()
