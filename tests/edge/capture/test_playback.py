import os
import threading
import time
from datetime import datetime, timezone
from itertools import islice, pairwise

import cv2
import numpy as np
import pytest

from edge.capture.frame import triples
from edge.capture.playback import Playback
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
    read = type(player.source).__iter__

    def stopped_while_reading(source):
        stop.set()
        return read(source)

    monkeypatch.setattr(type(player.source), "__iter__", stopped_while_reading)
    assert list(player.frames()) == []
    player.close()


def test_playback_frames_have_the_exposure_of_the_settings(pictures):
    assert next(playback(pictures, pace="fast", exposure_s=0.01).frames()).exposure_s == 0.01


def test_playback_refuses_a_missing_source(tmp_path):
    with pytest.raises(SourceError):
        playback(tmp_path / "none")
