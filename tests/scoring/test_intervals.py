"""Intervals agree with independent sources and hold what they promise on simulated data."""

from math import isnan, log, sqrt
from statistics import NormalDist

import numpy
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binomtest, ttest_1samp

from workbench.scoring import intervals
from workbench.scoring.intervals import (
    Interval, clustered_interval, mcnemar, mean_interval, paired_bounds, paired_interval, seed_variance,
    seeded_difference, seeded_mean, tango_bounds, wilson,
)


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


def test_a_paired_interval_holds_the_true_difference_about_as_often_as_it_says():
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


def by_likelihood(gained, lost, n, level):
    """Tango's bounds found another way: the likeliest rates for each difference by numerical search."""
    z = NormalDist().inv_cdf(0.5 + level / 2)

    def distance(d):
        def unlikely(loses):
            counts = ((gained, loses + d), (lost, loses), (n - gained - lost, 1 - 2 * loses - d))
            return -sum(k * log(max(p, 1e-300)) for k, p in counts if k)

        loses = minimize_scalar(unlikely, bounds=(max(0.0, -d), (1 - d) / 2), method="bounded", options={"xatol": 1e-12}).x
        return (gained - lost - n * d) / sqrt(n * (2 * loses + d * (1 - d)))

    found = (gained - lost) / n
    return (
        brentq(lambda d: distance(d) - z, -1 + 1e-7, found - 1e-9),
        brentq(lambda d: distance(d) + z, found + 1e-9, 1 - 1e-7),
    )


@pytest.mark.parametrize("level", [0.9, 0.95, 0.995])
@pytest.mark.parametrize("gained, lost, n", [(5, 2, 44), (12, 9, 50), (0, 0, 10), (0, 5, 20), (1, 7, 21), (30, 20, 200)])
def test_whole_scores_get_tangos_interval(gained, lost, n, level):
    after = [1.0] * gained + [0.0] * (n - gained)
    before = [0.0] * gained + [1.0] * lost + [0.0] * (n - gained - lost)
    interval = paired_interval(after, before, level)
    assert interval.value == pytest.approx((gained - lost) / n)
    assert interval[1:] == pytest.approx(by_likelihood(gained, lost, n, level), abs=1e-6)


def test_tangos_interval_agrees_with_a_published_one():
    # Fagerland, Lydersen and Laake (2014), airway reactivity: 1 and 7 of 21 pairs differ; asymptotic score interval.
    low, high = tango_bounds(numpy.array(1), numpy.array(7), 21, 0.95)
    assert (round(float(low), 3), round(float(high), 3)) == (-0.517, -0.026)


def test_many_intervals_at_once_are_those_found_one_by_one():
    draw = numpy.random.default_rng(5)
    whole = (draw.random((20, 40)) < 0.5).astype(float) - (draw.random((20, 40)) < 0.4)
    parts = numpy.round(draw.uniform(-1, 1, (20, 40)), 2)
    for rows in (whole, parts):
        at_once = numpy.stack(paired_bounds(rows, 0.95), axis=1)
        assert at_once == pytest.approx(numpy.array([paired_interval(row, [0.0] * 40)[1:] for row in rows]))


def test_scores_in_parts_get_students_interval():
    differences = numpy.random.default_rng(6).uniform(-0.5, 0.9, 40)
    theirs = ttest_1samp(differences, 0.0).confidence_interval(0.95)
    assert paired_interval(differences, numpy.zeros(40))[1:] == pytest.approx((theirs.low, theirs.high))


def test_a_few_differing_rows_are_not_taken_for_all_that_could_differ():
    few, more = ([0.5] * k + [0.0] * (60 - k) for k in (4, 5))
    t = ttest_1samp(few, 0.0).confidence_interval(0.95)
    found = paired_interval(few, [0.0] * 60)
    assert found.low < t.low and found.high > t.high
    assert found[1:] == pytest.approx(tuple(float(side) for side in tango_bounds(numpy.array(2.0), numpy.array(0.0), 60, 0.95)))
    theirs = ttest_1samp(more, 0.0).confidence_interval(0.95)
    assert paired_interval(more, [0.0] * 60)[1:] == pytest.approx((theirs.low, theirs.high))


