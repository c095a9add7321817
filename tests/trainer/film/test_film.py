"""Films: the same bytes for the same seed, truth that agrees with the pictures, clear errors, nothing lost."""

import itertools
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from edge.errors import GammaboxError, RecordingError
from trainer.commands.cli import app
from trainer.errors import SensorError
from trainer.film.events import HitEvent, draw_events, frame_of
from trainer.film.film import film, frame_count
from trainer.film.truth import rise_dn, truth_line
from trainer.scenes.film_scene import fit, scene_frames
from trainer.scenes.hall import default_scene
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.isp import GREY_OF_BGR
from trainer.sensor.library import HitLibrary, build_library
from trainer.sensor.muons import muon_directions, muon_hits_per_s, muon_library
from trainer.sensor.photons import Spectrum

SMALL = ["--size", "160x120", "--seconds", "0.3", "--dose-rate", "100000"]


def still(camera: Camera, level: int = 90) -> itertools.repeat:
    return itertools.repeat(np.full((camera.height, camera.width, 3), level, np.uint8))


def read(path: Path) -> list[np.ndarray]:
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        done, frame = capture.read()
        if not done:
            return frames
        frames.append(frame)


def truth_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def events(camera: Camera, library: HitLibrary) -> list[HitEvent]:
    return draw_events(library, 60.0, (0.1, 0.5), camera, np.random.default_rng(5))


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_threads(
    tmp_path: Path, camera: Camera, events: list[HitEvent]
) -> None:
    made = []
    for name, threads, seed in (("one", 1, 7), ("four", 4, 7), ("other", 2, 8)):
        out = tmp_path / f"{name}.avi"
        film(out, still(camera), events, camera, frames=15, seed=seed, threads=threads)
        made.append((out.read_bytes(), out.with_suffix(".jsonl").read_bytes()))
    assert made[0] == made[1]
    assert made[0][0] != made[2][0]


def test_every_hit_stands_in_its_frame_alone_where_the_truth_says(tmp_path: Path, camera: Camera) -> None:
    charge = np.full((2, 2), 2500, np.float32)
    hit = HitEvent(3, 60, 40, charge, 36.0, "Tc-99m")
    frames = {}
    for name, chosen in (("with", [hit]), ("without", [])):
        out = tmp_path / f"{name}.avi"
        film(out, still(camera), chosen, change(camera, jpeg_quality=100), frames=6, seed=1)
        frames[name] = read(out)
    (line,) = truth_of(tmp_path / "with.avi")
    for number in range(6):
        rise = (
            frames["with"][number].astype(float) @ GREY_OF_BGR - frames["without"][number].astype(float) @ GREY_OF_BGR
        )
        if number != line["frame"]:
            assert np.abs(rise).max() < 1e-6
            continue
        x0, y0, x1, y1 = line["box"]
        assert rise[line["y"], line["x"]] == pytest.approx(line["added"], abs=6)  # noise grows with the hit; JPEG
        outside = rise.copy()
        outside[y0 - 1 : y1 + 2, x0 - 1 : x1 + 2] = 0
        assert np.abs(outside).max() < 10


def test_truth_is_the_difference_to_the_picture_without_the_hit(camera: Camera, library: HitLibrary) -> None:
    scene = next(default_scene(camera.width, camera.height, 1))
    rng = np.random.default_rng(6)
    for charge, energy in library.sample(rng, 25):
        h, w = charge.shape
        if h > 100 or w > 100:
            continue
        event = HitEvent(
            0, int(rng.integers(camera.width - w)), int(rng.integers(camera.height - h)), charge, energy, ""
        )
        line = truth_line(scene, event, camera)
        rise, (x0, y0) = rise_dn(scene, event, camera)
        grey = rise @ GREY_OF_BGR
        assert line["added"] == pytest.approx(max(grey.max(), 0), abs=0.06)
        assert line["added"] < 1 or grey[line["y"] - y0, line["x"] - x0] == pytest.approx(grey.max())
        bx0, by0, bx1, by1 = line["box"]
        assert bx0 <= line["x"] <= bx1
        assert by0 <= line["y"] <= by1
        assert 1 <= line["pixels"] <= (bx1 - bx0 + 1) * (by1 - by0 + 1)


def test_on_white_ground_the_truth_names_the_pixel_with_the_charge(camera: Camera) -> None:
    charge = np.array([[10, 900, 10]], np.float32)
    white = np.full((camera.height, camera.width, 3), 255, np.uint8)
    line = truth_line(white, HitEvent(2, 50, 60, charge, 3.0, ""), camera)
    assert (line["x"], line["y"], line["added"], line["pixels"]) == (51, 60, 0.0, 1)


