"""The intervals hold the true figure about as often as they say."""

import numpy as np
import pytest

from quantize.intervals import excess_reach, paired_change


def draws(rounds, crops, shares):
    """Draw tables of (both, reference only, found only, neither)."""
    return np.random.default_rng(1).multinomial(crops, shares, rounds)


def hits(table):
    both, lost, gained, neither = table
    reference = np.repeat([True, True, False, False], [both, lost, gained, neither])
    found = np.repeat([True, False, True, False], [both, lost, gained, neither])
    return reference, found


def test_paired_change_holds_the_true_change():
    intervals = [paired_change(*hits(table)) for table in draws(1000, 500, [0.8, 0.02, 0.01, 0.17])]
    assert np.mean([low <= -0.01 <= high for low, high in intervals]) == pytest.approx(0.95, abs=0.025)


def test_paired_change_without_crops_is_nan():
    assert np.isnan(paired_change(np.zeros(0, bool), np.zeros(0, bool))).all()


def test_paired_change_of_equal_models_narrows_with_crops():
    widths = [np.ptp(paired_change(np.ones(crops, bool), np.ones(crops, bool))) for crops in (20, 2000)]
    assert 0 < widths[1] < widths[0] / 50


def test_excess_reach_covers_chance():
    tables = draws(2000, 20000, [0.004, 0.001, 0.0035, 0.9915])  # found 1.5 times as many
    inside = [
        abs(both + gained - 1.5 * (both + lost)) <= excess_reach(both + lost, both + gained, both, 1.5)
        for both, lost, gained, _ in tables
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.02)
