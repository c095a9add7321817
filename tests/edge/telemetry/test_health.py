from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.capture.base import Report
from edge.capture.frame import Frame, Triple
from edge.config.device import AlarmSettings
from edge.detect.hit import Detection, Hit
from edge.pipeline import AnalysedFrame
from edge.telemetry.health import Tally, temperature_c
from edge.telemetry.messages import Health, Stamp
from edge.telemetry.outbox import Outbox

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def health(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite", 100)
    tracker = AlarmTracker(AlarmSettings())

    def make(tally, now_s, faults=()):
        fields = tally.health(tracker, outbox, Report(delivered=5, dropped=2, damaged=1), faults, now_s)
        return Stamp("s", "d", "b").make(Health, NOW, **fields)

    yield make
    outbox.close()


def analysed(live_fraction=0.5, exposure_s=0.02, stage_ms=None):
    frame = Frame(1, 0.04, NOW, np.zeros((64, 64), np.uint8), exposure_s=exposure_s)
    observed = Observation(1, 0.04, NOW, 1, 0.02 * live_fraction, 0.04, True, live_fraction, 3)  # noqa: FBT003
    hit = Hit(10, 10, 0.9, 80.0, 4, live=True)
    detection = Detection(1, (hit,), live_fraction, candidates=4, unclassified=3)
    return AnalysedFrame(Triple(frame, frame, frame), detection, observed, (), stage_ms or {})


def test_health_counts_from_the_start_and_averages_the_span(health):
    tally = Tally(100.0)
    for number in range(50):
        tally.add(analysed(stage_ms={"decode": 2.0}), 100.0 + number * 0.04)
    first = health(tally, 102.0)
    assert (first.frames, first.hits, first.unclassified) == (50, 50, 150)
    assert (first.fps, first.live_fraction, first.exposure_s) == (25.0, 0.5, 0.02)
    assert first.live_s_per_s == pytest.approx(0.25)
    assert first.stage_ms == {"decode": 2.0}
    assert (first.dropped, first.damaged, first.uptime_s) == (2, 1, 2.0)
    assert first.faults == ()
    second = health(tally, 104.0)
    assert (second.frames, second.fps, second.live_fraction) == (50, 0.0, None)


def test_health_names_a_silent_and_a_blinded_camera(health):
    tally = Tally(100.0)
    tally.add(analysed(0.01, None), 100.0)
    faults = health(tally, 115.0, ("the broker is away",)).faults
    assert faults[0].startswith("only 1% of the picture can show a hit")
    assert faults[1].startswith("no frame analysed for 15 s")
    assert faults[2] == "the broker is away"


@pytest.mark.parametrize(("content", "degrees"), [("48231\n", 48.231), ("", None), ("hot", None)])
def test_temperature_is_none_where_the_board_has_none(tmp_path, content, degrees):
    (tmp_path / "temp").write_text(content)
    assert temperature_c(tmp_path / "temp") == degrees
    assert temperature_c(tmp_path / "no") is None
