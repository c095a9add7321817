"""From a few hits a frame to a picture covered with them: the alarm comes, stays, and its rate rises with the field."""

from datetime import datetime, timedelta, timezone
from functools import cache

import cv2
import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.tracker import AlarmTracker
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.frame import Frame
from edge.config.device import AlarmSettings
from edge.detect.detector import Detector
from edge.pipeline import analysed_frames

FPS = 25.0
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
QUIET = 15


@cache
def scene(width, height):
    rng = np.random.default_rng(0)
    coarse = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 20)
    fine = cv2.GaussianBlur(rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.5)
    fine[:, : width // 2] *= 0.1
    return np.clip(70 + 20 * coarse / coarse.std() + 10 * fine / fine.std(), 16, 200)


def picture(rng, width, height, hits, sigma_px):
    """Film one frame of a still scene with noise and so many hits, through JPEG."""
    count = rng.poisson(hits)
    charge = np.zeros((height, width), np.float32)
    places = rng.integers(0, height, count), rng.integers(0, width, count)
    np.add.at(charge, places, rng.exponential(60, count).astype(np.float32) + 15)
    kernel = cv2.getGaussianKernel(11, sigma_px) if sigma_px else np.array([0.5, 1, 0.5])
    spread = cv2.sepFilter2D(charge, -1, kernel / kernel.max(), kernel / kernel.max())
    grey = np.clip(scene(width, height) + spread + rng.normal(0, 2, (height, width)), 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 85])[1], cv2.IMREAD_GRAYSCALE)


def film(size, hits_of_frames, sigma_px):
    rng = np.random.default_rng(1)
    for number, hits in enumerate(hits_of_frames):
        time_s = number / FPS
        grey = picture(rng, *size, hits, sigma_px)
        yield Frame(number, time_s, START + timedelta(seconds=time_s), grey, exposure_s=1 / FPS)


def watch(size, hits_of_frames, sigma_px):
    """Return the alarm steps and the rate of the last ten seconds, per live second."""
    tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    detector = Detector(load_bundle(shipped_bundle_path()))
    frames = film(size, hits_of_frames, sigma_px)
    steps = [step for analysed in analysed_frames(frames, detector, tracker) for step in analysed.alarms]
    return steps, tracker.recent.over(10)


VGA, HD = (640, 480), (1920, 1080)


@pytest.mark.parametrize("sigma_px", [0, 1.3], ids=["narrow", "wide"])
@pytest.mark.parametrize(
    ("size", "hits"),
    [(VGA, 10), (VGA, 50), (VGA, 450), (VGA, 850), (VGA, 3000), (HD, 64), (HD, 20_000), (HD, 150_000)],
)
def test_strong_field_alarms_within_a_second(size, hits, sigma_px):
    steps, recent = watch(size, [0] * QUIET + [hits] * 14, sigma_px)
    assert steps[0].state == "raised"
    assert steps[0].time_s - QUIET / FPS < 0.6
    assert {step.state for step in steps} <= {"raised", "updated"}
    # Ten seconds of live time hold fourteen frames with hits: the counted rate never exceeds what is there.
    assert recent.interval_hz[0] <= hits * 14 / recent.live_s * 1.1
    if hits >= 3000:
        assert steps[0].lower_limit


@pytest.mark.parametrize("sigma_px", [0, 1.3], ids=["narrow", "wide"])
def test_strong_field_rate_rises_with_the_field(sigma_px):
    rates = [watch(VGA, [0] * QUIET + [hits] * 8, sigma_px)[1].rate_hz for hits in (20, 60, 200, 600, 2000, 20_000)]
    assert rates == sorted(rates)


def test_strong_field_that_rises_is_never_cleared():
    steps, _ = watch((320, 240), [0] * QUIET + [5] * 50 + [260] * 1200, 1.3)
    assert steps[0].state == "raised"
    assert {step.state for step in steps[1:]} == {"updated"}
    assert all(step.rate_interval_hz[0] <= 260 * FPS for step in steps)
