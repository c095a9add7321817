from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.live_time import Observation
from edge.alarm.recent_rate import RecentRates
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FPS = 2


def observation(number, hits, *, live_s=1 / FPS, weight=1.0):
    time_s = number / FPS
    return Observation(
        sequence=number,
        monotonic_s=time_s,
        utc=START + timedelta(seconds=time_s),
        hits=int(hits),
        live_s=live_s,
        period_s=1 / FPS,
        exposure_known=True,
        live_fraction=1.0,
        unclassified=0,
        weight=weight,
    )


def test_alarm_of_hours_tells_what_comes_now():
    rates_hz = np.concatenate([np.full(60 * FPS, 0.05), np.full(4 * 3600 * FPS, 2.0), np.full(60 * FPS, 50.0)])
    hits = np.random.default_rng(1).poisson(rates_hz / FPS)
    tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    steps = [step for number, count in enumerate(hits) for step in tracker.update(observation(number, count))]
    last = steps[-1]
    assert (last.state, round(last.rate_hz, 1)) == ("updated", 2.2)
    for recent in last.recent:
        low_hz, high_hz = recent.interval_hz
        assert low_hz < recent.rate_hz < high_hz
        assert recent.rate_hz == pytest.approx(50, abs=8)
    assert last.maximum_hz > 45
    assert last.duration_s == pytest.approx(4 * 3600 + 60, abs=30)


def test_recent_rates_forget_after_their_window():
    rates = RecentRates()
    for number in range(100 * FPS):
        rates.add(observation(number, hits=1 if number < 50 * FPS else 0))
    ten_s, minute = rates.over(10), rates.over(60)
    assert (ten_s.hits, ten_s.rate_hz) == (0, 0.0)
    assert 0 < ten_s.interval_hz[1] < 0.5
    assert minute.hits == pytest.approx(10 * FPS, abs=FPS)


def test_recent_rates_without_live_time_are_unknown():
    rates = RecentRates()
    assert rates.over(10).rate_hz is None
    rates.add(observation(0, hits=3, live_s=0.0))
    assert (rates.over(10).rate_hz, rates.seconds) == (None, 0)
    assert rates.over(10).as_dict() == {"window_s": 10, "rate_hz": None, "interval_hz": None}


def test_recent_rates_of_sampled_hits_are_scaled_with_their_interval():
    rates = RecentRates()
    for number in range(10 * FPS):
        rates.add(observation(number, hits=5, weight=50.0))
    ten_s = rates.over(10)
    assert ten_s.rate_hz == pytest.approx(5 * FPS * 50)
    low_hz, high_hz = ten_s.interval_hz
    # As wide as the hits that were counted allow, and not as those that they stand for.
    assert 0.75 < low_hz / ten_s.rate_hz < 0.85
    assert 1.15 < high_hz / ten_s.rate_hz < 1.25
