"""Intervals on means, rates and paired differences, and what the choice of training seeds adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb, isnan, nan, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy

DRAWS = 10_000
SEED = 20_261_124
FEWEST_DIFFERING = 5
HALVINGS = 50
ROUNDING = 1e-9


class Interval(NamedTuple):
    """An estimate with the bounds of its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return "not measured" if isnan(self.value) else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    def signed(self, digits: int = 3) -> str:
        """A difference, with its sign."""
        if isnan(self.value):
            return "not measured"
        return f"{self.value:+.{digits}f} [{self.low:+.{digits}f}, {self.high:+.{digits}f}]"


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
    """The mean of `after - before` over the same rows, with the interval of `paired_bounds`.

    Raises:
        ValueError: the two don't have the same rows.
    """
    if len(after) != len(before):
        raise ValueError(f"A paired difference needs the same rows on both sides; got {len(after)} and {len(before)}.")
    return seeded_difference(numpy.asarray([after], dtype=float), numpy.asarray([before], dtype=float), level)


def seeded_difference(after: numpy.ndarray, before: numpy.ndarray, level: float = 0.95) -> Interval:
    """The mean difference of two arms on the same rows; the seeds of both count as a source of variance.

    Args:
        after, before: shape (seeds, rows) each; an arm without seeds has one.
    """
    if after.shape[1] == 0:
        return Interval(nan, -1.0, 1.0)
    differences = after.mean(axis=0) - before.mean(axis=0)
    spread = [seed_variance(side.mean(axis=1)) for side in (after, before) if len(side) > 1]
    low, high = paired_bounds(differences, level, spread)
    return Interval(float(differences.mean()), float(low), float(high))


def seeded_mean(scores: numpy.ndarray, level: float = 0.95) -> Interval:
    """The mean of scores between 0 and 1, of shape (seeds, rows), over the rows and the seeds."""
    rows = mean_interval(scores.mean(axis=0), level)
    if len(scores) == 1 or scores.shape[1] == 0:
        return rows
    low, high = widen(*(numpy.asarray(part) for part in rows), scores.shape[1], level, [seed_variance(scores.mean(axis=1))])
    return Interval(rows.value, max(0.0, float(low)), min(1.0, float(high)))


def seed_variance(means: numpy.ndarray) -> tuple[numpy.ndarray, int]:
    """What the choice of seeds adds to the variance of the mean over them, with its degrees of freedom.

    Args:
        means: shape (..., seeds), the mean score of each of two or more seeds.
    """
    seeds = means.shape[-1]
    return means.var(axis=-1, ddof=1) / seeds, seeds - 1


def paired_bounds(
    differences: numpy.ndarray, level: float, spread: Sequence[tuple[numpy.ndarray, int]] = ()
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Lower and upper bound of the mean of paired differences.

    Scores of 0 and 1 get Tango's interval, others Student's t. Where fewer than FEWEST_DIFFERING rows differ
    from the most common difference, t has hardly any width; Tango's interval of the summed gains and losses is
    taken instead. It is not too narrow, since no differences between -1 and 1 vary more than whole ones of the
    same sums. `benchmarks/verdict.py` measures how well all of this holds its level.

    Args:
        differences: shape (..., rows), each between -1 and 1; at least one row.
        spread: what seeds add, as `seed_variance` gives it; see `widen`.
    """
    n = differences.shape[-1]
    centre = differences.mean(axis=-1)
    half = student(level, max(1, n - 1)) * differences.std(axis=-1, ddof=min(1, n - 1)) / sqrt(n)
    low, high = centre - half, centre + half
    counted = _whole(differences) | _nearly_all_equal(differences)
    if counted.any():
        gained, lost = (numpy.maximum(side, 0.0).sum(axis=-1) for side in (differences, -differences))
        lower, upper = tango_bounds(gained, lost, n, level)
        low, high = numpy.where(counted, lower, low), numpy.where(counted, upper, high)
    return widen(centre, low, high, n, level, spread) if spread else (low, high)


def _whole(differences: numpy.ndarray) -> numpy.ndarray:
    size = numpy.abs(differences)
    return (size * numpy.abs(1 - size) < ROUNDING).all(axis=-1)


def _nearly_all_equal(values: numpy.ndarray) -> numpy.ndarray:
    n = values.shape[-1]
    if n < FEWEST_DIFFERING:
        return numpy.ones(values.shape[:-1], dtype=bool)
    # Once sorted, equal values stand side by side: a run that leaves out fewer than FEWEST_DIFFERING rows.
    ordered = numpy.sort(values, axis=-1)
    run = ordered[..., n - FEWEST_DIFFERING :] - ordered[..., :FEWEST_DIFFERING]
    return (run < ROUNDING).any(axis=-1)


def widen(
    centre: numpy.ndarray, low: numpy.ndarray, high: numpy.ndarray, n: int, level: float,
    spread: Sequence[tuple[numpy.ndarray, int]],
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Bounds from `n` rows, widened by the variance that seeds add.

    Each side's distance is read as a standard error; the variances are added, and the sum has the degrees of
    freedom of Satterthwaite (1946, "An approximate distribution of estimates of variance components").
    """
    rows, bounds = max(1, n - 1), []
    for distance in (low - centre, high - centre):
        parts = [((distance / student(level, rows)) ** 2, rows), *spread]
        total = sum(variance for variance, _ in parts)
        shares = sum(variance**2 / freedom for variance, freedom in parts)
        freedom = numpy.where(shares > 0, total**2 / numpy.where(shares > 0, shares, 1.0), rows)
        bounds.append(centre + numpy.sign(distance) * student(level, freedom) * numpy.sqrt(total))
    return bounds[0], bounds[1]


def student(level: float, freedom: numpy.ndarray | float) -> numpy.ndarray:
    """How many standard errors a two-sided interval of Student's t reaches to each side."""
    from scipy.special import stdtrit

    return stdtrit(freedom, 0.5 + level / 2)


def tango_bounds(
    gained: numpy.ndarray, lost: numpy.ndarray, n: int, level: float
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The score interval of a difference of two paired rates (Tango 1998, Statistics in Medicine 17:891-908).

    Args:
        gained, lost: how many of the `n` rows only the one, and only the other, got right; any one shape.
    """
    z = NormalDist().inv_cdf(0.5 + level / 2)
    gained, lost = numpy.asarray(gained, dtype=float), numpy.asarray(lost, dtype=float)
    return _tango_low(gained, lost, n, z), -_tango_low(lost, gained, n, z)


def _tango_low(gained: numpy.ndarray, lost: numpy.ndarray, n: int, z: float) -> numpy.ndarray:
    # The bound is the difference from which the one found lies z standard errors away. The standard error is
    # that of the likeliest rates with this difference, and the distance falls as the difference grows, so
    # halving finds it.
    low, high = numpy.full(gained.shape, -1.0), (gained - lost) / n
    for _ in range(HALVINGS):
        d = (low + high) / 2
        b = gained + lost - (2 * n - gained + lost) * d
        loses = (b + numpy.sqrt(numpy.maximum(0.0, b * b + 8 * n * lost * d * (1 - d)))) / (4 * n)
        variance = numpy.maximum(0.0, 2 * loses + d * (1 - d))
        far = gained - lost - n * d > z * numpy.sqrt(n * variance)
        low, high = numpy.where(far, d, low), numpy.where(far, high, d)
    return low


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
