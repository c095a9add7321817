from datetime import datetime, timedelta, timezone

import pytest

from edge.alarm.background import Rate
from edge.alarm.state import Identity, read_state, state_of, tracker_of, write_state
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

UTC = datetime(2026, 3, 1, tzinfo=timezone.utc)
IDENTITY = Identity(camera="/dev/video0", width=64, height=48, exposure_s=0.033, gain=None, model_sha256="a" * 64)


@pytest.mark.parametrize(
    ("calibrated_utc", "expected_hz"),
    [
        pytest.param(None, 0.5, id="never calibrated"),
        pytest.param(UTC - timedelta(days=1), 0.5, id="calibrated before"),
        pytest.param(UTC + timedelta(hours=1), 0.05, id="calibrated afterwards"),
    ],
)
def test_state_older_than_the_calibration_gives_way(tmp_path, calibrated_utc, expected_hz):
    path = tmp_path / "alarm.json"
    write_state(path, state_of(AlarmTracker(AlarmSettings(), "gate", Rate(500.0, 1000.0)), IDENTITY, UTC))
    now = UTC + timedelta(hours=2)
    state, reason = read_state(path, IDENTITY, now, calibrated_utc)
    assert reason is None
    tracker = tracker_of(state, AlarmSettings(), "gate", Rate(50.0, 1000.0), (0.0, now))
    assert tracker.background.mean_hz == pytest.approx(expected_hz, rel=0.01)
    assert tracker.condition == "clear"
