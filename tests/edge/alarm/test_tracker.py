import json
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.alarm.live_time import Observation, observe
from edge.alarm.tracker import AlarmTracker
from edge.capture.frame import Frame, Triple
from edge.config.device import AlarmSettings
from edge.detect.hit import Detection, Hit

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def observation(number, hits, *, fps=25.0, live_s=None, **fields):
    time_s = number / fps
    known = {
        "sequence": number,
        "monotonic_s": time_s,
        "utc": START + timedelta(seconds=time_s),
        "hits": int(hits),
        "live_s": 1 / fps if live_s is None else live_s,
        "period_s": 1 / fps,
        "exposure_known": True,
        "live_fraction": 1.0,
        "unclassified": 0,
    }
    return Observation(**{**known, **fields})


def play(tracker, rates_hz, seed, *, fps=25.0, live_s=None, **fields):
    """Return the alarms that hits drawn at the rate of each frame, per live second, cause."""
    live_s = 1 / fps if live_s is None else live_s
    counts = np.random.default_rng(seed).poisson(np.asarray(rates_hz) * live_s)
    return [
        alarm
        for number, hits in enumerate(counts)
        for alarm in tracker.update(observation(number, hits, fps=fps, live_s=live_s, **fields))
    ]


def film(background_hz, source_hz, *, onset_s=9, seconds=30, fps=25):
    times = np.arange(int(seconds * fps)) / fps
    return background_hz + np.where(times >= onset_s, source_hz, 0.0)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("background_hz", "source_hz"), [(0.0, 5), (0.05, 5), (0.25, 5), (1.0, 15), (3.0, 15), (8.0, 30)]
)
def test_tracker_raises_soon_after_the_source_and_not_before(background_hz, source_hz, seed):
    tracker = AlarmTracker(AlarmSettings())
    alarms = play(tracker, film(background_hz, source_hz), seed)
    assert alarms[0].state == "raised"
    assert 9 <= alarms[0].time_s < 20
    assert [alarm.state for alarm in alarms[1:]] == ["updated"] * (len(alarms) - 1)
    assert {alarm.id for alarm in alarms} == {"alarm-1"}


def test_alarm_carries_its_numbers():
    tracker = AlarmTracker(AlarmSettings(), name="gate")
    alarms = play(tracker, film(0.25, 5, onset_s=100, seconds=130), 4)
    raised, last = alarms[0], alarms[-1]
    assert raised.id == "gate-1"
    assert abs(raised.onset_s - 100) < 5
    assert raised.onset_utc == START + timedelta(seconds=raised.onset_s)
    assert raised.significance_sigma > 4
    assert 0 < raised.maximum_hz <= last.maximum_hz
    assert last.significance_sigma > raised.significance_sigma
    low, high = last.rate_interval_hz
    assert low < 5.25 < high
    low, high = last.background_interval_hz
    assert low < 0.25 < high
    assert raised.weakened_by == ()
    assert len(raised.frames) <= raised.hits
    assert json.loads(json.dumps(raised.as_event()))["type"] == "alarm"


def test_tracker_clears_when_the_source_goes_and_raises_again():
    rates = np.concatenate([np.full(2500, 0.2), np.full(500, 10.0), np.full(3000, 0.2), np.full(500, 10.0)])
    tracker = AlarmTracker(AlarmSettings())
    alarms = play(tracker, rates, 5)
    assert [alarm.state for alarm in alarms if alarm.state != "updated"] == ["raised", "cleared", "raised"]
    cleared = next(alarm for alarm in alarms if alarm.state == "cleared")
    assert 145 < cleared.time_s < 160
    assert alarms[-1].id == "alarm-2"
    assert tracker.stands


def test_tracker_freezes_the_background_during_an_alarm():
    tracker = AlarmTracker(AlarmSettings())
    play(tracker, film(0.2, 10, onset_s=100, seconds=101.5), 6)
    assert tracker.stands
    frozen = tracker.background
    for number in range(5000, 10_000):
        tracker.update(observation(number, number % 3 == 0))
    assert tracker.background == frozen
    assert tracker.stands


