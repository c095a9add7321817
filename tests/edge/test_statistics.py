import math

import numpy as np
import pytest

from edge.statistics import (
    gamma_quantile,
    li_ma_sigma,
    log_odds,
    poisson_interval,
    row_medians,
    row_quantiles,
    sigmoid,
    threshold_at_fpr,
    wilson_interval,
)

NEGATIVES = np.array([0.1, 0.2, 0.3, 0.9])


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0)],
)
def test_wilson_interval_is_that_of_the_tables(part, whole, low, high):
    assert wilson_interval(part, whole) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_ends_exactly_at_0_and_1():
    assert (wilson_interval(0, 7)[0], wilson_interval(7, 7)[1]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(0, 0.0, 3.689), (1, 0.02532, 5.572), (4, 1.0899, 10.242), (20, 12.217, 30.888), (1000, 938.97, 1063.95)],
)
def test_poisson_interval_is_the_exact_one(count, low, high):
    assert poisson_interval(count) == pytest.approx((low, high), rel=1e-3)


@pytest.mark.parametrize("count", [0, 1, 2, 17, 90, 200])
def test_poisson_interval_leaves_the_same_chance_at_both_ends(count):
    def chance_of_at_most(number, mean):
        return math.fsum(math.exp(-mean + k * math.log(mean) - math.lgamma(k + 1)) for k in range(number + 1))

    low, high = poisson_interval(count)
    assert chance_of_at_most(count, high) == pytest.approx(0.025, rel=1e-9)
    assert (chance_of_at_most(count - 1, low) if count else 0.975) == pytest.approx(0.975, rel=1e-9)


@pytest.mark.parametrize("shape", [(4, 7), (4, 8), (1, 1), (3, 6, 2)], ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_row_medians_are_those_of_numpy(shape, dtype):
    values = np.random.default_rng(1).normal(size=shape).astype(dtype)
    medians = row_medians(values)
    np.testing.assert_array_equal(medians, np.median(values, axis=1))
    assert medians.dtype == dtype


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_row_quantiles_are_those_of_numpy(share):
    values = np.random.default_rng(2).normal(size=(5, 176))
    np.testing.assert_allclose(row_quantiles(values, share), np.quantile(values, share, axis=1), rtol=1e-12)


def test_gamma_quantile_never_falls_below_0():
    assert gamma_quantile(0.1, -3.0) == 0


@pytest.mark.parametrize(
    ("on", "off", "alpha", "sigma"),
    [(0, 10.0, 0.1, 0.0), (1, 10.0, 0.1, 0.0), (5, 10.0, 0.0, 0.0), (11, 5e6, 1e-6, 2.312)],
)
def test_li_ma_sigma_counts_excess_only(on, off, alpha, sigma):
    assert li_ma_sigma(on, off, alpha) == pytest.approx(sigma, abs=1e-3)


@pytest.mark.parametrize(
    ("fpr", "threshold"),
    [(0.0, np.nextafter(0.9, 1)), (0.25, np.nextafter(0.3, 1)), (0.5, np.nextafter(0.2, 1)), (1.0, -math.inf)],
)
def test_threshold_at_fpr_keeps_to_the_rate(fpr, threshold):
    assert threshold_at_fpr(NEGATIVES, fpr) == threshold
    assert np.mean(threshold <= NEGATIVES) <= fpr


@pytest.mark.parametrize(
    ("fpr", "levels", "threshold"),
    [
        (0.25, [0.1, 0.3, 0.5, 0.9], 0.5),
        (0.0, [0.5, 0.9], math.inf),
        (1.0, [0.5, 0.9], 0.5),
        (1.0, [], math.inf),
    ],
)
def test_threshold_at_fpr_chooses_among_levels(fpr, levels, threshold):
    assert threshold_at_fpr(NEGATIVES, fpr, np.array(levels)) == threshold


def test_threshold_at_fpr_without_negatives_excludes_nothing():
    assert threshold_at_fpr(np.array([]), 0.01) == -math.inf
    assert threshold_at_fpr(np.array([]), 0.01, np.array([0.4, 0.6])) == 0.4


@pytest.mark.parametrize("probability", [0.0, 1e-6, 0.5, 0.99, 1.0])
def test_log_odds_inverts_sigmoid(probability):
    assert float(sigmoid(np.array(log_odds(probability)))) == pytest.approx(probability, abs=1e-11)


def test_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        assert sigmoid(np.array([-1e4, 0.0, 1e4])).tolist() == [0.0, 0.5, 1.0]
