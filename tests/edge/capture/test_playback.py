import os
import threading
import time
from datetime import datetime, timezone
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest

from edge.capture.base import Mode
from edge.capture.folder import FolderSource
from edge.capture.frame import triples
from edge.capture.live import LiveSource, LostError, RawPicture
from edge.capture.playback import Playback
from edge.capture.view_watch import Reference
from edge.config.device import SourceSettings
from edge.errors import SourceError

FRAMES = 6


@pytest.fixture
def pictures(tmp_path):
    for number in range(FRAMES):
        cv2.imwrite(str(tmp_path / f"{number:03}.png"), np.full((64, 64), number, np.uint8))
    return tmp_path


def playback(pictures, stop=None, **settings):
    return Playback(SourceSettings(spec=str(pictures), fps=25, **settings), stop or threading.Event())


def test_playback_keeps_the_pace_of_a_camera(pictures):
    began = time.monotonic()
    assert len(list(playback(pictures, pace="camera").frames())) == FRAMES
    assert time.monotonic() - began >= (FRAMES - 1) / 25


@pytest.mark.parametrize(("pace", "happens_now"), [("camera", True), ("fast", False)])
def test_playback_in_real_time_happens_now(pictures, pace, happens_now):
    for picture in pictures.iterdir():
        os.utime(picture, (1e9, 1e9))
    began = datetime.now(timezone.utc)
    first = next(playback(pictures, pace=pace).frames())
    assert (first.utc >= began) is happens_now


def test_playback_in_a_loop_goes_on_without_a_seam(pictures):
    player = playback(pictures, pace="fast", loop=True)
    frames = list(islice(player.frames(), 3 * FRAMES))
    player.close()
    assert [int(frame.grey[0, 0]) for frame in frames] == list(range(FRAMES)) * 3
    assert all(earlier.utc < later.utc for earlier, later in pairwise(frames))
    steps = np.diff([frame.monotonic_s for frame in frames])
    assert steps == pytest.approx(np.full(3 * FRAMES - 1, 0.04))
    assert len(list(triples(frames))) == 3 * (FRAMES - 2)


def test_playback_ends_at_once_when_stopped(pictures):
    stop = threading.Event()
    player = playback(pictures, stop, pace="camera", loop=True)
    frames = player.frames()
    next(frames)
    stop.set()
    assert list(frames) == []
    player.close()


def test_playback_stopped_before_a_first_frame_is_no_fault(pictures, monkeypatch):
    stop = threading.Event()
    player = playback(pictures, stop, pace="fast", loop=True)
    read = FolderSource.__iter__

    def stopped_while_reading(source):
        stop.set()
        return read(source)

    monkeypatch.setattr(FolderSource, "__iter__", stopped_while_reading)
    assert list(player.frames()) == []
    player.close()


def test_playback_frames_have_the_exposure_of_the_settings(pictures):
    assert next(playback(pictures, pace="fast", exposure_s=0.01).frames()).exposure_s == 0.01


def test_playback_expects_the_calibrated_view_of_every_opening(pictures, monkeypatch):
    reference = Reference(0.4, 70.0, np.zeros((36, 64), np.float32))
    expected = []
    monkeypatch.setattr(FolderSource, "expect", lambda _, shown: expected.append(shown))
    played = playback(pictures, pace="fast", loop=True)
    played.expect(reference)
    list(islice(played.frames(), FRAMES + 2))
    assert expected == [reference, reference]


def test_playback_refuses_a_missing_source(tmp_path):
    with pytest.raises(SourceError):
        playback(tmp_path / "none")


def test_playback_in_a_loop_counts_all_rounds(pictures):
    player = playback(pictures, pace="fast", loop=True)
    list(islice(player.frames(), 3 * FRAMES - 2))
    assert player.report.delivered == 3 * FRAMES - 2
    player.close()


class Camera(LiveSource):
    """A camera that fails as its script says: at opening, or after some pictures."""

    script = ()  # of each opening an error, or how many pictures come before the next fault
    opened = 0

    def __init__(self):
        super().__init__("/dev/video7", first_pause_s=0.01)
        self._left = 0
        self._start()

    def _connect(self):
        fault = self.script[min(Camera.opened, len(self.script) - 1)]
        Camera.opened += 1
        if isinstance(fault, Exception):
            raise fault
        self._mode = Mode(64, 64, 25.0, "grey")
        self._left = fault

    def _take(self):
        if self._left == 0:
            raise RuntimeError("the driver has a bug")
        if self._left < 0:
            raise LostError("unplugged")
        self._left -= 1
        return RawPicture(pixels=np.full((64, 64), self._left, np.uint8))

    def _disconnect(self):
        pass


@pytest.fixture
def camera(monkeypatch):
    def make(*script):
        Camera.script, Camera.opened = script, 0
        monkeypatch.setattr("edge.capture.playback.open_source", lambda *_given, **_named: Camera())
        monkeypatch.setattr("edge.capture.playback.FIRST_PAUSE_S", 0.01)
        return Playback(SourceSettings(spec="/dev/video7"), threading.Event())

    return make


def test_playback_opens_a_camera_that_comes_later(camera):
    missing = SourceError("/dev/video7", "no such device", "plug the camera in")
    player = camera(missing, missing, 3, missing, 3)
    assert (player.mode, player.faults) == (None, {})
    frames = player.frames()
    first = next(frames)
    assert (first.sequence, player.faults, player.mode.width) == (0, {}, 64)
    rest = list(islice(frames, 5))
    assert [frame.sequence for frame in rest] == [1, 2, 4, 5, 6]
    assert player.report.delivered == 6
    player.interrupt()
    assert list(frames) == []


def test_playback_says_why_a_camera_cannot_be_opened(camera):
    player = camera(SourceError("/dev/video7", "no such device", "plug the camera in"))
    waiting = threading.Thread(target=lambda: list(player.frames()))
    waiting.start()
    deadline = time.monotonic() + 10
    while not player.faults:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert player.faults == {"lost": "/dev/video7: no such device; plug the camera in"}
    assert time.monotonic() - player.beat_s < 2
    player.interrupt()
    waiting.join(5)
    assert not waiting.is_alive()
