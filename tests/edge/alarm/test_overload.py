from datetime import datetime, timedelta, timezone

import numpy as np

from edge.alarm.background import Rate
from edge.alarm.live_time import Observation
from edge.alarm.overload import EVIDENCE, FALLING_FRAMES, FRAMES
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def frame(number, *, overload=None, saturated=False, falling=False):
    return Observation(
        sequence=number,
        monotonic_s=number / 25,
        utc=START + timedelta(seconds=number / 25),
        hits=0,
        live_s=0.0 if saturated else 0.04,
        period_s=0.04,
        exposure_known=True,
        live_fraction=0.0 if saturated else 1.0,
        unclassified=0,
        overload=overload,
        saturated=saturated,
        falling=falling,
    )


def states(frames):
    tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    return [step.state for each in frames for step in tracker.update(each)], tracker


def test_field_that_grows_until_the_picture_is_white_alarms():
    quiet = [frame(number) for number in range(50)]
    grows = [frame(number, overload="many") for number in range(50, 50 + EVIDENCE)]
    white = [frame(number, saturated=True) for number in range(50 + EVIDENCE, 1500)]
    steps, tracker = states([*quiet, *grows, *white[:FRAMES]])
    assert steps == ["raised"]
    steps, tracker = states([*quiet, *grows, *white])
    assert set(steps) == {"raised", "updated"}
    assert tracker.overload == "many"


def test_white_picture_alone_is_no_field():
    steps, tracker = states([frame(number, saturated=number > 25) for number in range(500)])
    assert steps == []
    assert tracker.overload is None
    flash = [frame(0, overload="flash"), frame(1), *(frame(number, saturated=True) for number in range(2, 200))]
    assert states(flash)[0] == []


def test_single_frames_of_overload_in_snow_are_no_field():
    rng = np.random.default_rng(1)
    snow = [
        frame(number, overload="many" if looks < 0.6 else None, falling=looks > 0.65)
        for number, looks in enumerate(rng.random(3000))
    ]
    assert states(snow)[0] == []
    field = [frame(number, overload="many") for number in range(3000, 3000 + FALLING_FRAMES + 10)]
    assert states([*snow, *field])[0] == ["raised"]
