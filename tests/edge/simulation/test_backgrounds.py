"""Backgrounds of all kinds before the whole tracker: starts, swings, steps, uneven ones, bursts."""

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.simulation.background import BackgroundModel
from edge.simulation.hit_train import HitTrain, draw_poisson
from edge.simulation.months import BoxLife, Tally, lives_of, per_1000_h, simulate_life
from edge.simulation.playback import play

DAY_S = 86400.0


def messages(steps):
    return [step for step in steps if step.state in {"raised", "changed"}]


def within_stated(raised, hours):
    """Whether a count of false alarms allows the stated rate of 1 in 1000 h."""
    return per_1000_h(raised, hours)[1][0] <= 1.0


def starts(rate_hz, count, *, calibrated, seed):
    """Return the false alarms in the first five minutes of many boxes."""
    background = BackgroundModel(rate_hz)
    life = BoxLife(AlarmSettings(), background, hours=1 / 12, restart_h=None, calibrated=calibrated, seed=(seed,))
    return sum(simulate_life(each).raised for each in lives_of(life, count / 12))


@pytest.mark.parametrize("calibrated", [False, True], ids=["unknown", "calibrated"])
@pytest.mark.parametrize(("rate_hz", "count"), [(0.05, 500), (0.5, 150), (2.0, 40), (5.0, 20)])
def test_first_minutes_keep_to_the_stated_rate(rate_hz, count, calibrated):
    assert starts(rate_hz, count, calibrated=calibrated, seed=11) == 0


@pytest.mark.slow
@pytest.mark.parametrize("calibrated", [False, True], ids=["unknown", "calibrated"])
@pytest.mark.parametrize(("rate_hz", "count"), [(0.05, 12_000), (0.5, 6000), (2.0, 2400), (5.0, 1200)])
def test_first_minutes_keep_to_the_stated_rate_of_many_starts(rate_hz, count, calibrated):
    assert within_stated(starts(rate_hz, count, calibrated=calibrated, seed=12), count / 12)


def swing(rate_hz, days, seed, phase_s):
    """Return the messages of some days that swing by 90 % either way."""
    background = BackgroundModel(rate_hz, day_swing=0.9)
    tracker, rng = AlarmTracker(AlarmSettings()), np.random.default_rng(seed)
    found = []
    for hour in range(24 * days):
        begin_s = hour * 3600.0
        hits = background.draw(rng, begin_s + phase_s, 3600.0)
        found += messages(play(tracker, HitTrain(hits.times_s - phase_s, hits.places), begin_s, begin_s + 3600))
    return found


@pytest.mark.parametrize(
    ("rate_hz", "days", "phase_s"), [(0.05, 6, 0.0), (0.05, 6, DAY_S / 2), (0.05, 6, 0.75 * DAY_S), (0.5, 2, 0.0)]
)
def test_day_swing_ends_in_at_most_one_message_a_day(rate_hz, days, phase_s):
    assert len(swing(rate_hz, days, 13, phase_s)) <= days


@pytest.mark.slow
@pytest.mark.parametrize("phase_s", [0.0, DAY_S / 2, 0.75 * DAY_S], ids=["rising", "falling", "lowest"])
@pytest.mark.parametrize(("rate_hz", "days"), [(0.05, 60), (0.5, 6), (2.0, 3), (5.0, 2)])
def test_day_swing_ends_in_at_most_one_message_a_day_for_long(rate_hz, days, phase_s):
    assert len(swing(rate_hz, days, 14, phase_s)) <= days


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 8))])
def test_lasting_step_ends_in_one_changed(seed):
    rates_hz = np.repeat([5.0, 6.5], [1800, 5400])
    hits = draw_poisson(np.random.default_rng((15, seed)), rates_hz, 1.0, 0.0)
    tracker = AlarmTracker(AlarmSettings(), known=Rate(18_000, 3600))
    steps = [step for step in play(tracker, hits, 0.0, 7200.0) if step.state != "updated"]
    assert [step.state for step in steps] == ["raised", "changed"]
    assert tracker.condition == "changed"


