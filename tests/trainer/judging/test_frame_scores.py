from itertools import repeat

import numpy as np
import pytest

from edge.detect.detector import Detector
from trainer.filming.events import HitEvent
from trainer.filming.frames import simulated_frames
from trainer.judging.frame_scores import score_frames
from trainer.sensor.camera import OV2710, change

CAMERA = change(
    OV2710, width=160, height=120, fps=25.0, exposure_s=0.02, readout_s=0.02, hot_fraction=0.0, defect_correction=False
)


def strike(frame, x, y):
    return HitEvent(frame, x, y, np.full((2, 2), 2500.0, np.float32), 30.0, "test")


def test_score_frames_counts_hits_and_live_time(bundle):
    events = [strike(2, 50, 40), strike(2, 120, 80), strike(4, 30, 90)]
    truth = {}
    ground = np.full((120, 160, 3), 60, np.uint8)
    scores = score_frames(simulated_frames(CAMERA, repeat(ground, 7), events, truth, seed=1), Detector(bundle), truth)
    assert scores.frames == 5
    assert scores.time_s == pytest.approx(np.arange(1, 6) / 25)
    assert scores.true_hits.tolist() == scores.found.tolist() == scores.live_hits.tolist() == [0, 2, 0, 1, 0]
    assert np.array_equal(scores.live_true_hits, scores.live_hits)
    assert scores.ground_dn == pytest.approx([60, 60, 60], abs=3)
    assert scores.reported.all()
    assert not scores.false_hits.any()
    assert scores.exposed_s == pytest.approx(0.02)
    assert scores.live_ground_s == pytest.approx(5 * 0.02, rel=0.05)
    assert scores.live_s == scores.live_ground_s
    assert (scores.sensitivity == 1).all()


def test_score_frames_without_truth_finds_false_hits(bundle):
    ground = np.full((120, 160, 3), 60, np.uint8)
    scores = score_frames(
        simulated_frames(CAMERA, repeat(ground, 4), [strike(1, 50, 40)], {}, seed=1), Detector(bundle)
    )
    assert scores.false_hits.tolist() == [1, 0]
    assert not scores.true_hits.any()
    assert not scores.live_true_hits.any()
