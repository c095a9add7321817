import numpy as np
import pytest

from edge.alarm.grades import CLASSES, SHARES, GradedLeak, GradedTrigger, counts_of
from edge.config.device import AlarmSettings

PERIOD_S = 0.04
LEAK_HZ = np.array((2.0, 0.8, 0.3, 0.03, 0.6, 0.4, 0.2, 0.1))
EXPOSED_S = np.repeat((0.6, 0.2), CLASSES // 2) * PERIOD_S


def seconds_until(trigger, rates_hz, rng, *, longest_s):
    """When a sum first exceeds its limit; the longest time where none does."""
    counts = rng.poisson(rates_hz * PERIOD_S, (round(longest_s / PERIOD_S), CLASSES)).astype(float)
    for number, each in enumerate(counts):
        if trigger.add(each, EXPOSED_S, LEAK_HZ, PERIOD_S):
            return number * PERIOD_S
    return longest_s


def test_counts_of_counts_each_class():
    assert counts_of([0, 7, 7]).tolist() == [1, 0, 0, 0, 0, 0, 0, 2]
    assert counts_of([]).tolist() == [0] * CLASSES


def test_trigger_finds_a_source_within_half_a_minute():
    rng = np.random.default_rng(1)
    source_hz = 7 * SHARES * EXPOSED_S / PERIOD_S
    delays = [seconds_until(GradedTrigger(AlarmSettings()), LEAK_HZ + source_hz, rng, longest_s=60) for _ in range(8)]
    assert max(delays) < 40
    assert np.median(delays) < 25


def test_trigger_gains_by_grades_what_all_spots_alike_do_not_give():
    """A source that makes the same number of spots, but as a nuisance does, is found later."""
    rng = np.random.default_rng(2)
    source_hz = 5 * SHARES * EXPOSED_S / PERIOD_S
    alike_hz = LEAK_HZ * (1 + source_hz.sum() / LEAK_HZ.sum())
    graded, alike = (
        np.median([seconds_until(GradedTrigger(AlarmSettings()), rates, rng, longest_s=90) for _ in range(7)])
        for rates in (LEAK_HZ + source_hz, alike_hz)
    )
    assert alike > 1.5 * graded


def test_trigger_keeps_to_the_stated_rate():
    """One false alarm in 6 minutes is stated, by sums that begin anew after each."""
    rng = np.random.default_rng(3)
    trigger = GradedTrigger(AlarmSettings(false_alarms_per_1000_h=10_000))
    alarms, frames = 0, 50_000
    for counts in rng.poisson(LEAK_HZ * PERIOD_S, (frames, CLASSES)).astype(float):
        if trigger.add(counts, EXPOSED_S, LEAK_HZ, PERIOD_S):
            alarms += 1
            trigger.reset()
    stated = frames * PERIOD_S / 360
    assert alarms < stated + 2 * stated**0.5


def test_trigger_bears_a_nuisance_that_leaves_a_tenth_more_than_is_expected():
    rng = np.random.default_rng(4)
    assert seconds_until(GradedTrigger(AlarmSettings()), 1.1 * LEAK_HZ, rng, longest_s=300) == 300


def test_trigger_asks_for_as_many_spots_as_the_settings():
    trigger, top = GradedTrigger(AlarmSettings(min_hits=5)), counts_of([3])
    clean_hz = np.full(CLASSES, 1e-6)
    raised = [trigger.add(top, EXPOSED_S, clean_hz, PERIOD_S) for _ in range(8)]
    assert raised.index(True) >= 5


def test_dispersion_raises_the_limits():
    plain, spread = GradedTrigger(AlarmSettings()), GradedTrigger(AlarmSettings())
    spots = counts_of([1, 2, 3])
    delays = []
    for trigger, dispersion in ((plain, 1.0), (spread, 2.0)):
        raised = [trigger.add(spots, EXPOSED_S, LEAK_HZ, PERIOD_S, dispersion) for _ in range(60)]
        delays.append(raised.index(True))
    assert delays[1] > 1.5 * delays[0]


def settled(leak, *, seconds, counts_hz, left_out_hz, falling=False, at_rest=True):
    """Let a leak see a nuisance of even rates."""
    rng = np.random.default_rng(5)
    for _ in range(round(seconds / PERIOD_S)):
        leak.update(rng.poisson(counts_hz * PERIOD_S).astype(float), rng.poisson(left_out_hz * PERIOD_S), PERIOD_S)
        leak.learn(PERIOD_S, falling=falling, at_rest=at_rest)
    return leak


@pytest.mark.parametrize("falling", [False, True])
def test_leak_is_learnt_for_each_class(falling):
    leak = settled(GradedLeak(), seconds=300, counts_hz=LEAK_HZ, left_out_hz=80, falling=falling)
    rates = leak.rates_hz(cold=False, falling=falling)
    assert (rates > 0.9 * LEAK_HZ).all()
    assert (rates[:4] < 1.5 * LEAK_HZ[:4] + 0.02).all()
    assert (leak.rates_hz(cold=True, falling=falling) > rates).all()


def test_leak_is_high_before_it_is_known():
    leak = settled(GradedLeak(), seconds=1, counts_hz=np.zeros(CLASSES), left_out_hz=80)
    assert (leak.rates_hz(cold=False, falling=False) > 0.5).all()


def test_leak_follows_what_is_left_out():
    leak = settled(GradedLeak(), seconds=300, counts_hz=LEAK_HZ, left_out_hz=80)
    before = leak.rates_hz(cold=False, falling=False)
    for _ in range(250):
        leak.update(counts_of([]), 160 * PERIOD_S, PERIOD_S)
    assert leak.rates_hz(cold=False, falling=False) == pytest.approx(2 * before, rel=0.1)


def test_leak_of_an_excess_waits_a_minute():
    leak = settled(GradedLeak(), seconds=300, counts_hz=LEAK_HZ, left_out_hz=80)
    quiet = leak.rates_hz(cold=False, falling=False)
    settled(leak, seconds=30, counts_hz=10 * LEAK_HZ, left_out_hz=80, at_rest=False)
    assert leak.rates_hz(cold=False, falling=False) == pytest.approx(quiet, rel=0.2)
    settled(leak, seconds=60, counts_hz=10 * LEAK_HZ, left_out_hz=80, at_rest=False)
    raised = leak.rates_hz(cold=False, falling=False)
    assert (raised > 1.3 * quiet).all()


def test_leak_learns_nothing_of_an_alarm():
    leak = settled(GradedLeak(), seconds=300, counts_hz=LEAK_HZ, left_out_hz=80)
    settled(leak, seconds=30, counts_hz=10 * LEAK_HZ, left_out_hz=80, at_rest=False)
    leak.forget_waiting()
    before = leak.rates_hz(cold=False, falling=False)
    settled(leak, seconds=1, counts_hz=np.zeros(CLASSES), left_out_hz=80)
    assert leak.rates_hz(cold=False, falling=False) == pytest.approx(before, rel=0.1)


def test_trigger_without_spots_raises_nothing_where_hardly_any_ground_is_live():
    trigger = GradedTrigger(AlarmSettings(false_alarms_per_1000_h=10_000, source_rate_hz=0.01))
    exposed_s = np.full(CLASSES, 1e-3 * PERIOD_S)
    assert not any(trigger.add(np.zeros(CLASSES), exposed_s, LEAK_HZ, PERIOD_S) for _ in range(50))
