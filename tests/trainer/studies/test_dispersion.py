import numpy as np
import pytest

from edge.statistics import poisson_interval
from trainer.studies.dispersion import dispersion, widened_interval

FPS = 25


def clip(counts, first_s=0.04):
    return first_s + np.arange(len(counts)) / FPS, np.asarray(counts, np.int64)


@pytest.mark.parametrize("window_s", [1, 10])
def test_dispersion_of_a_poisson_process_is_one(window_s):
    rng = np.random.default_rng(1)
    clips = [clip(rng.poisson(rate, 400 * FPS)) for rate in (0.02, 0.5, 3.0)]
    found = dispersion(clips, window_s)
    assert found.value == pytest.approx(1, abs=0.4 if window_s == 10 else 0.12)
    assert found.windows == 3 * 400 // window_s


def test_dispersion_of_bursts_grows_with_the_window():
    rng = np.random.default_rng(2)
    rates = np.repeat(rng.exponential(0.2, 60), 5 * FPS)
    counts = clip(rng.poisson(rates))
    one, ten = (dispersion([counts], window_s).value for window_s in (1, 10))
    assert one > 3
    assert ten > 2 * one


def test_dispersion_ignores_differences_between_clips():
    clips = [clip(np.full(60 * FPS, strength)) for strength in (0, 1, 7)]
    assert dispersion(clips, 10).value == 0


@pytest.mark.parametrize(
    ("clips", "windows"),
    [
        ([clip(np.ones(10 * FPS))], 1),
        ([clip(np.zeros(100 * FPS))], 10),
        ([clip(np.ones(5))], 0),
        ([clip([])], 0),
        ([], 0),
    ],
)
def test_dispersion_needs_two_windows_and_counts(clips, windows):
    found = dispersion(clips, 10)
    assert (found.windows, found.value) == (windows, None)


def test_dispersion_keeps_a_last_window_short_of_frames():
    assert dispersion([clip(np.ones(100 * FPS - 2))], 10).windows == 10
    assert dispersion([clip(np.ones(120 * FPS - 2))], 60).windows == 2


def test_widened_interval_never_narrows():
    low, high = widened_interval(100, 4.0)
    assert high - low == pytest.approx(2 * (poisson_interval(100)[1] - poisson_interval(100)[0]), rel=0.1)
    assert low < 100 < high
    assert widened_interval(100, 0.1) == poisson_interval(100)
    assert widened_interval(0, 5.0)[0] == 0
