"""A fake picamera2, as the library exists on Raspberry Pi OS only; it lays out its buffers as the real one does."""

import sys
import threading
import time
import types

import cv2
import numpy as np
import pytest

from edge.capture.picamera import PicameraSource, unpad_i420
from edge.capture.source import open_source
from edge.errors import SourceError


def padded_i420(bgr, stride):
    """Planar YUV 4:2:0 with lines of `stride` bytes, the chroma lines of half of that."""
    height, width = bgr.shape[:2]
    planes = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420).ravel()
    luma = np.full((height, stride), 7, np.uint8)
    luma[:, :width] = planes[: height * width].reshape(height, width)
    chroma = np.full((height, stride // 2), 7, np.uint8)
    chroma[:, : width // 2] = planes[height * width :].reshape(height, width // 2)
    return np.concatenate([luma.ravel(), chroma.ravel()]).reshape(height * 3 // 2, stride)


pytestmark = pytest.mark.timeout(120)


class Request:
    def __init__(self, camera, number):
        self.camera, self.number = camera, number

    def make_array(self, name):
        assert name == "main"
        if self.number == self.camera.breaks_at:
            raise RuntimeError("no buffer")
        width, height = self.camera.size
        return padded_i420(np.full((height, width, 3), 40 + self.number, np.uint8), self.camera.stride)

    def get_metadata(self):
        return {"ExposureTime": 19987, "AnalogueGain": 2.5, "SensorTimestamp": 10**9 + 40_000_000 * self.number}

    def release(self):
        self.camera.held -= 1


class Picamera2:
    instances = ()
    stride, breaks_at, fails = 128, None, None

    def __init__(self, number):
        if number > 0:
            raise IndexError("list index out of range")
        self.held = self.max_held = self.taken = 0
        self.calls, self.size, self.closed = [], None, False
        self.idle = threading.Event()
        type(self).instances = (*type(self).instances, self)

    def create_video_configuration(self, main, buffer_count, controls):
        return {"main": main, "buffer_count": buffer_count, "controls": controls}

    def configure(self, configuration):
        self.configuration, self.size = configuration, configuration["main"]["size"]

    def camera_configuration(self):
        return self.configuration

    def start(self):
        if self.fails:
            raise RuntimeError(self.fails)

    def capture_request(self, wait):
        assert wait > 0
        if self.taken >= 12:
            self.idle.wait(0.05)
            raise TimeoutError
        self.held += 1
        self.max_held = max(self.held, self.max_held)
        self.taken += 1
        return Request(self, self.taken)

    def close(self):
        self.closed = True


@pytest.fixture
def library(monkeypatch):
    kind = type("Picamera2", (Picamera2,), {})
    monkeypatch.setitem(sys.modules, "picamera2", types.SimpleNamespace(Picamera2=kind))
    return kind


def test_picamera_grey_is_its_brightness(library):
    with open_source("csi:0", size=(96, 80), fps=25, exposure_s=0.02, gain=2.5) as source:
        frame = next(iter(source))
        camera = library.instances[0]
    assert frame.grey.shape == (80, 96)
    assert frame.jpeg is None
    assert np.unique(frame.grey).size == 1
    assert np.abs(frame.colour().astype(int) - (40 + frame.sequence + 1)).max() <= 3
    assert (frame.exposure_s, frame.gain) == (pytest.approx(0.019987), 2.5)
    asked = camera.configuration["controls"]
    assert asked["FrameDurationLimits"] == (40000, 40000)
    assert (asked["AeEnable"], asked["ExposureTime"], asked["AnalogueGain"]) == (False, 20000, 2.5)
    assert asked["NoiseReductionMode"] == 0
    assert frame.decode_ms == 0
    assert camera.closed
    assert camera.held == 0
    assert camera.max_held == 1


def test_picamera_releases_a_request_with_a_broken_buffer(library):
    library.breaks_at = 3
    with PicameraSource(0, size=(96, 80)) as source, pytest.raises(RuntimeError, match="no buffer"):
        list(source)
    assert library.instances[0].held == 0
    assert library.instances[0].closed


def test_picamera_is_reopened_when_it_falls_silent(library):
    with PicameraSource(0, size=(96, 80), first_pause_s=0.01) as source:
        sequences = [frame.sequence for frame, _ in zip(source, range(16), strict=False)]
    assert len(library.instances) >= 2
    assert source.report.reconnects >= 1
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize(
    ("number", "fails", "words"),
    [(1, None, "csi:1: does not start"), (0, "Camera in use\nmore", r"does not start \(Camera in use\)")],
)
def test_picamera_that_does_not_start_is_refused(library, number, fails, words):
    library.fails = fails
    with pytest.raises(SourceError, match=words):
        PicameraSource(number, size=(96, 80))


def test_picamera_refuses_odd_sizes(library):
    with pytest.raises(SourceError, match="even sides"):
        PicameraSource(0, size=(97, 80))
    assert library.instances == ()


@pytest.mark.parametrize("stride", [96, 128, 192])
def test_unpad_i420_removes_the_padding_of_lines(stride):
    picture = np.random.default_rng(2).integers(0, 256, (82, 96, 3), dtype=np.uint8)
    plain = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    assert np.array_equal(unpad_i420(padded_i420(picture, stride), 96, 82), plain)


LINE_S = 18.904e-6  # of an IMX219: exposures are whole lines
DELAY = 3  # frames until a control is in force, as libcamera has it


class ControlledRequest(Request):
    def make_array(self, name):
        assert name == "main"
        width, height = self.camera.size
        noise = np.random.default_rng(self.number).integers(-4, 5, (height, width, 1))
        return padded_i420((80 + noise).repeat(3, axis=2).astype(np.uint8), self.camera.stride)

    def get_metadata(self):
        asked = self.camera.configuration["controls"] if self.number > DELAY else {}
        shortest_us, _ = self.camera.configuration["controls"]["FrameDurationLimits"]
        exposure_us = min(asked.get("ExposureTime", 10_000), shortest_us - 100)
        white = asked.get("ColourGains", (1.8, 1.6)) if asked.get("AwbEnable") is False else (1.9, 1.4)
        return {
            "ExposureTime": round(exposure_us * 1e-6 / LINE_S) * LINE_S * 1e6,
            "AnalogueGain": round(min(max(asked.get("AnalogueGain", 1.0), 1.0), 10.67), 2),
            "ColourGains": self.camera.fixed_white or white,
            "SensorTimestamp": 10**9 + 40_000_000 * self.number,
        }


@pytest.fixture
def controlled(library):
    """Return a camera that quantises, limits and delays its controls like a sensor behind libcamera."""

    def capture_request(self, wait):
        del wait
        self.held += 1
        self.taken += 1
        self.idle.wait(0.002)
        return ControlledRequest(self, self.taken)

    library.capture_request = capture_request
    library.fixed_white = None
    return library


def after_reading_back(**asked):
    """Return the newest frame, and what the source says of its controls once it has read them back."""
    with open_source("csi:0", size=(96, 80), fps=25, **asked) as source:
        began_s = time.monotonic()
        for frame in source:
            refused = [fault.detail for fault in source.faults if fault.name == "controls"]
            if frame.sequence >= 60 and (refused or time.monotonic() - began_s > 1.5):
                return frame, refused
    raise AssertionError("the camera has ended")


def test_picamera_reads_its_controls_back(controlled):
    frame, refused = after_reading_back(exposure_s=0.02, gain=2.5, white_balance=(1.7, 1.5))
    assert (frame.exposure_s, frame.gain) == (pytest.approx(0.02, abs=LINE_S), 2.5)
    assert refused == []
    asked = controlled.instances[0].configuration["controls"]
    assert (asked["AwbEnable"], asked["ColourGains"]) == (False, (1.7, 1.5))


@pytest.mark.parametrize(
    ("asked", "white", "words"),
    [
        pytest.param({"gain": 16.0}, None, "a gain of 10.7 instead of 16", id="gain"),
        pytest.param({"exposure_s": 0.08}, None, "instead of 80 ms", id="longer than a frame"),
        pytest.param({"white_balance": (3.0, 1.5)}, (1.9, 1.4), "colour gains 1.9 and 1.4", id="white balance"),
    ],
)
def test_picamera_tells_refused_controls(controlled, asked, white, words):
    controlled.fixed_white = white
    _, refused = after_reading_back(**{"exposure_s": 0.02, **asked})
    assert len(refused) == 1
    assert words in refused[0]


def test_picamera_with_a_fixed_exposure_fixes_its_gain(controlled):
    frame, refused = after_reading_back(exposure_s=0.02)
    assert (frame.gain, refused) == (1.0, [])
    assert controlled.instances[0].configuration["controls"]["AnalogueGain"] == 1.0
