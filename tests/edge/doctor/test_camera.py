import os
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest

from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.base import Mode
from edge.capture.frame import Frame
from edge.config.device import SourceSettings, load_settings
from edge.detect.detector import Detector
from edge.doctor import camera as camera_checks
from edge.doctor.camera import Sample, camera, control_findings, holders_of, possible_fps, rate_findings, size_findings
from edge.pipeline import Account

FRAME = Frame(0, 0.0, datetime(2026, 1, 1, tzinfo=timezone.utc), np.zeros((64, 64), np.uint8), exposure_s=0.033, gain=4)
CAMERA = SourceSettings(spec="/dev/video0", exposure_s=0.033)


def states(findings):
    return {finding.check: finding.state for finding in findings}


def test_camera_is_opened_and_measured(config):
    settings = load_settings(config())
    opened = []
    found = list(camera(settings, Detector(load_bundle(shipped_bundle_path())), opened.append))
    assert states(found) == {"camera": "ok", "rate": "ok", "exposure": "skipped", "speed": "ok", "picture": "ok"}
    assert opened == [Mode(160, 120, 25.0, "Motion JPEG")]


def test_camera_that_is_not_there_has_a_remedy(config):
    settings = load_settings(config(source={"spec": "/dev/video99", "exposure_s": 0.033}))
    [found] = camera(settings, None)
    assert (found.state, found.found) == ("fault", "/dev/video99: no such device")
    assert "plug the camera in" in found.remedy


def test_camera_names_who_holds_it(monkeypatch, config, tmp_path):
    device = tmp_path / "held"
    os.mkfifo(device)
    process = tmp_path / "proc" / "812"
    (process / "fd").mkdir(parents=True)
    (process / "comm").write_text("gammabox-edge\n")
    (process / "fd" / "7").symlink_to("/dev/null")
    assert holders_of(tmp_path / "none") == []
    from pathlib import Path

    assert holders_of(Path("/dev/null"), tmp_path / "proc") == ["gammabox-edge (process 812)"]
    monkeypatch.setattr(camera_checks, "holders_of", lambda _: ["gammabox-edge (process 812)"])
    settings = load_settings(config(source={"spec": "/dev/null", "exposure_s": 0.033}))
    [found] = camera(settings, None)
    assert "held by gammabox-edge (process 812)" in found.found
    assert "systemctl stop" in found.remedy


@pytest.mark.parametrize(
    ("wanted", "frame", "expected"),
    [
        pytest.param({}, {}, ("ok", "skipped"), id="good"),
        pytest.param({"exposure_s": None}, {}, ("fault", "skipped"), id="automatic"),
        pytest.param({}, {"exposure_s": None}, ("fault", "skipped"), id="not read back"),
        pytest.param({}, {"exposure_s": 0.01}, ("fault", "skipped"), id="other exposure"),
        pytest.param({"gain": 4.0}, {}, ("ok", "ok"), id="gain"),
        pytest.param({"gain": 8.0}, {}, ("ok", "fault"), id="other gain"),
        pytest.param({"gain": 8.0}, {"gain": None}, ("ok", "fault"), id="no gain"),
    ],
)
def test_controls_are_compared_with_the_settings(wanted, frame, expected):
    found = list(control_findings(CAMERA.model_copy(update=wanted), replace(FRAME, **frame)))
    assert (found[0].state, found[1].state if len(found) > 1 else None) == expected
    assert all(finding.remedy for finding in found if finding.state == "fault")


@pytest.mark.parametrize(("size", "count"), [((1920, 1080), 0), ((1280, 720), 1)])
def test_size_is_compared_with_the_settings(size, count):
    wanted = CAMERA.model_copy(update={"width": 1920, "height": 1080})
    assert len(list(size_findings(wanted, size))) == count
    assert not list(size_findings(CAMERA, size))


@pytest.mark.parametrize(("threads", "fps"), [(1, 20.0), (2, 30.0), (4, 1000 / 30)])
def test_possible_fps_grows_with_threads_up_to_the_longest_stage(threads, fps):
    assert possible_fps({"decode": 8.0, "fast_path": 30.0, "classify": 12.0}, threads) == pytest.approx(fps)


@pytest.mark.parametrize(
    ("wanted_fps", "declared_fps", "reached_fps", "state"),
    [(30, 30, 29, "ok"), (30, 30, 15, "fault"), (None, 30, 10, "fault"), (None, 0, 10, "ok"), (25, 30, 25, "ok")],
)
def test_rate_is_compared_with_the_settings(wanted_fps, declared_fps, reached_fps, state):
    class Source:
        mode = Mode(1920, 1080, declared_fps, "Motion JPEG")

    sample = Sample(FRAME, FRAME, Account(), camera_fps=reached_fps, pipeline_fps=50)
    [found] = rate_findings(CAMERA.model_copy(update={"fps": wanted_fps}), Source(), sample)
    assert found.state == state
