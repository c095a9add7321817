"""The command `gammabox-edge calibrate`, and what it changes for the pipeline."""

import json
from dataclasses import replace
from datetime import datetime, timezone

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.base import Mode
from edge.capture.frame import Frame, triples
from edge.capture.source import open_source
from edge.capture.view_watch import Reference
from edge.commands.cli import app
from edge.commands.console import EXIT_CHECK_FAILED
from edge.detect.detector import Detector
from edge.site.calibration import read_calibration
from edge.site.exposure import Trial, measure, try_out

from .conftest import write_film

SOURCE = [
    (number, int(x), int(y))
    for number, x, y in zip(
        range(120, 250, 2),
        np.random.default_rng(3).integers(10, 140, 65),
        np.random.default_rng(4).integers(10, 100, 65),
        strict=True,
    )
]
PARTS = ("--covered-seconds", "3", "--live-seconds", "6")


def calibrate(config, *words):
    return CliRunner().invoke(app, ["calibrate", "--config", str(config), *PARTS, *words], catch_exceptions=True)


@pytest.fixture
def calibrated(config, films):
    path = config()
    done = calibrate(path, "--covered", str(films / "dark.avi"), "--live", str(films / "view.avi"), "--yes", "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout), read_calibration(path.parent / "calibration.json")


def test_calibrate_stores_what_it_measures(calibrated):
    told, stored = calibrated
    assert (31, 44) in stored.dark.hot_pixels
    assert (100, 61) in stored.dark.hot_pixels
    assert told["dark"]["hot_pixels"] == len(stored.dark.hot_pixels)
    assert stored.background.hits == 2
    assert stored.background.live_s == pytest.approx(6 * 0.033 * 25, rel=0.25)
    low, high = told["background"]["rate_interval_hz"]
    assert low < told["background"]["rate_hz"] < high
    assert stored.identity.exposure_s == 0.033
    assert np.median(stored.noise_dn) == pytest.approx(2, abs=0.6)


def test_calibrate_takes_a_black_camera_without_noise(config, films, tmp_path):
    black = write_film(tmp_path / "black.avi", 100, 0.0, sigma=0.0)
    path = config()
    done = calibrate(path, "--covered", str(black), "--live", str(films / "view.avi"), "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["dark"]["frames"] >= 70


def test_calibrate_doubts_a_view_with_more_hits_than_the_covered_lens(config, films, tmp_path):
    rng = np.random.default_rng(5)
    hits = [(number, int(rng.integers(10, 140)), int(rng.integers(10, 100))) for number in range(3, 250, 6)]
    beside = write_film(tmp_path / "beside.avi", 250, 70.0, sigma=2.0, hits=hits, seed=2)
    told = {}
    for view in (films / "view.avi", beside):
        done = calibrate(config(), "--covered", str(films / "dark.avi"), "--live", str(view), "--yes", "--json")
        assert done.exit_code == 0, done.output
        told[view.name] = done.stderr
    assert told["view.avi"] == ""
    assert told["beside.avi"].startswith("warning: the view shows ")
    assert "either a source came near meanwhile" in told["beside.avi"]


def test_analyze_takes_the_calibration(calibrated, config, films, tmp_path):
    del calibrated
    path = config().parent / "calibration.json"
    done = CliRunner().invoke(app, ["analyze", str(films / "view.avi"), "--calibration", str(path), "--json"])
    assert json.loads(done.stdout)["hits"] == 2
    assert json.loads(done.stdout)["live_s"] < 10 * 0.033 * 25
    small = write_film(tmp_path / "small.avi", 10, 60.0)
    refused = CliRunner().invoke(
        app, ["analyze", str(small), "--calibration", str(path), "--exposure", "0.01"], catch_exceptions=True
    )
    assert "belongs to another exposure" in str(refused.exception)


def test_detector_closes_hot_pixels_of_the_calibration(calibrated, tmp_path):
    x, y = 100, 61
    film = write_film(tmp_path / "blinking.avi", 60, 70.0, sigma=2.0, blink=20)
    stored = calibrated[1]
    found = {}
    for name, known in (("known", stored.camera()), ("unknown", None)):
        detector = Detector(load_bundle(shipped_bundle_path()), known=known)
        with open_source(film) as source:
            hits = [hit for triple in triples(source) for hit in detector.detect(triple).hits]
        found[name] = [hit for hit in hits if abs(hit.x - x) < 3 and abs(hit.y - y) < 3]
        assert (detector.noise.floor_dn[y, x] == 255) == (known is not None)
    assert not found["known"]


@pytest.mark.parametrize(("min_spike_dn", "expected_dn"), [(5.0, 12.0), (30.0, 30.0)])
def test_detector_never_lowers_the_smallest_spike(calibrated, min_spike_dn, expected_dn):
    known = replace(calibrated[1].camera(), min_spike_dn=min_spike_dn)
    detector = Detector(load_bundle(shipped_bundle_path()), known=known)
    rules = load_bundle(shipped_bundle_path()).manifest.candidates
    assert detector._rules.spike_dn == max(expected_dn, rules.spike_dn)


def test_calibrate_follows_one_film_of_both_parts(config, tmp_path):
    dark = write_film(tmp_path / "dark.avi", 100, 3.0)
    view = write_film(tmp_path / "view.avi", 250, 70.0, sigma=2.0)
    folder = tmp_path / "pictures"
    folder.mkdir()
    number = 0
    for film in (dark, view):
        with open_source(film) as source:
            for frame in source:
                (folder / f"{number:04d}.jpg").write_bytes(frame.jpeg)
                number += 1
    path = config(source={"spec": str(folder), "fps": 25, "exposure_s": 0.033})
    done = calibrate(path, "--yes")
    assert done.exit_code == 0, done.output
    assert "stored in" in done.stdout
    assert read_calibration(path.parent / "calibration.json").background.brightness_dn == pytest.approx(70, abs=2)


@pytest.mark.parametrize(
    ("covered", "live", "reason"),
    [
        pytest.param("view.avi", "view.avi", "mean grey of 70", id="not covered"),
        pytest.param("dark.avi", "source.avi", "a source or a disturbance is near", id="source near"),
        pytest.param("dark.avi", "short.avi", "too few frames", id="too short"),
        pytest.param("dark.avi", "white.avi", "0% of the picture", id="white"),
    ],
)
def test_calibrate_stores_nothing_unusable(config, films, covered, live, reason):
    path = config()
    tmp_path = path.parent
    made = {
        "source.avi": lambda path: write_film(path, 250, 70.0, sigma=2.0, hits=SOURCE),
        "short.avi": lambda path: write_film(path, 50, 70.0),
        "white.avi": lambda path: write_film(path, 250, 256.0, sigma=3.0),
    }
    film = made[live](tmp_path / live) if live in made else films / live
    done = calibrate(path, "--covered", str(films / covered), "--live", str(film), "--yes")
    assert done.exit_code == EXIT_CHECK_FAILED
    assert reason in done.stderr
    assert not (path.parent / "calibration.json").exists()


def test_calibrate_asks_on_a_terminal_only(config, films):
    done = calibrate(config(), "--covered", str(films / "dark.avi"), "--live", str(films / "view.avi"))
    assert "no terminal to ask on" in str(done.exception)


class FakeCamera:
    """A camera whose pictures get brighter with exposure and noisier with gain."""

    def __init__(self, exposure_s, gain):
        rng = np.random.default_rng(1)
        level, sigma = 30 + 2500 * exposure_s, 0.2 * (gain or 1)
        pictures = np.clip(level + rng.normal(0, sigma, (25, 64, 64)), 0, 255).round().astype(np.uint8)
        utc = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.frames = [
            Frame(n, n / 25, utc, picture, exposure_s=exposure_s, gain=gain) for n, picture in enumerate(pictures)
        ]

    def __enter__(self):
        return self.frames

    def __exit__(self, *_error):
        pass


def test_try_out_takes_the_lowest_gain_that_shows_noise():
    manifest = load_bundle(shipped_bundle_path()).manifest
    trials = try_out(FakeCamera, [0.04, 0.02], [1.0, 8.0, 16.0], manifest)
    assert [(trial.exposure_s, trial.gain) for trial in trials] == [(0.04, 1.0), (0.04, 8.0), (0.02, 8.0)]
    assert trials[0].noise_dn < 1 <= trials[1].noise_dn
    assert trials[1].live_s_per_s > trials[2].live_s_per_s


def test_measure_counts_white_ground():
    manifest = load_bundle(shipped_bundle_path()).manifest
    trial = measure(FakeCamera(0.1, 1.0).frames, manifest)
    assert trial.saturated == 1
    assert trial.live_s_per_s == 0
    assert isinstance(trial, Trial)


def test_measure_refuses_a_camera_that_delivers_little():
    with pytest.raises(ValueError, match="too few frames"):
        measure(FakeCamera(0.02, 1.0).frames[:5], load_bundle(shipped_bundle_path()).manifest)


class Box:
    """A live camera whose lens is covered and uncovered by itself; its frames go on where the last reader stopped."""

    live = True
    spec = "/dev/video0"
    mode = Mode(96, 64, 25.0, "Motion JPEG")
    reference = Reference(0.4, 70.0, np.full((36, 64), 70, np.float32))

    def __init__(self):
        self.left = self.made()

    def made(self):
        rng = np.random.default_rng(1)
        utc = datetime(2026, 1, 1, tzinfo=timezone.utc)
        for number in range(600):
            level, sigma = (3, 1.0) if 40 <= number < 160 else (70, 2.0)
            grey = np.clip(level + rng.normal(0, sigma, (64, 96)), 0, 255).round().astype(np.uint8)
            yield Frame(number, number / 25, utc, grey, exposure_s=0.033)

    def pictures(self):
        return iter(lambda: next(self.left, None), None)

    def __iter__(self):
        return self.pictures()

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass


@pytest.fixture
def live_config(config, monkeypatch):
    monkeypatch.setattr("edge.commands.calibrate.open_camera", lambda *_args, **_changes: Box())
    return config(source={"spec": "/dev/video0", "exposure_s": 0.033})


def test_calibrate_follows_the_lens_of_a_camera(live_config):
    done = calibrate(live_config, "--yes", "--no-try-exposures", "--json")
    assert done.exit_code == 0, done.output
    stored = read_calibration(live_config.parent / "calibration.json")
    assert stored.dark.mean_dn == pytest.approx(3, abs=0.5)
    assert stored.background.brightness_dn == pytest.approx(70, abs=1)
    assert stored.reference().mean_dn == 70
    assert "Cover the lens" in done.stderr
    assert "Uncover the lens" in done.stderr


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", EXIT_CHECK_FAILED)])
def test_calibrate_asks_whether_a_source_is_near(live_config, monkeypatch, answer, code):
    monkeypatch.setattr("edge.commands.guide.can_ask", lambda: True)
    words = ["calibrate", "--config", str(live_config), *PARTS, "--no-try-exposures"]
    done = CliRunner().invoke(app, words, input=f"\n{answer}\n")
    assert done.exit_code == code, done.output
    assert "Is no source near?" in done.stderr
    assert (live_config.parent / "calibration.json").exists() == (code == 0)


def test_calibrate_refuses_an_automatic_exposure(config, monkeypatch):
    monkeypatch.setattr("edge.commands.calibrate.open_camera", lambda *_args, **_changes: Box())
    path = config(source={"spec": "/dev/video0"})
    done = calibrate(path, "--yes", "--no-try-exposures")
    assert done.exit_code == EXIT_CHECK_FAILED
    assert "set source.exposure_s" in done.stderr


def test_calibrate_shows_what_each_exposure_gives(config, monkeypatch):
    def opened(_settings, exposure_s=0.02, gain=None):
        return FakeCamera(exposure_s, gain)

    monkeypatch.setattr("edge.commands.calibrate.open_camera", opened)
    monkeypatch.setattr("edge.commands.calibrate.gains_of", lambda _: (1.0, 8.0))
    done = calibrate(config(source={"spec": "/dev/video0"}), "--yes")
    assert "40.0 ms" in done.stderr
    assert "Best in this light, for `source` in the settings: exposure_s: 0.04, gain: 8" in done.stderr
