from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.excess import Excess
from edge.alarm.grades import CLASSES, SHARES
from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FPS = 25
SIZE = (640, 480)
GLINTS_HZ = np.array((1.5, 0.5, 0.2, 0.02, 0.3, 0.2, 0.1, 0.02))
"""Graded spots that glints leave, of each class."""


def places(rng, count):
    return tuple((int(rng.integers(SIZE[0])), int(rng.integers(SIZE[1]))) for _ in range(count))


def glints(number, rng, source_hz=0.0):
    """One frame of glints that nearly all look like light, with a source that is seen by its graded spots alone."""
    graded_hz = GLINTS_HZ + source_hz * SHARES * np.repeat((0.8, 0.2), CLASSES // 2)
    classes = np.repeat(np.arange(CLASSES), rng.poisson(graded_hz / FPS)).tolist()
    spots = places(rng, rng.poisson(40 / FPS))
    return Observation(
        sequence=number,
        monotonic_s=number / FPS,
        utc=START + timedelta(seconds=number / FPS),
        hits=len(spots),
        live_s=0.8 / FPS,
        period_s=1 / FPS,
        exposure_known=True,
        live_fraction=0.8,
        unclassified=0,
        positions=spots,
        size=SIZE,
        like_light=tuple((rng.random(len(spots)) < 0.97).tolist()),
        sure=(False,) * len(spots),
        refused=int(rng.poisson(90 / FPS)),
        graded=tuple((x, y, each) for (x, y), each in zip(places(rng, len(classes)), classes, strict=True)),
        stirred_s=0.2 / FPS,
    )


def raised_at(frames, *, known=True):
    tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200) if known else None)
    return [step.time_s for frame in frames for step in tracker.update(frame) if step.state == "raised"]


@pytest.mark.parametrize(("source_hz", "within_s"), [(12.0, 25), (250.0, 1)])
def test_source_in_glints_is_found_by_grades(source_hz, within_s):
    rng = np.random.default_rng(1)
    frames = [glints(number, rng, source_hz if number >= 60 * FPS else 0.0) for number in range(86 * FPS)]
    raised = raised_at(frames)
    assert 60 < raised[0] < 60 + within_s


@pytest.mark.parametrize("known", [True, False])
def test_glints_alone_raise_no_alarm_by_grades(known):
    rng = np.random.default_rng(2)
    assert raised_at([glints(number, rng) for number in range(80 * FPS)], known=known) == []


def test_graded_spots_at_one_place_count_once():
    excess, rng = Excess(AlarmSettings()), np.random.default_rng(3)
    low_hz = np.full(CLASSES, 0.02)
    exceeded = {False: 0, True: 0}
    for scattered in exceeded:
        excess.reset()
        for number in range(20):
            x, y = places(rng, 1)[0] if scattered else (300, 200)
            frame = replace(glints(10_000 * scattered + number, rng), graded=((x, y, 3),))
            exceeded[scattered] += excess.add_graded(frame, 0.05, low_hz, 1.0)
    assert exceeded[True] > 0
    assert exceeded[False] == 0


def test_sums_begin_anew_where_all_hits_count_again():
    excess, rng = Excess(AlarmSettings()), np.random.default_rng(4)
    for number in range(3):
        excess.add_graded(replace(glints(number, rng), graded=((100 * number, 50, 3),)), 0.05, GLINTS_HZ, 1.0)
    assert not excess.at_rest
    plain = replace(glints(3, rng), graded=None)
    assert not excess.add(plain, 0, 0.05, 1.0)
    assert excess.at_rest


def test_sums_stay_over_a_frame_that_sees_nothing():
    excess, rng = Excess(AlarmSettings()), np.random.default_rng(4)
    for number in range(3):
        excess.add_graded(replace(glints(number, rng), graded=((100 * number, 50, 3),)), 0.05, GLINTS_HZ, 1.0)
    assert not excess.add(replace(glints(3, rng), graded=None, live_s=0.0), 0, 0.05, 1.0)
    assert not excess.at_rest
