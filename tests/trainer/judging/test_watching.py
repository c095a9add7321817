from itertools import repeat

import numpy as np
import pytest

from edge.detect.detector import Detector
from trainer.film.events import HitEvent
from trainer.judging.watching import filmed, watch
from trainer.sensor.camera import OV2710, change

CAMERA = change(OV2710, width=160, height=120, fps=25.0, exposure_s=0.02, readout_s=0.02, hot_fraction=0.0)


def strike(frame, x, y):
    return HitEvent(frame, x, y, np.full((2, 2), 2500.0, np.float32), 30.0, "test")


def test_every_analysed_frame_is_entered_with_its_hits_and_its_live_time(bundle):
    events = [strike(2, 50, 40), strike(2, 120, 80), strike(4, 30, 90)]
    truth = {}
    ground = np.full((120, 160, 3), 60, np.uint8)
    seen = watch(filmed(CAMERA, repeat(ground, 7), events, truth, seed=1), Detector(bundle), truth)
    assert seen.frames == 5
    assert seen.time_s == pytest.approx(np.arange(1, 6) / 25)
    assert seen.true_hits.tolist() == seen.found.tolist() == seen.live_hits.tolist() == [0, 2, 0, 1, 0]
    assert np.array_equal(seen.live_true_hits, seen.live_hits)
    assert seen.ground_dn == pytest.approx([60, 60, 60], abs=3)
    assert seen.reported.all()
    assert not seen.false_hits.any()
    assert seen.exposed_s == pytest.approx(0.02)
    assert seen.live_ground_s == pytest.approx(5 * 0.02, rel=0.05)
    assert seen.live_s == seen.live_ground_s
    assert (seen.sensitivity == 1).all()


def test_without_truth_every_hit_is_false(bundle):
    ground = np.full((120, 160, 3), 60, np.uint8)
    seen = watch(filmed(CAMERA, repeat(ground, 4), [strike(1, 50, 40)], {}, seed=1), Detector(bundle))
    assert seen.false_hits.tolist() == [1, 0]
    assert not seen.true_hits.any()
    assert not seen.live_true_hits.any()
