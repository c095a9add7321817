from datetime import datetime, timedelta, timezone

import pytest

from edge.alarm.background import Rate
from edge.alarm.condition import situation_of
from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
SETTINGS = AlarmSettings()
KNOWN = Rate(360, 7200)


def play(tracker, seconds, hits_in_25=0, start_s=0.0, **fields):
    for number in range(round(seconds * 25)):
        time_s = start_s + number / 25
        tracker.update(
            Observation(
                **{
                    "sequence": number,
                    "monotonic_s": time_s,
                    "utc": START + timedelta(seconds=time_s),
                    "hits": int(hits_in_25 > 0 and number % 25 < hits_in_25),
                    "live_s": 0.04,
                    "period_s": 0.04,
                    "exposure_known": True,
                    "live_fraction": 1.0,
                    "unclassified": 0,
                    **fields,
                }
            )
        )
    return situation_of(tracker, SETTINGS)


def test_situation_without_a_calibration_is_never_clear():
    tracker = AlarmTracker(SETTINGS)
    assert play(tracker, 30).reasons == (
        "not calibrated: no background was measured without a source",
        "background learnt for 24 of 60 live seconds",
    )
    learnt = play(tracker, 300, start_s=30)
    assert learnt.condition == "learning"
    assert learnt.reasons == ("not calibrated: no background was measured without a source",)


def test_situation_is_clear_after_ten_seconds_with_a_known_background():
    tracker = AlarmTracker(SETTINGS, known=KNOWN)
    early = play(tracker, 9)
    assert (early.condition, early.reasons) == ("learning", ("live for less than 10 s of the last minute",))
    late = play(tracker, 2, start_s=9)
    assert (late.condition, late.reasons) == ("clear", ())
    assert [rate.window_s for rate in late.recent] == [10, 60]


def test_situation_says_when_the_background_is_short_or_high():
    short = AlarmTracker(SETTINGS, known=Rate(3, 30))
    assert play(short, 0.2).reasons == ("background learnt for 30 of 60 live seconds",)
    high = AlarmTracker(SETTINGS, known=Rate(90_000, 7200))
    assert any("may be above the 10 hits/s" in reason for reason in situation_of(high, SETTINGS).reasons)


def test_situation_of_an_excess_is_not_clear_before_the_alarm():
    patient = AlarmSettings(false_alarms_per_1000_h=1e-3, min_hits=1000)
    tracker = AlarmTracker(patient, known=KNOWN)
    play(tracker, 20)
    play(tracker, 10, hits_in_25=2, start_s=20)
    situation = situation_of(tracker, patient)
    assert not situation.alarm_stands
    assert situation.reasons == ("rate of the last 10 s is higher than the background",)


@pytest.mark.parametrize("overload", [None, "every block of the picture holds a hit"])
def test_situation_of_an_alarm_needs_no_reason(overload):
    tracker = AlarmTracker(SETTINGS, known=KNOWN)
    play(tracker, 20)
    situation = play(tracker, 5, hits_in_25=10, start_s=20, overload=overload)
    assert (situation.condition, situation.reasons, situation.alarm_stands) == ("alarm", (), True)
    assert situation.overload == overload


def test_situation_with_a_few_hits_of_a_nuisance_is_not_clear_where_they_could_hide_a_source():
    weak = AlarmSettings(source_rate_hz=0.01)
    tracker = AlarmTracker(weak, known=KNOWN)
    for second in range(30):
        play(tracker, 0.04, start_s=second, explained=second % 3 > 0)
        play(tracker, 0.96, start_s=second + 0.04)
    assert tracker.population.leak_hz > weak.source_rate_hz
    situation = situation_of(tracker, weak)
    assert (situation.condition, situation.nuisances) == ("learning", ())
    assert situation.reasons[0].startswith("cannot tell a source from a nuisance: some hits follow things that move")