def test_one_row_decides_nothing():
    for score in (1.0, 0.3):
        assert paired_interval([score], [0.0]).low < 0.1 and paired_interval([score], [0.0]).high > 0.6


def test_the_variance_of_seeds_is_added_to_that_of_rows():
    """By hand, for scores in parts: variances of row means / rows and of seed means / seeds, Satterthwaite's freedom."""
    draw = numpy.random.default_rng(9)
    after, before = draw.uniform(0, 1, (3, 50)) + numpy.array([[0.0], [0.1], [0.25]]), draw.uniform(0, 1, (1, 50))
    after = after / 1.3
    differences, means = after.mean(axis=0) - before[0], after.mean(axis=1)
    rows, seeds = differences.var(ddof=1) / 50, means.var(ddof=1) / 3
    freedom = (rows + seeds) ** 2 / (rows**2 / 49 + seeds**2 / 2)
    from scipy.stats import t

    half = t.ppf(0.975, freedom) * sqrt(rows + seeds)
    found = seeded_difference(after, before)
    assert found == pytest.approx((differences.mean(), differences.mean() - half, differences.mean() + half))
    assert found.high - found.low > 2 * (seeded_difference(after[:1], before).high - seeded_difference(after[:1], before).value)


def test_seeds_on_either_side_widen_the_interval():
    draw = numpy.random.default_rng(10)
    many = draw.uniform(0, 0.8, (1, 60)) + numpy.array([[0.0], [0.1], [0.2]])
    one = draw.uniform(0, 1, (1, 60))
    forth, back = seeded_difference(many, one), seeded_difference(one, many)
    assert back == pytest.approx((-forth.value, -forth.high, -forth.low))
    both = seeded_difference(many, draw.permutation(many))
    assert both.high - both.low > 2 * 2 * sqrt(2 * seed_variance(many.mean(axis=1))[0])


def test_seeds_that_agree_on_every_row_add_nothing():
    scores = numpy.tile([1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0], (3, 1))
    zeros = numpy.zeros((1, 10))
    assert seeded_difference(scores, zeros) == pytest.approx(seeded_difference(scores[:1], zeros), abs=0.01)


def test_a_mean_over_seeds_covers_what_another_seed_would_give():
    """400 arms of 3 seeds that differ by 0.05: the interval of one seed is too narrow, that of three is not."""
    draw = numpy.random.default_rng(11)
    inside = {1: 0, 3: 0}
    for _ in range(400):
        rates = 0.6 + draw.normal(0, 0.05, (3, 1))
        scores = (draw.random((3, 200)) < rates).astype(float)
        for seeds in inside:
            _, low, high = seeded_mean(scores[:seeds])
            inside[seeds] += low <= 0.6 <= high
    assert inside[1] / 400 < 0.90 < inside[3] / 400


def test_a_mean_over_seeds_stays_between_0_and_1():
    scores = numpy.array([[1.0] * 20, [1.0] * 20, [0.0] * 2 + [1.0] * 18])
    interval = seeded_mean(scores)
    assert 0 <= interval.low < interval.value < interval.high <= 1


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
    # The one is drawn, the other Student's t.
    assert clustered == pytest.approx(alone, abs=0.02)


@pytest.mark.parametrize("gained, lost", [(0, 0), (1, 0), (5, 0), (0, 5), (8, 2), (2, 8), (10, 10), (31, 12)])
def test_mcnemar_agrees_with_the_exact_binomial_test(gained, lost):
    expected = binomtest(gained, gained + lost, 0.5).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, abs=1e-12)


def test_an_interval_is_printed_with_its_bounds():
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


def test_what_was_not_measured_says_so_and_a_difference_has_its_sign():
    assert str(wilson(0, 0)) == wilson(0, 0).signed() == "not measured"
    assert Interval(0.1, -0.05, 0.25).signed(2) == "+0.10 [-0.05, +0.25]"