@pytest.mark.parametrize("cell_s", [1.0, 10.0, 60.0])
@pytest.mark.parametrize(("rate_hz", "hours"), [(0.05, 100), (0.5, 12)])
def test_uneven_background_lifts_the_limit(rate_hz, hours, cell_s):
    # With scaled Poisson limits, cells of 1 s raised 18 in 100 h.
    life = BoxLife(AlarmSettings(), BackgroundModel(rate_hz, 2.5, cell_s), hours=hours, seed=(16,))
    assert simulate_life(life).raised <= 1


def burst(start_s, count, along):
    """Return hits within a second at one place, or along a line."""
    rng = np.random.default_rng(17)
    times_s = start_s + np.sort(rng.uniform(0, 1, count))
    ways = np.linspace(0, 1, count)[:, None] * np.array([900, 500]) if along == "line" else rng.normal(0, 8, (count, 2))
    places = np.array([400, 300]) + ways + rng.normal(0, 0.5, (count, 2))
    return HitTrain(times_s, places.astype(np.int64))


@pytest.mark.parametrize("along", ["place", "line"])
@pytest.mark.parametrize("seed", range(5))
def test_burst_of_12_hits_raises_no_alarm(along, seed):
    hits = draw_poisson(np.random.default_rng((18, seed)), np.full(900, 0.05), 1.0, 0.0)
    tracker = AlarmTracker(AlarmSettings())
    assert messages(play(tracker, hits.plus(burst(700.0, 12, along)), 0.0, 900.0)) == []


def test_hits_of_a_burst_at_places_all_over_raise_an_alarm():
    hits = draw_poisson(np.random.default_rng(19), np.repeat([0.05, 12.0, 0.05], [700, 1, 199]), 1.0, 0.0)
    assert len(messages(play(AlarmTracker(AlarmSettings()), hits, 0.0, 900.0))) == 1


@pytest.mark.parametrize(("rate_hz", "alarm"), [(8.0, False), (20.0, True)])
def test_background_near_the_highest_possible_one(rate_hz, alarm):
    hits = draw_poisson(np.random.default_rng(20), np.full(600, rate_hz), 1.0, 0.0)
    steps = messages(play(AlarmTracker(AlarmSettings()), hits, 0.0, 600.0))
    assert bool(steps) == alarm
    assert all(any("may be above the 10 hits/s" in phrase for phrase in step.weakened_by) for step in steps)


def test_known_swing_costs_no_alarm_in_the_morning():
    """The mean of the last days is assumed by night, so a morning that comes faster than it is learnt is no alarm."""
    tracker = AlarmTracker(AlarmSettings(), known=Rate(0.5 * DAY_S, DAY_S))
    assert tracker.learner.quantile_hz(0.0) == pytest.approx(0.5, rel=0.01)
    night = draw_poisson(np.random.default_rng(21), np.full(36, 0.05), 1000.0, 0.0)
    assert messages(play(tracker, night, 0.0, 36_000.0)) == []
    assert tracker.learner.rate.mean_hz < 0.1
    assert tracker.learner.quantile_hz(2.326) > 0.3


def test_life_counts_starts_and_restarts():
    life = BoxLife(AlarmSettings(), BackgroundModel(0.05), hours=50, restart_h=5, lost_share=0.5, seed=(22,))
    tally = simulate_life(life)
    assert tally.starts + tally.resumed == 10
    assert 2 <= tally.starts <= 8
    assert tally.hours == pytest.approx(50, abs=0.1)
    assert tally.early_hours == pytest.approx(10 / 12, abs=0.01)
    assert tally.hits == pytest.approx(0.05 * 50 * 3600, abs=300)


def test_tallies_add_up():
    tally = Tally(1, 0.5, 7, 1, 2, 3, 1, 0.1, 1, 4)
    assert tally.plus(Tally(max_a_day=2)) == tally
    assert tally.plus(tally).raised == 6
    assert tally.plus(tally).live_hours == pytest.approx(1.0)
