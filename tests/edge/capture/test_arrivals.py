import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge.capture.arrivals import Arrivals


def learnt_s(times, declared_s=0.04):
    arrivals = Arrivals(declared_s)
    for time_s in times:
        arrivals.add(time_s)
    return arrivals.period_s


@given(
    bunch=st.integers(1, 12),
    fps=st.floats(2, 120),
    jitter=st.floats(0, 0.3),
    seed=st.integers(0, 1000),
    count=st.integers(300, 900),
)
def test_arrivals_learn_the_period_of_bunches(bunch, fps, jitter, seed, count):
    assume(bunch / fps < 2)
    numbers = np.arange(count)
    late = np.random.default_rng(seed).uniform(0, jitter / fps, count)
    times = np.maximum.accumulate((numbers // bunch + 1) * bunch / fps + late)
    assert learnt_s(times) == pytest.approx(1 / fps, rel=0.03)


def test_arrivals_keep_the_period_over_interruptions():
    times = np.arange(600) * 0.04
    times[200:] += 7.0
    times[400:] += 30.0
    assert learnt_s(times) == pytest.approx(0.04, rel=0.001)


def test_arrivals_learn_a_period_of_seconds():
    assert learnt_s(np.arange(60) * 4.0) == pytest.approx(4.0)


def test_arrivals_start_anew_after_a_loss():
    arrivals = Arrivals(0.1)
    for number in range(100):
        if number == 50:
            arrivals.restart()
        arrivals.add(number * 0.04 + (1.5 if number >= 50 else 0))
    assert arrivals.period_s == pytest.approx(0.04)


@pytest.mark.parametrize(("count", "period_s"), [(5, 1 / 30), (100, 0.1)], ids=["not yet learnt", "learnt"])
def test_arrivals_assume_the_declared_period_at_first(count, period_s):
    assert learnt_s(np.arange(count) * 0.1, declared_s=1 / 30) == pytest.approx(period_s)


def test_arrivals_near_the_declared_period_are_the_declared():
    assert learnt_s(np.arange(200) / 25.1, declared_s=0.04) == 0.04


def test_arrivals_survive_a_clock_that_steps_back():
    times = [*np.arange(100) * 0.04, *(np.arange(100) * 0.04 - 50)]
    assert learnt_s(times) == pytest.approx(0.04, rel=0.02)
