"""A fake device at the OpenCV boundary; a real one behind the marker `hardware`."""

import threading
import time
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest

from edge.capture import live, v4l2
from edge.capture.controls import Held, Wanted
from edge.capture.frame import triples
from edge.capture.newest_queue import NewestQueue
from edge.capture.v4l2 import V4l2Source
from edge.errors import SourceError

pytestmark = pytest.mark.timeout(120)

MJPG, YUYV = (cv2.VideoWriter.fourcc(*name) for name in ("MJPG", "YUYV"))


class Camera:
    """Behaves as OpenCV's V4L2 backend does for a UVC camera; `plugged` and `hangs` say what goes wrong."""

    def __init__(self, jpegs, fourcc=MJPG, size=None, fps=30.0, lost=()):
        self.jpegs, self.fourcc, self.size, self.fps, self.lost = jpegs, fourcc, size, fps, set(lost)
        self.asked, self.opened, self.released, self.at = [], 0, 0, 0
        self.values = {}
        self.plugged, self.hangs = threading.Event(), threading.Event()
        self.plugged.set()
        self.enough = threading.Event()

    def open(self, device, backend):
        assert (device, backend) == ("/dev/video0", cv2.CAP_V4L2)
        self.opened += 1
        return self

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return self.plugged.is_set()

    def set(self, name, value):
        self.asked.append(name)
        self.values[name] = value
        return True

    def get(self, name):
        if name == cv2.CAP_PROP_FOURCC:
            return float(self.fourcc)
        if name == cv2.CAP_PROP_FPS:
            return self.fps
        if name == cv2.CAP_PROP_POS_MSEC:
            return 1000 * self.at / self.fps
        place = {cv2.CAP_PROP_FRAME_WIDTH: 0, cv2.CAP_PROP_FRAME_HEIGHT: 1}[name]
        return float(self.size[place] if self.size else self.values[name])

    def read(self):
        time.sleep(0.004)
        self.at += 1
        while self.at in self.lost:
            self.at += 1
        if not self.plugged.is_set() or self.at > len(self.jpegs):
            self.enough.wait(0.05)
            return False, None
        jpeg = self.jpegs[self.at - 1]
        if self.fourcc == MJPG:
            return True, np.frombuffer(jpeg + b"\0" * 9, np.uint8)[None]
        return True, cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)

    def release(self):
        self.released += 1
        if self.hangs.is_set():
            self.enough.wait(60)
            self.hangs.clear()


@pytest.fixture
def plug(monkeypatch, make_jpeg):
    def make(count=30, **options):
        camera = Camera([make_jpeg(number) for number in range(count)], **options)
        monkeypatch.setattr(v4l2, "_check_device", lambda _device: None)
        monkeypatch.setattr(cv2, "VideoCapture", camera.open)
        monkeypatch.setattr(V4l2Source, "_expose", lambda self: setattr(self, "_held", Held(exposure_s=0.033)))
        return camera

    return make


def take(source, count):
    return [frame for frame, _ in zip(source, range(count), strict=False)]


def test_v4l2_negotiates_the_mode_in_order(plug, make_jpeg):
    camera = plug(size=(1280, 720), fps=30.0)
    with V4l2Source("/dev/video0", size=(1920, 1080), fps=25) as source:
        frames = take(source, 4)
    order = [
        cv2.CAP_PROP_FOURCC,
        cv2.CAP_PROP_FRAME_WIDTH,
        cv2.CAP_PROP_FRAME_HEIGHT,
        cv2.CAP_PROP_FPS,
        cv2.CAP_PROP_CONVERT_RGB,
    ]
    assert camera.asked[:5] == order
    assert camera.values[cv2.CAP_PROP_CONVERT_RGB] == 0
    assert "the camera delivers 1280x720 instead of the 1920x1080 asked for" in source.report.warnings
    assert "the camera delivers 30 frames a second instead of the 25 asked for" in source.report.warnings
    assert frames[2].jpeg == make_jpeg(frames[2].sequence)
    assert frames[2].exposure_s == 0.033
    assert camera.released >= 1


def test_v4l2_warns_of_a_camera_without_motion_jpeg(plug, numbers):
    plug(fourcc=YUYV)
    with V4l2Source("/dev/video0") as source:
        frames = take(source, 3)
    assert frames[0].jpeg is None
    assert numbers(frames)[0] == frames[0].sequence
    assert any("no Motion JPEG" in warning for warning in source.report.warnings)


def test_v4l2_leaves_a_gap_for_frames_the_driver_lost(plug, monkeypatch):
    monkeypatch.setattr(
        live, "NewestQueue", lambda _depth: NewestQueue(30)
    )  # nothing is dropped, however busy the machine
    plug(count=30, lost=(12, 13, 20))
    frames = []
    with V4l2Source("/dev/video0") as source:
        for frame in source:
            frames.append(frame)
            if frame.sequence >= 28:
                break
    sequences = [frame.sequence for frame in frames]
    assert source._missed == 3
    assert source.report.dropped >= 3
    assert not {11, 12, 19} & set(sequences)
    assert {10, 13, 18, 20} <= set(sequences)
    middles = {triple.current.sequence for triple in triples(frames)}
    assert not {10, 13, 18, 20} & middles
    assert 15 in middles


