from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.live_time import class_of, observe
from edge.capture.frame import Frame, Triple
from edge.detect.hit import SURE_GRADE, Detection, Hit

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def frame(number, exposure_s):
    return Frame(number, number / 25, START, np.zeros((64, 64), np.uint8), exposure_s=exposure_s)


@pytest.mark.parametrize(("exposure_s", "live_s"), [(0.01, 0.005), (None, 0.02), (0.5, 0.02)])
def test_observe_limits_live_time_to_the_frame_period(exposure_s, live_s):
    triple = Triple(*(frame(number, exposure_s) for number in range(3)))
    hits = (Hit(1, 1, 0.9, 30, 1, live=True), Hit(2, 2, 0.9, 30, 1, live=False))
    observation = observe(Detection(1, hits, 0.5, 2, 0), triple)
    assert observation.live_s == pytest.approx(live_s)
    assert observation.hits == 1
    assert observation.exposure_known == (exposure_s is not None)


def test_observe_shortens_live_time_on_bright_ground():
    triple = Triple(*(frame(number, 0.02) for number in range(3)))
    observation = observe(Detection(1, (), 0.5, 2, 0, sensitivity=0.25), triple)
    assert observation.live_s == pytest.approx(0.02 * 0.5 * 0.25)
    assert observation.live_fraction == 0.5


def test_observe_grades_spots_on_live_and_stirred_ground():
    triple = Triple(*(frame(number, 0.02) for number in range(3)))
    spots = {
        (1, 1): {"live": True, "grade": 3},
        (2, 2): {"live": True, "grade": 4, "nuisance": "moves"},
        (3, 3): {"live": False, "stirred": True, "grade": 1},
        (4, 4): {"live": False, "grade": 4},
        (5, 5): {"live": True, "grade": 0},
    }
    hits = tuple(Hit(*place, 0.9, 30, 1, **known) for place, known in spots.items())
    unsure = (Hit(6, 6, 0.2, 30, 1, live=False, stirred=True, grade=4), Hit(7, 7, 0.2, 30, 1, live=True, grade=2))
    observation = observe(Detection(1, hits, 0.5, 2, 0, unsure=unsure, stirred_fraction=0.25, sensitivity=0.8), triple)
    assert observation.graded == ((1, 1, 2), (3, 3, 4), (6, 6, 7), (7, 7, 1))
    assert observation.faint == ((7, 7),)
    assert observation.stirred_s == pytest.approx(0.02 * 0.25 * 0.8)


def test_observe_takes_a_hit_that_nobody_looked_at_for_sure():
    triple = Triple(*(frame(number, 0.02) for number in range(3)))
    hits = (Hit(1, 1, 0.9, 30, 1, live=True), Hit(2, 2, 0.9, 30, 1, live=True, grade=1))
    observation = observe(Detection(1, hits, 1.0, 2, 0), triple)
    assert observation.sure == (True, False)
    assert observation.graded == ((1, 1, SURE_GRADE - 1), (2, 2, 0))


def test_classes_tell_live_ground_from_stirred():
    assert [class_of(grade, live=live) for live in (True, False) for grade in range(1, 5)] == list(range(8))
