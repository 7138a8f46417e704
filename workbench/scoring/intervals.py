"""Intervals on means, rates and paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy

DRAWS = 10_000
SEED = 20_261_124
FEWEST_DIFFERING = 5


class Interval(NamedTuple):
    """An estimate with the bounds of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(successes: float, n: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a rate (Wilson 1927), for `successes` of `n`.

    It keeps a width at 0 and n of n, where a bootstrap's interval shrinks to a point.
    """
    if n == 0:
        return Interval(float("nan"), 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + level / 2)
    rate = successes / n
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    # At 0 and n of n the bound is the rate itself; rounding would put it a hair inside.
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return Interval(rate, low, high)


def mean_interval(scores: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of scores between 0 and 1, with its interval.

    Rates (all scores 0 or 1) get Wilson's interval. Other scores get a percentile bootstrap over rows, or
    Wilson's where nearly all scores are equal: a bootstrap then has hardly any width, and Wilson's is
    never too narrow, since no score between 0 and 1 varies more than a rate of the same mean.
    """
    values = numpy.asarray(scores, dtype=float)
    if len(values) == 0:
        return Interval(float("nan"), 0.0, 1.0)
    differing = len(values) - numpy.unique(values, return_counts=True)[1].max()
    if numpy.isin(values, (0.0, 1.0)).all() or differing < FEWEST_DIFFERING:
        return wilson(float(values.sum()), len(values), level)
    low, high = _bootstrap(values, level)
    return Interval(float(values.mean()), low, high)


def paired_interval(after: Sequence[float], before: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of `after - before` over the same rows, with its percentile bootstrap interval.

    Raises:
        ValueError: the two don't have the same rows.
    """
    if len(after) != len(before):
        raise ValueError(f"A paired difference needs the same rows on both sides; got {len(after)} and {len(before)}.")
    differences = numpy.asarray(after, dtype=float) - numpy.asarray(before, dtype=float)
    if len(differences) == 0:
        return Interval(float("nan"), -1.0, 1.0)
    if numpy.ptp(differences) == 0:
        # All rows agree, and a bootstrap has no width. Up to `other` of all rows could still differ from them.
        value, other = float(differences[0]), wilson(0, len(differences), level).high
        return Interval(value, max(-1.0, value - other * (1 + value)), min(1.0, value + other * (1 - value)))
    low, high = _bootstrap(differences, level)
    return Interval(float(differences.mean()), low, high)


def clustered_interval(differences: Sequence[float], clusters: Sequence[str], level: float = 0.95) -> Interval:
    """The mean of paired differences, bootstrapped over clusters of items that share a source.

    Items made alike move together; drawing whole clusters keeps the interval from being too narrow.
    """
    values = numpy.asarray(differences, dtype=float)
    names = sorted(set(clusters))
    sums = numpy.array([values[[c == name for c in clusters]].sum() for name in names])
    sizes = numpy.array([sum(c == name for c in clusters) for name in names])
    drawn = numpy.random.default_rng(SEED).integers(len(names), size=(DRAWS, len(names)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = numpy.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _bootstrap(values: numpy.ndarray, level: float) -> tuple[float, float]:
    drawn = numpy.random.default_rng(SEED).integers(len(values), size=(DRAWS, len(values)))
    low, high = numpy.quantile(values[drawn].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test on the rows that changed (binomial with rate 1/2)."""
    n = gained + lost
    tail = sum(comb(n, k) for k in range(min(gained, lost) + 1)) / 2**n
    return min(1.0, 2 * tail)
