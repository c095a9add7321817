import json
import os
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from pydantic import ValidationError

from edge.capture.base import Mode
from edge.capture.view_watch import Reference
from edge.config.device import SourceSettings, load_settings
from edge.site.calibration import (
    Calibration,
    CalibrationError,
    calibration_of_recording,
    identity_of,
    read_calibration,
    usable_calibration,
    write_calibration,
)

UTC = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)
MODE = Mode(64, 48, 25.0, "Motion JPEG")
SHA256 = "a" * 64
SOURCE = SourceSettings(spec="/dev/video0", exposure_s=0.033)
OTHERS = {
    "camera": (SOURCE.model_copy(update={"spec": "/dev/video2"}), MODE, SHA256),
    "exposure": (SOURCE.model_copy(update={"exposure_s": 0.01}), MODE, SHA256),
    "picture size": (SOURCE, Mode(64, 56, 25.0, "Motion JPEG"), SHA256),
    "model": (SOURCE, MODE, "b" * 64),
}


def calibration(**changed):
    made = {
        "measured_utc": UTC,
        "software": "0.1.0",
        "temperature_c": 41.5,
        "identity": identity_of(SOURCE, MODE, SHA256),
        "dark": {
            "frames": 1500,
            "seconds": 60.0,
            "mean_dn": 3.0,
            "sigma_dn": 1.2,
            "maxima": [0] * 256,
            "target_share": 0.04,
            "threshold_dn": 14,
            "hot_pixels": [(3, 4), (63, 47)],
            "hits": 1,
            "live_s": 50.0,
        },
        "noise_dn": [[1.5] * 8] * 6,
        "background": {
            "frames": 15000,
            "seconds": 600.0,
            "hits": 24,
            "live_s": 480.0,
            "live_fraction": 0.9,
            "sensitivity": 0.95,
            "brightness_dn": 80.0,
        },
    }
    return Calibration.model_validate({**made, **changed})


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "state" / "calibration.json"
    write_calibration(path, calibration())
    return path


def test_calibration_comes_back_as_written(stored):
    assert read_calibration(stored) == calibration()
    assert sorted(path.name for path in stored.parent.iterdir()) == ["calibration.json"]


def test_calibration_tells_detector_and_tracker(stored):
    found = usable_calibration(stored, identity_of(SOURCE, MODE, SHA256), UTC + timedelta(days=2))
    camera = found.camera()
    assert camera.size == (64, 48)
    assert camera.sigma_dn.shape == (6, 8)
    assert camera.min_spike_dn == 14
    closed = camera.closed(None)
    assert np.count_nonzero(closed) == 9 + 4  # with neighbours, of which one pixel in the corner has three
    assert found.rate().mean_hz == pytest.approx(0.05)
    assert found.age_days(UTC + timedelta(days=2)) == pytest.approx(2)


@pytest.mark.parametrize("difference", OTHERS)
def test_calibration_of_another_camera_is_refused(stored, difference):
    with pytest.raises(CalibrationError) as refused:
        usable_calibration(stored, identity_of(*OTHERS[difference]), UTC)
    assert f"belongs to another {difference}; run gammabox-edge calibrate" in str(refused.value)
    assert "\n" not in str(refused.value)


def test_calibration_from_the_future_is_refused(stored):
    with pytest.raises(CalibrationError, match="set the clock"):
        usable_calibration(stored, identity_of(SOURCE, MODE, SHA256), UTC - timedelta(days=1))


def test_calibration_is_believed_while_the_clock_is_not_set(stored):
    assert usable_calibration(stored, identity_of(SOURCE, MODE, SHA256), datetime(1970, 1, 2, tzinfo=timezone.utc))


def test_missing_calibration_is_no_fault(tmp_path):
    assert usable_calibration(tmp_path / "none.json", identity_of(SOURCE, MODE, SHA256), UTC) is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("{", id="cut"),
        pytest.param("{}", id="nothing"),
        pytest.param("\x00\xff", id="binary"),
    ],
)
def test_damaged_calibration_is_one_line(tmp_path, text):
    path = tmp_path / "calibration.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CalibrationError) as refused:
        read_calibration(path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("noise_dn",), [[1.5] * 7] * 6),
        (("noise_dn",), [[1.5] * 7 + [-1]] * 6),
        (("dark", "hot_pixels"), [[64, 0]]),
        (("dark", "maxima"), [0] * 255),
        (("identity", "width"), 128),
    ],
)
def test_calibration_that_does_not_fit_is_damaged(tmp_path, place, value):
    path = tmp_path / "calibration.json"
    content = json.loads(calibration().model_dump_json())
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    path.write_text(json.dumps(content))
    with pytest.raises(CalibrationError, match="is damaged"):
        read_calibration(path)


def test_failed_write_leaves_the_old_calibration(stored, monkeypatch):
    def refuse(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CalibrationError, match="No space left"):
        write_calibration(stored, calibration(software="9"))
    monkeypatch.undo()
    assert read_calibration(stored).software == "0.1.0"
    assert [path.name for path in stored.parent.iterdir()] == ["calibration.json"]


def test_recording_takes_exposure_of_calibration(stored):
    found, exposure_s = calibration_of_recording(stored, MODE, None, SHA256)
    assert (found, exposure_s) == (calibration(), 0.033)
    with pytest.raises(CalibrationError, match="another exposure"):
        calibration_of_recording(stored, MODE, 0.01, SHA256)
    with pytest.raises(CalibrationError, match="no such file"):
        calibration_of_recording(stored.with_name("other.json"), MODE, None, SHA256)


def test_calibration_keeps_what_the_camera_shows():
    shown = Reference(0.4, 80.0, np.full((36, 64), 80, np.float32))
    kept = calibration(view=shown.as_dict()).reference()
    assert (kept.sharpness, kept.mean_dn, kept.view.shape) == (0.4, 80.0, (36, 64))
    assert calibration().reference() is None
    with pytest.raises(ValidationError, match="no reference"):
        calibration(view={"sharpness": 0.4, "mean_dn": 80.0, "view": [[1.0]]})


def test_identity_holds_no_login():
    source = SourceSettings(spec="http://ann:secret@camera/stream?token=secret")
    assert "secret" not in identity_of(source, MODE, SHA256).model_dump_json()


def test_calibration_lies_beside_the_outbox(config):
    assert load_settings(config(outbox={"path": "state/outbox.sqlite"})).calibration.parts[-2:] == (
        "state",
        "calibration.json",
    )
    assert load_settings(config(calibration="own.json")).calibration == config().parent / "own.json"
