"""Intervals agree with independent sources and hold what they promise on simulated data."""

from math import isnan

import numpy
import pytest
from scipy.stats import binomtest

from workbench.scoring import intervals
from workbench.scoring.intervals import Interval, clustered_interval, mcnemar, mean_interval, paired_interval, wilson


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize("successes, n", [(0, 1), (1, 1), (0, 20), (20, 20), (7, 20), (40, 80), (79, 80), (3, 1000)])
def test_wilson_agrees_with_scipy(successes, n, level):
    theirs = binomtest(successes, n).proportion_ci(level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((successes / n, theirs.low, theirs.high), abs=1e-12)


def test_wilson_has_a_width_at_none_and_at_all():
    none, everything = wilson(0, 10), wilson(10, 10)
    # By hand: the upper bound at 0 of n is z2 / (n + z2), with z2 = 1.959964 squared = 3.841459.
    assert none[:2] == (0.0, 0.0) and none.high == pytest.approx(3.841459 / 13.841459, abs=1e-6)
    assert everything == pytest.approx((1.0, 1 - none.high, 1.0))


@pytest.mark.parametrize("interval", [wilson(0, 0), mean_interval([])])
def test_nothing_measured_means_anything_is_possible(interval):
    assert isnan(interval.value) and interval[1:] == (0.0, 1.0)


def test_a_rate_gets_wilsons_interval():
    assert mean_interval([1.0, 0.0, 1.0, 1.0]) == wilson(3, 4)


def test_scores_that_are_all_equal_still_get_a_width():
    interval = mean_interval([0.5] * 20)
    assert interval.value == 0.5 and interval.low < 0.4 and interval.high > 0.6


def test_an_interval_is_the_same_each_time():
    scores = [0.1, 0.4, 0.9, 0.35]
    assert mean_interval(scores) == mean_interval(scores)


def test_a_bootstrap_holds_the_true_mean_about_as_often_as_it_says(monkeypatch):
    """300 samples of 50 scores with a known mean: a 95 % interval should miss about 15 of them."""
    monkeypatch.setattr(intervals, "DRAWS", 1000)
    samples = numpy.random.default_rng(7).beta(2, 3, size=(300, 50))
    inside = [low <= 0.4 <= high for _, low, high in map(mean_interval, samples)]
    assert 0.90 <= numpy.mean(inside) <= 0.98


def test_a_paired_bootstrap_holds_the_true_difference_about_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(intervals, "DRAWS", 1000)
    draw = numpy.random.default_rng(8)
    hard = draw.normal(0, 1, size=(300, 50))  # what a row costs both sides, which pairing takes out
    after, before = (hard + shift + draw.normal(0, 0.3, size=hard.shape) for shift in (0.2, 0.0))
    found = [paired_interval(a, b) for a, b in zip(after, before, strict=True)]
    assert 0.90 <= numpy.mean([low <= 0.2 <= high for _, low, high in found]) <= 0.98
    # The pairing takes out the rows' own spread: half a width is near 1.96 * 0.3 * sqrt(2 / 50) = 0.118.
    assert numpy.mean([(high - low) / 2 for _, low, high in found]) == pytest.approx(0.118, rel=0.1)


def test_a_higher_level_gives_a_wider_interval():
    scores = numpy.random.default_rng(1).random(40)
    usual, wide = mean_interval(scores, 0.95), mean_interval(scores, 0.99)
    assert wide.low < usual.low < usual.value < usual.high < wide.high


def test_a_paired_difference_is_after_less_before():
    assert paired_interval([1, 1, 0, 1], [0, 1, 0, 0]).value == 0.5
    assert paired_interval([0, 0, 1], [1, 0, 1]).value == pytest.approx(-1 / 3)


def test_a_paired_difference_refuses_unequal_rows():
    with pytest.raises(ValueError, match="3 and 2"):
        paired_interval([1, 0, 1], [1, 0])


def test_a_paired_difference_of_no_rows_is_unknown():
    interval = paired_interval([], [])
    assert isnan(interval.value) and interval[1:] == (-1.0, 1.0)


@pytest.mark.parametrize("after, before", [([1.0] * 5, [0.0] * 5), ([1.0], [0.0]), ([0.5] * 8, [0.5] * 8)])
def test_a_few_rows_that_all_agree_are_no_certainty(after, before):
    """Five rows gained of five have an exact p-value of 0.06: an interval without a width would be sure."""
    interval = paired_interval(after, before)
    assert interval.high - interval.low > 0.05
    assert -1 <= interval.low <= interval.value <= interval.high <= 1


def test_drawing_whole_clusters_widens_the_interval_of_items_made_alike():
    rows = numpy.repeat(numpy.random.default_rng(3).normal(0, 1, 12), 10)
    names = [str(i // 10) for i in range(120)]
    alone, together = paired_interval(rows, numpy.zeros(120)), clustered_interval(rows, names)
    assert together.value == pytest.approx(alone.value)
    # Ten copies of each value: the honest width is that of 12 values, about sqrt(10) times the naive one.
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(10**0.5, rel=0.1)


def test_items_that_stand_alone_get_the_usual_interval():
    rows = numpy.random.default_rng(4).normal(0, 1, 60)
    alone = paired_interval(rows, numpy.zeros(60))
    clustered = clustered_interval(rows, [f"{i:02d}" for i in range(60)])
    assert clustered == pytest.approx(alone, abs=1e-9)


@pytest.mark.parametrize("gained, lost", [(0, 0), (1, 0), (5, 0), (0, 5), (8, 2), (2, 8), (10, 10), (31, 12)])
def test_mcnemar_agrees_with_the_exact_binomial_test(gained, lost):
    expected = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, abs=1e-12)


def test_an_interval_is_printed_with_its_bounds():
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"
