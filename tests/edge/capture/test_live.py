"""The base of live sources with scripted pictures, times of arrival and losses."""

from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.live_time import observe
from edge.capture.base import Mode
from edge.capture.frame import triples
from edge.capture.live import Clock, LiveSource, LostError, RawPicture
from edge.detect.hit import Detection

pytestmark = pytest.mark.timeout(60)

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Scripted(LiveSource):
    """Delivers a picture for each time of arrival; None stands for a loss. Times are those of a clock of its own."""

    def __init__(self, arrivals, stamps=None, fps=25.0):
        self.arrivals, self.stamps, self.fps, self.at = arrivals, stamps, fps, -1
        self.now_s = 0.0
        clock = Clock(lambda: self.now_s, lambda: UTC)
        super().__init__("scripted", backlog=len(arrivals) + 1, first_pause_s=0.001, clock=clock)
        self._start()

    def _connect(self):
        self._mode = Mode(64, 64, self.fps, "scripted")

    def _take(self):
        self.at += 1
        if self.at >= len(self.arrivals):
            self._queue.close()
            self._stop.wait()
            raise LostError("over")
        if self.arrivals[self.at] is None:
            raise LostError("unplugged")
        self.now_s = float(self.arrivals[self.at])
        picture = np.random.default_rng(self.at).integers(0, 255, (64, 64), np.uint8)
        return RawPicture(pixels=picture, stamp_s=None if self.stamps is None else self.stamps[self.at])

    def _disconnect(self):
        pass


def live_s(arrivals, **options):
    with Scripted(list(arrivals), **options) as source:
        return [observe(Detection(1, (), 1.0, 0, 0), triple).live_s for triple in triples(source)]


@pytest.mark.parametrize("bunch", [1, 5, 12])
@pytest.mark.parametrize("fps", [25.0, 0.0], ids=["declared", "undeclared"])
def test_live_time_does_not_depend_on_bunches(bunch, fps):
    even = live_s(np.arange(1000) * 0.04, fps=fps)
    bunched = live_s((np.arange(1000) // bunch + 1) * bunch * 0.04, fps=fps)
    assert sum(even) == pytest.approx(998 * 0.04)
    assert sum(bunched) == pytest.approx(sum(even), rel=0.03)


def test_live_time_of_a_slow_camera_is_learnt():
    assert live_s(np.arange(400) / 6, fps=25.0)[-1] == pytest.approx(1 / 6, rel=0.01)


def test_live_time_from_stamps_leaves_out_lost_frames():
    stamps = np.delete(np.arange(1000) * 0.04, np.arange(50, 990, 10))
    arrivals = (np.arange(stamps.size) // 5 + 1) * 5 * 0.04
    seconds = live_s(arrivals, stamps=stamps, fps=30.0)
    assert seconds[40:] == pytest.approx(np.full(len(seconds) - 40, 0.04))
    assert len(seconds) == stamps.size - 2 - 2 * 94


def test_live_period_survives_a_loss():
    arrivals = [*np.arange(200) * 0.1, None, *(np.arange(200) * 0.1 + 90)]
    assert live_s(arrivals, fps=25.0)[-1] == pytest.approx(0.1, rel=0.01)
