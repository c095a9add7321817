"""Films: the same bytes for the same seed, truth that agrees with the pictures, clear errors, nothing lost."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.errors import RecordingError
from trainer.commands.cli import app
from trainer.errors import SensorError
from trainer.filming.events import FilmHits, HitEvent, draw_events
from trainer.filming.film import film, frame_count
from trainer.scenes.film_scene import scene_frames
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.isp import GREY_OF_BGR
from trainer.sensor.library import HitLibrary

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
    drawn = draw_events(library, 60.0, (0.1, 0.5), camera, np.random.default_rng(5))
    return list(FilmHits(camera, (drawn,)))


def test_film_bytes_do_not_depend_on_threads(tmp_path: Path, camera: Camera, events: list[HitEvent]) -> None:
    made = []
    for name, threads, seed in (("one", 1, 7), ("four", 4, 7), ("other", 2, 8)):
        out = tmp_path / f"{name}.avi"
        film(out, still(camera), events, camera, frames=15, seed=seed, threads=threads)
        made.append((out.read_bytes(), out.with_suffix(".jsonl").read_bytes()))
    assert made[0] == made[1]
    assert made[0][0] != made[2][0]


def test_film_shows_a_hit_in_its_frame_only(tmp_path: Path, camera: Camera) -> None:
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


def test_film_of_a_short_scene_leaves_a_readable_clip(tmp_path: Path, camera: Camera) -> None:
    frames = list(itertools.islice(still(camera), 4))
    with pytest.raises(SensorError, match="ends after 4 of 9"):
        film(tmp_path / "short.avi", frames, [], camera, frames=9, seed=1, threads=1)
    assert 1 <= len(read(tmp_path / "short.avi")) <= 4


def test_film_on_a_full_disk_stays_readable(tmp_path: Path) -> None:
    program = (
        "import itertools, resource, sys, signal\nimport numpy as np\nfrom pathlib import Path\n"
        "from edge.errors import RecordingError\nfrom trainer.sensor.camera import OV2710, change\n"
        "from trainer.filming.film import film\n"
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


def test_film_refuses_broken_scenes_and_missing_folders(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    for name in ("broken.mp4", "broken.png"):
        with pytest.raises(SensorError, match=r"broken\."):
            scene_frames(str(tmp_path / name), (160, 120), 1)
    ran = CliRunner().invoke(app, ["film", str(tmp_path / "none" / "out.avi"), *SMALL])
    assert isinstance(ran.exception, SensorError)
    with pytest.raises(RecordingError):
        film(tmp_path / "none" / "o.avi", still(OV2710), [], change(OV2710, width=16, height=16), frames=1, seed=1)


def test_frame_count() -> None:
    assert frame_count(OV2710, 2.0) == 60
    for seconds in (0.0, -1.0, float("nan"), float("inf"), 1e12):
        with pytest.raises(SensorError):
            frame_count(OV2710, seconds)