@settings(max_examples=40, deadline=None)
@given(
    times=st.lists(st.floats(0, 2), min_size=1, max_size=30),
    exposure_ms=st.floats(0.1, 33.3),
    row=st.integers(0, 119),
)
def test_the_rolling_shutter_sorts_moments_into_the_exposures_of_their_row(
    times: list[float], exposure_ms: float, row: int
) -> None:
    camera = change(OV2710, width=160, height=120, exposure_s=exposure_ms / 1000)
    frames = frame_of(np.array(times), np.full(len(times), row), camera)
    for moment, frame in zip(times, frames, strict=True):
        if frame >= 0:
            begin = frame / camera.fps + row * camera.readout_s / camera.height
            assert begin - 1e-9 <= moment <= begin + camera.exposure_s + 1e-9


def test_a_short_exposure_sees_its_share_of_the_hits(camera: Camera, library: HitLibrary) -> None:
    counts = [
        len(draw_events(library, 3000.0, (0.0, 4.0), change(camera, exposure_s=t), np.random.default_rng(2)))
        for t in (1 / 30, 1 / 120)
    ]
    assert counts[1] / counts[0] == pytest.approx(0.25, rel=0.1)


def test_a_source_that_decays_gives_fewer_and_fewer(camera: Camera, library: HitLibrary) -> None:
    made = draw_events(library, 1000.0, (0.0, 6.0), camera, np.random.default_rng(3), half_life_s=1.0)
    frames = np.array([event.frame for event in made])
    first, second = (frames < 30).sum(), ((frames >= 30) & (frames < 60)).sum()
    assert second / first == pytest.approx(0.5, rel=0.15)


def test_muons_cross_a_level_sensor_once_a_minute_and_square_centimetre() -> None:
    _, level = muon_directions(np.random.default_rng(1), 20_000, 0.0)
    _, upright = muon_directions(np.random.default_rng(1), 20_000, 90.0)
    assert level * 60 == pytest.approx(1.0, rel=0.03)
    assert 0.3 < upright / level < 0.8
    muons = muon_library(OV2710, 200)
    assert 0.05 < 60 * muon_hits_per_s(OV2710, muons) < 0.2
    assert len(muons) > 180  # nearly every muon leaves more than 25 electrons


def test_the_library_is_kept_and_a_damaged_one_is_made_anew(tmp_path: Path) -> None:
    line = Spectrum("line", np.array([60.0]), np.array([1.0]))
    made = build_library(line, OV2710, 20, 1, cache=tmp_path)
    (kept,) = tmp_path.glob("*.npz")
    again = build_library(line, OV2710, 20, 1, cache=tmp_path)
    kept.write_bytes(kept.read_bytes()[:300])
    anew = build_library(line, OV2710, 20, 1, cache=tmp_path)
    for other in (again, anew):
        assert other.hits_per_fluence_cm2 == made.hits_per_fluence_cm2
        assert all((a == b).all() for a, b in zip(made.maps, other.maps, strict=True))


def test_a_scene_that_ends_early_is_an_error_and_leaves_a_readable_clip(tmp_path: Path, camera: Camera) -> None:
    frames = list(itertools.islice(still(camera), 4))
    with pytest.raises(SensorError, match="ends after 4 of 9"):
        film(tmp_path / "short.avi", frames, [], camera, frames=9, seed=1, threads=1)
    assert 1 <= len(read(tmp_path / "short.avi")) <= 4


def test_a_full_disk_is_one_clear_error_and_what_is_complete_stays_readable(tmp_path: Path) -> None:
    program = (
        "import itertools, resource, sys, signal\nimport numpy as np\nfrom pathlib import Path\n"
        "from edge.errors import RecordingError\nfrom trainer.sensor.camera import OV2710, change\n"
        "from trainer.film.film import film\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "camera = change(OV2710, width=160, height=120)\n"
        "scene = itertools.repeat(np.full((120, 160, 3), 90, np.uint8))\n"
        "try: film(Path(sys.argv[1]), scene, [], camera, frames=200, seed=1)\n"
        "except RecordingError as error: print(error)\n"
    )
    out = tmp_path / "full.avi"
    ran = subprocess.run([sys.executable, "-c", program, str(out)], capture_output=True, text=True, check=True)
    assert str(out) in ran.stdout
    assert len(ran.stdout.splitlines()) == 1
    assert len(read(out)) >= 3


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals here")
def test_interrupted_it_leaves_clip_and_truth(tmp_path: Path) -> None:
    out = tmp_path / "long.avi"
    command = [sys.executable, "-m", "trainer", "film", str(out), *SMALL, "--seconds", "600", "--no-muons"]
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background begins with it ignored
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, ours)
    while not out.exists() or out.stat().st_size < 150_000:
        assert running.poll() is None
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate()
    assert running.returncode == 130
    assert said.startswith("interrupted")
    frames = len(read(out))
    assert frames > 5
    assert max(line["frame"] for line in truth_of(out)) < frames