def test_tracker_raises_for_a_source_in_the_first_frame():
    alarms = play(AlarmTracker(AlarmSettings()), np.full(250, 25.0), 7)
    assert alarms[0].state == "raised"
    assert any("background learnt for" in phrase for phrase in alarms[0].weakened_by)
    assert any("may be above" in phrase for phrase in alarms[0].weakened_by)


def test_tracker_ignores_frames_without_live_time():
    tracker = AlarmTracker(AlarmSettings())
    assert all(tracker.update(observation(number, 50, live_s=0.0)) == () for number in range(1000))
    assert not tracker.learnt
    play(tracker, np.full(100, 50.0), 8)
    assert tracker.stands
    steps = [step for number in range(5000) for step in tracker.update(observation(1000 + number, 0, live_s=0.0))]
    assert {step.state for step in steps} == {"updated"}
    assert tracker.stands


@pytest.mark.parametrize(
    ("fields", "live_s", "weakness"),
    [
        ({"exposure_known": False}, 0.04, "exposure unknown"),
        ({"live_fraction": 0.3}, 0.012, "only 30% of the picture was live"),
        ({}, 0.004, "short exposure: live for 10% of the time"),
        ({"sensitivity": 0.4}, 0.016, "bright ground: 40% of the hits can be seen on it"),
        ({"unclassified": 3}, 0.04, "candidates were left unclassified"),
    ],
)
def test_alarm_names_what_weakens_it(fields, live_s, weakness):
    tracker = AlarmTracker(AlarmSettings())
    alarms = play(tracker, film(0.2, 60, onset_s=50, seconds=80), 9, live_s=live_s, **fields)
    assert any(weakness in phrase for phrase in alarms[0].weakened_by)


def frame(number, exposure_s):
    return Frame(number, number / 25, START, np.zeros((64, 64), np.uint8), exposure_s=exposure_s)


def test_alarm_tells_bright_ground_from_short_exposure():
    tracker = AlarmTracker(AlarmSettings())
    alarms = play(tracker, film(0.2, 300, onset_s=50, seconds=80), 9, live_s=0.04 * 0.1, sensitivity=0.1)
    assert not any("short exposure" in phrase for phrase in alarms[0].weakened_by)


def test_tracker_raises_from_detections():
    tracker = AlarmTracker(AlarmSettings())
    found = []
    for number in range(1, 60):
        triple = Triple(frame(number - 1, None), frame(number, None), frame(number + 1, None))
        hits = tuple(Hit(x, 7 * number * x % 61, 0.9, 30, 1, live=True) for x in (11, 53))
        found += tracker.update(observe(Detection(number, hits, 1.0, 2, 0), triple))
    assert found[0].state == "raised"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 0.04), st.booleans()), max_size=300))
def test_tracker_steps_come_in_order(frames):
    tracker = AlarmTracker(AlarmSettings(clear_s=1, update_s=1, learn_s=1))
    standing = None
    for number, (hits, live_s, _) in enumerate(frames):
        for alarm in tracker.update(observation(number, hits, live_s=live_s)):
            if alarm.state == "raised":
                assert standing is None
                standing = alarm.id
            else:
                assert alarm.id == standing
                standing = None if alarm.state == "cleared" else standing
            low, high = alarm.rate_interval_hz
            assert 0 <= low <= high
            assert alarm.significance_sigma >= 0
    assert tracker.stands == (standing is not None)


@pytest.mark.slow
def test_tracker_keeps_to_the_rate_while_learning():
    settings_ = AlarmSettings(false_alarms_per_1000_h=1e4, min_hits=2, clear_s=1)
    calls = hours = 0
    for seed in range(60):
        rate_hz = float(np.random.default_rng(seed).uniform(0.05, 3))
        tracker = AlarmTracker(settings_)
        alarms = play(tracker, np.full(10_000, rate_hz), seed, fps=2.0)
        calls += sum(alarm.state == "raised" for alarm in alarms)
        hours += 10_000 / 2 / 3600
    expected = hours * 10
    assert calls < expected + 3 * np.sqrt(expected)
