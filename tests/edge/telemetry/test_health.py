from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.condition import situation_of
from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.capture.frame import Frame, Triple
from edge.capture.report import Report
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

    def make(tally, now_s, faults=None):
        situation = situation_of(tracker, AlarmSettings())
        fields = tally.health(situation, outbox, Report(delivered=52, dropped=2, damaged=1), faults or {}, now_s)
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
    assert (first.delivered, first.not_analysed) == (55, 2)
    assert (first.condition, first.alarm_stands) == ("learning", False)
    assert first.reasons[0].startswith("not calibrated")
    assert [rate.window_s for rate in first.recent] == [10, 60]
    assert first.faults == ()
    second = health(tally, 104.0)
    assert (second.frames, second.fps, second.live_fraction) == (50, 0.0, None)


def test_tally_names_a_silent_and_a_blinded_camera():
    tally = Tally(100.0)
    for number in range(25):
        assert tally.faults(100.0) == {}
        tally.add(analysed(0.01, None), 100.0 + number * 0.04)
    faults = tally.faults(116.0)
    assert faults["view"].startswith("only 1% of the picture can show a hit")
    assert faults["frames"] == "no frame analysed for 15 s: check the camera"


def test_health_before_the_first_frame_is_learning(tmp_path):
    outbox = Outbox(tmp_path / "outbox.sqlite", 100)
    fields = Tally(0.0).health(None, outbox, Report(), {"camera": "no such device"}, 5.0)
    message = Stamp("s", "d", "b").make(Health, NOW, **fields)
    assert (message.condition, message.reasons) == ("learning", ("the camera has delivered no frame yet",))
    assert message.faults == ("no such device",)
    outbox.close()


def test_health_bounds_its_faults(health):
    faults = {f"{number}": f"{number} " + "x" * 1000 for number in range(2000)}
    message = health(Tally(100.0), 101.0, faults)
    assert len(message.faults) == 21
    assert message.faults[-1] == "and 1980 more"
    assert sum(map(len, message.faults)) < 10_000


@pytest.mark.parametrize(("content", "degrees"), [("48231\n", 48.231), ("", None), ("hot", None)])
def test_temperature_is_none_where_the_board_has_none(tmp_path, content, degrees):
    (tmp_path / "temp").write_text(content)
    assert temperature_c(tmp_path / "temp") == degrees
    assert temperature_c(tmp_path / "no") is None
