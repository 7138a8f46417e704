"""Macro-F1 over the classes of a labelled task, from a Scorecard's rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy

from workbench.dataset import Example, normalise
from workbench.errors import Mismatch
from workbench.scoring.intervals import DRAWS, FEWEST_DIFFERING, SEED, Interval, wilson
from workbench.scoring.scorers import read_label

if TYPE_CHECKING:
    from workbench.scoring.scorecard import ScoredRow

DRAWS_AT_ONCE = 500


def macro_f1(card_rows: Iterable[ScoredRow], examples: Iterable[Example], level: float = 0.95) -> Interval:
    """The unweighted mean of the classes' F1, with its percentile bootstrap interval over rows.

    F1 of a class is 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979, there as 1 - E). Classes are the labels that are
    expected in the scored rows; an answer that is none of them counts against the expected class only. In a draw, a
    class that is neither expected nor answered is left out of the mean. Where fewer than five rows are wrong, or fewer
    than five right, a bootstrap has hardly any width, and the interval reaches at least as far as Wilson's of the share
    of right rows. Rows that could not be scored are left out.

    Args:
        card_rows: the rows of a Scorecard.
        examples: the rows that were asked, in any order.
        level: of the interval.

    Raises:
        Mismatch: a scored row is not among the examples.
    """
    expected = {e.row_id: normalise(e.answer) for e in examples}
    scored = [row for row in card_rows if row.score is not None]
    if missing := next((row.row_id for row in scored if row.row_id not in expected), ""):
        raise Mismatch(
            f"Row {missing!r} of the Scorecard is none of the rows given, so its class is not known. "
            "Give the rows that it was scored on."
        )
    if not scored:
        return Interval(float("nan"), 0.0, 1.0)
    wanted = numpy.array([expected[row.row_id] for row in scored])
    given = numpy.array([read_label(row.answer) for row in scored])
    classes = numpy.unique(wanted)
    due, said = (side[:, None] == classes for side in (wanted, given))
    parts = numpy.stack([due & said, due, said]).astype(float)
    value = float(_mean_f1(numpy.ones((1, len(scored))), parts)[0])
    draw, n = numpy.random.default_rng(SEED), len(scored)
    counts = (draw.multinomial(n, numpy.full(n, 1 / n), size=DRAWS_AT_ONCE) for _ in range(DRAWS // DRAWS_AT_ONCE))
    low, high = numpy.quantile(numpy.concatenate([_mean_f1(c, parts) for c in counts]), [(1 - level) / 2, (1 + level) / 2])
    right = int((wanted == given).sum())
    if min(right, n - right) < FEWEST_DIFFERING:
        _, least, most = wilson(right, n, level)
        low, high = min(low, least), max(high, most)
    return Interval(value, float(low), float(high))


def _mean_f1(counts: numpy.ndarray, parts: numpy.ndarray) -> numpy.ndarray:
    # 2 TP + FP + FN is what was expected of a class and what was answered, together.
    both, due, said = (counts @ part for part in parts)
    size = due + said
    f1 = numpy.divide(2 * both, size, out=numpy.zeros_like(both), where=size > 0)
    return f1.sum(axis=1) / (size > 0).sum(axis=1)