def test_v4l2_reopens_an_unplugged_camera(plug):
    camera = plug(count=6)
    with V4l2Source("/dev/video0", first_pause_s=0.01) as source:
        camera.plugged.clear()
        while not source.report.losses:
            time.sleep(0.01)
        camera.at = 0
        camera.plugged.set()
        while source.report.reconnects == 0:
            time.sleep(0.01)
    assert source.report.losses["the camera delivers no picture any more"] >= 1


def test_v4l2_close_does_not_wait_for_a_hanging_driver(plug, monkeypatch):
    monkeypatch.setattr(live, "CLOSE_LIMIT_S", 0.3)
    camera = plug()
    source = V4l2Source("/dev/video0")
    camera.hangs.set()
    source.close()
    assert camera.hangs.is_set()
    assert any("left to itself" in warning for warning in source.report.warnings)
    camera.enough.set()


def test_v4l2_refuses_a_camera_without_pictures(plug):
    plug(count=0)
    with pytest.raises(SourceError, match=r"delivers no picture \(the camera delivers no picture any more\)"):
        V4l2Source("/dev/video0")


def test_v4l2_refuses_a_camera_in_use(plug):
    plug().plugged.clear()
    with pytest.raises(SourceError, match="another program may hold it"):
        V4l2Source("/dev/video0")


class Controls:
    """Controls of a camera that forgets them when it is opened or reset."""

    values: ClassVar = {}

    def __init__(self, device):
        assert device == "/dev/video0"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def get(self, number):
        return self.values.get(number)


@pytest.fixture
def controlled(monkeypatch, make_jpeg):
    """Return a camera with controls, and a list of what was asked of them."""
    asked = []
    camera = Camera([make_jpeg(number) for number in range(400)])

    def fix(controls, wanted):
        asked.append((controls.values.copy(), wanted))
        controls.values[7] = 200
        return Held(0.0199, 7.0, camera.refused, {"gain": "the camera hums"}, {7: 200})

    camera.refused = ()
    monkeypatch.setattr(Controls, "values", {})
    monkeypatch.setattr(v4l2, "_check_device", lambda _device: None)
    monkeypatch.setattr(cv2, "VideoCapture", camera.open)
    monkeypatch.setattr(v4l2, "Controls", Controls)
    monkeypatch.setattr(v4l2, "fix_controls", fix)
    return camera, asked


def until(condition, seconds=30):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.005)


def test_v4l2_fixes_its_controls_when_it_opens(controlled):
    _, asked = controlled
    wanted = Wanted(0.02, 8, 4500)
    with V4l2Source("/dev/video0", wanted=wanted) as source:
        frame = take(source, 1)[0]
    assert asked[0] == ({}, wanted)
    assert (frame.exposure_s, frame.gain) == (0.0199, 7.0)
    assert "the camera hums" in source.report.warnings
    assert source.faults == ()


def test_v4l2_sets_its_controls_again_after_a_replug(controlled):
    camera, asked = controlled
    with V4l2Source("/dev/video0", first_pause_s=0.01) as source:
        camera.plugged.clear()
        until(lambda: [fault.name for fault in source.faults] == ["lost"])
        assert source.faults[0].text.startswith("camera lost: ")
        Controls.values.clear()
        camera.at = 0
        camera.plugged.set()
        until(lambda: not source.faults)
        changes = source.take_changes()
    assert [(change.fault.name, change.begins) for change in changes][:2] == [("lost", True), ("lost", False)]
    assert asked[-1][0] == {}
    assert len(asked) >= 2


def test_v4l2_sets_controls_again_that_were_lost(controlled, monkeypatch):
    monkeypatch.setattr(v4l2, "CONTROLS_CHECK_S", 0.05)
    _, asked = controlled
    with V4l2Source("/dev/video0") as source:
        source._controls_pause_s = 0.05
        Controls.values[7] = 1
        until(lambda: len(asked) == 2)
        until(lambda: any("set again" in warning for warning in source.report.warnings))
        time.sleep(0.2)
    assert len(asked) == 2


def test_v4l2_tells_refused_controls_until_they_are_accepted(controlled):
    camera, _ = controlled
    camera.refused = ("its automatic gain stays on",)
    with V4l2Source("/dev/video0") as source:
        source._controls_pause_s = 0.05
        fault = source.faults[0]
        camera.refused = ()
        until(lambda: not source._refused)
        time.sleep(0.6)
        assert source.faults == ()
    assert (fault.name, fault.detail) == ("controls", "its automatic gain stays on")
    assert "v4l2-ctl" in fault.remedy


def test_v4l2_refuses_a_plain_file(tmp_path):
    (tmp_path / "video0").write_bytes(b"")
    with pytest.raises(SourceError, match="is no camera device"):
        V4l2Source(str(tmp_path / "video0"))


@pytest.mark.hardware
@pytest.mark.skipif(not Path("/dev/video0").exists(), reason="no camera at /dev/video0")
def test_v4l2_real_camera_delivers_at_a_fixed_exposure():
    with V4l2Source("/dev/video0", wanted=Wanted(exposure_s=0.02)) as source:
        frames = take(source, 100)
    assert source.report.damaged < 5
    assert frames[-1].jpeg is not None
    assert frames[-1].exposure_s == pytest.approx(0.02, rel=0.1)
