import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alarm.trigger import Trigger, decay_per_hit, limit_hits, mean_time_to_false_alarm, slope_hz
from edge.config.device import AlarmSettings


def simulated_times(load, limit, runs, rng):
    """Draw times until background alone exceeds a limit, in units of 1 / slope: what the exact mean is checked by."""
    times = np.zeros(runs)
    sums = np.zeros(runs)
    running = np.arange(runs)
    while running.size:
        gaps = rng.exponential(1 / load, running.size)
        times[running] += gaps
        sums[running] = np.maximum(0, sums[running] - gaps) + 1
        running = running[sums[running] <= limit]
    return times


@pytest.mark.parametrize(("load", "limit"), [(0.3, 3.5), (0.1, 2.3), (0.7, 6.2), (0.8, 9.9), (0.05, 1.5), (0.5, 0.5)])
def test_mean_time_to_false_alarm_agrees_with_simulation(load, limit):
    drawn = simulated_times(load, limit, 4000, np.random.default_rng(1))
    error = drawn.std() / math.sqrt(drawn.size)
    assert abs(drawn.mean() - mean_time_to_false_alarm(load, limit)) < 4 * error


def test_limit_below_one_hit_is_exceeded_by_the_first_hit():
    assert mean_time_to_false_alarm(0.25, 0.5) == pytest.approx(1 / 0.25, rel=1e-9)


@pytest.mark.parametrize("rate", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("background_hz", [0.001, 0.01, 0.1, 0.5, 3.0, 20.0])
def test_limit_keeps_the_stated_rate_and_is_hardly_stricter(background_hz, rate):
    source_hz = max(0.5, 0.5 * background_hz)
    slope = slope_hz(background_hz, source_hz)
    limit = limit_hits(background_hz, source_hz, rate)
    load = background_hz / slope
    wanted = 1000 * 3600 * slope / rate
    assert mean_time_to_false_alarm(load, limit) > 0.99 * wanted
    # The exact time has steps at whole hits.
    assert mean_time_to_false_alarm(load, limit - 0.3) < 1.01 * wanted


@settings(max_examples=40, deadline=None)
@given(background_hz=st.floats(1e-4, 100), source_hz=st.floats(0.01, 100), rate=st.floats(1e-3, 1e4))
def test_limit_rises_as_fewer_false_alarms_are_allowed(background_hz, source_hz, rate):
    source_hz = max(source_hz, 0.2 * background_hz)
    limit = limit_hits(background_hz, source_hz, rate)
    assert 1 <= limit < 1000
    assert limit_hits(background_hz, source_hz, rate / 10) >= limit


def test_trigger_keeps_to_the_rate_when_summing_per_frame():
    rng = np.random.default_rng(2)
    rates = AlarmSettings(false_alarms_per_1000_h=1e4, min_hits=2)
    calls, live_s = 0, 0.0
    trigger = Trigger(rates)
    for period_s, background_hz, frames in ((0.04, 2.0, 60_000), (1.0, 2.0, 60_000), (0.2, 0.3, 60_000)):
        for hits in rng.poisson(background_hz * period_s, frames):
            if trigger.add(int(hits), period_s, background_hz):
                calls += 1
                trigger.reset()
        live_s += frames * period_s
    expected = 1e4 * live_s / 3.6e6
    assert calls < expected + 3 * math.sqrt(expected)
    assert calls > 0


def test_trigger_is_never_exceeded_by_a_single_frame():
    trigger = Trigger(AlarmSettings())
    assert not trigger.add(10_000, 0.04, 0.2)
    assert not trigger.add(10_000, 0.04, 0.2)


@pytest.mark.slow
def test_limit_holds_in_simulated_years():
    """200 runs of 1000 h each at the limit of the sharpest setting that is still quick to simulate."""
    background_hz, source_hz = 0.05, 0.5
    slope = slope_hz(background_hz, source_hz)
    limit = limit_hits(background_hz, source_hz, 1.0)
    drawn_h = simulated_times(background_hz / slope, limit, 300, np.random.default_rng(3)) / slope / 3600
    error = drawn_h.std() / math.sqrt(drawn_h.size)
    assert drawn_h.mean() > 1000 - 3 * error
    assert drawn_h.mean() < 1100 + 3 * error


@pytest.mark.parametrize("background_hz", [0.05, 0.5, 5.0])
def test_decay_is_that_of_poisson_without_dispersion_and_falls_with_it(background_hz):
    source_hz = max(0.5, 0.5 * background_hz)
    decays = [decay_per_hit(background_hz, source_hz, dispersion) for dispersion in (1.0, 1.01, 1.2, 2.0, 5.0)]
    assert decays[0] == pytest.approx(math.log1p(source_hz / background_hz))
    assert decays[1] == pytest.approx(decays[0], rel=0.1)
    assert decays == sorted(decays, reverse=True)


@pytest.mark.parametrize("dispersion", [1.5, 3.0])
@pytest.mark.parametrize("background_hz", [0.1, 1.0])
def test_decay_solves_the_equation_of_negative_binomial_counts(background_hz, dispersion):
    source_hz = max(0.5, 0.5 * background_hz)
    decay = decay_per_hit(background_hz, source_hz, dispersion)
    more = dispersion - 1
    logarithm = -math.log(1 - more * math.expm1(decay)) * background_hz / more
    assert logarithm == pytest.approx(slope_hz(background_hz, source_hz) * decay, rel=1e-3)
