import numpy as np
import pytest

from edge.alarm.dispersion import Dispersion, QuietBin


def add_bins(dispersion, counts_by_second, *, bin_s=10, start_s=0.0):
    """Add bins of some seconds, each second one frame."""
    for first in range(0, len(counts_by_second) - bin_s + 1, bin_s):
        counted = QuietBin(start_s + first)
        for second in range(first, first + bin_s):
            counted.add(start_s + second, float(counts_by_second[second]), 1.0, 1.0)
        dispersion.add(counted)


@pytest.mark.parametrize("rate_hz", [0.05, 0.5, 5.0])
def test_dispersion_of_poisson_hits_is_1(rate_hz):
    dispersion = Dispersion()
    add_bins(dispersion, np.random.default_rng(1).poisson(rate_hz, 20_000))
    assert dispersion.factor == 1.0


@pytest.mark.parametrize("window_s", [1, 10, 60])
@pytest.mark.parametrize("rate_hz", [0.1, 1.0])
def test_dispersion_of_uneven_hits_is_measured(rate_hz, window_s):
    rng, excess = np.random.default_rng(2), 2.0
    shape = rate_hz * window_s / excess
    rates = np.repeat(rng.gamma(shape, 1 / shape, 40_000 // window_s), window_s) * rate_hz
    dispersion = Dispersion()
    add_bins(dispersion, rng.poisson(rates))
    assert dispersion.factor == pytest.approx(1 + excess, rel=0.25)


def test_dispersion_leaves_short_bins_out():
    """A box learns its first minute in bins of a second; beside longer ones they would look uneven."""
    dispersion, rng = Dispersion(), np.random.default_rng(3)
    add_bins(dispersion, rng.poisson(5.0, 60), bin_s=1)
    add_bins(dispersion, rng.poisson(5.0, 3600), start_s=60.0)
    assert dispersion.factor == 1.0


def test_dispersion_does_not_compare_minutes_across_a_gap():
    dispersion, rng = Dispersion(), np.random.default_rng(4)
    for hour in range(40):  # each hour has another level
        add_bins(dispersion, rng.poisson(1.0 + hour % 2 * 3, 120), start_s=hour * 3600.0)
    assert dispersion.factor == 1.0


def test_dispersion_survives_a_restart():
    before, after = Dispersion(), Dispersion()
    add_bins(before, np.random.default_rng(5).poisson(np.repeat([0.1, 2.0] * 100, 20)))
    after.restore(before.state())
    assert after.factor == before.factor > 1.5
