from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.live_time import observe
from edge.capture.frame import Frame, Triple
from edge.detect.hit import Detection, Hit

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