def test_footage_is_shown_there_and_back_and_fitted(tmp_path: Path) -> None:
    for i in range(3):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((60, 80, 3), 40 * (i + 1), np.uint8))
    shown = list(itertools.islice(scene_frames(str(tmp_path), (160, 120), 1), 7))
    assert [round(float(frame.mean()) / 40) for frame in shown] == [1, 2, 3, 2, 1, 2, 3]
    assert shown[0].shape == (120, 160, 3)
    wide = np.zeros((100, 400, 3), np.uint8)
    wide[:, 200:] = 200
    assert fit(wide, (100, 100)).shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--nuclide", "Tc-98m"], "did you mean"),
        (["--dose-rate", "-5"], "dose rate"),
        (["--dose-rate", "5", "--activity", "1e6", "--distance", "1"], "either"),
        (["--activity", "1e6"], "distance"),
        (["--seconds", "0"], "a film of"),
        (["--start", "99"], "start"),
        (["--scene", "nowhere.mp4"], "not found"),
        (["--camera", "iphone"], "unknown camera"),
        (["--set", "epi_um=99"], "epi_um"),
        (["--set", "lens=9"], "--set"),
        (["--size", "big"], "WIDTHxHEIGHT"),
        (["--exposure", "2"], "exposure_s"),
        (["--shield", "cheese:3"], "cheese"),
        (["--tube-kv", "900"], "kV"),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(app, ["film", str(tmp_path / "out.avi"), *arguments])
    assert isinstance(ran.exception, GammaboxError)
    assert said in str(ran.exception)
    assert "\n" not in str(ran.exception)
    assert not (tmp_path / "out.avi").exists()


def test_a_file_that_is_no_video_and_a_folder_that_is_missing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name in ("broken.mp4", "broken.png"):
        with pytest.raises(SensorError, match=r"broken\."):
            scene_frames(str(tmp_path / name), (160, 120), 1)
    ran = CliRunner().invoke(app, ["film", str(tmp_path / "none" / "out.avi"), *SMALL])
    assert isinstance(ran.exception, SensorError)
    with pytest.raises(RecordingError):
        film(tmp_path / "none" / "o.avi", still(OV2710), [], change(OV2710, width=16, height=16), frames=1, seed=1)


def test_a_film_never_replaces_its_own_scene_nor_a_file_that_is_no_avi(tmp_path: Path) -> None:
    scene, picture = tmp_path / "scene.avi", tmp_path / "picture.png"
    assert CliRunner().invoke(app, ["film", str(scene), *SMALL]).exit_code == 0
    picture.write_bytes(b"a picture")
    before = scene.read_bytes()
    for out, said in ((scene, "is the scene itself"), (picture, "name it with the ending .avi")):
        ran = CliRunner().invoke(app, ["film", str(out), *SMALL, "--scene", str(scene)])
        assert isinstance(ran.exception, SensorError)
        assert said in str(ran.exception)
    assert (scene.read_bytes(), picture.read_bytes()) == (before, b"a picture")


def test_the_command_films_and_tells(tmp_path: Path) -> None:
    out = tmp_path / "out.avi"
    ran = CliRunner().invoke(app, ["film", str(out), *SMALL, "--json"])
    assert ran.exit_code == 0, ran.output
    summary = json.loads(ran.stdout)
    lines = truth_of(out)
    assert summary["frames"] == 9 == len(read(out))
    assert summary["hits"] == len(lines) > 3
    assert {"frame", "x", "y", "box", "energy_kev", "pixels", "added"} <= lines[0].keys()
    assert summary["visible"] == sum(line["added"] >= 25 for line in lines)


def test_frame_counts() -> None:
    assert frame_count(OV2710, 2.0) == 60
    for seconds in (0.0, -1.0, float("nan"), float("inf"), 1e12):
        with pytest.raises(SensorError):
            frame_count(OV2710, seconds)


def test_the_demos_environment_is_enough_for_filming() -> None:
    program = (
        "import sys\nfor name in ('scipy', 'matplotlib', 'tensorflow', 'keras', 'sklearn', 'xcom', 'star'):\n"
        "    sys.modules[name] = None\n"
        "import trainer.commands.cli, trainer.film.film, trainer.sensor.radiation, trainer.scenes.film_scene, "
        "trainer.studies.sensor_validation.report\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
