"""The command films, tells what it filmed, and refuses what it cannot use in one line."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner

from edge.errors import GammaboxError
from trainer.commands.cli import app, main
from trainer.errors import SensorError

SMALL = ["--size", "160x120", "--seconds", "0.3", "--dose-rate", "100000"]


def frame_count_of(path: Path) -> int:
    capture, frames = cv2.VideoCapture(str(path)), 0
    while capture.grab():
        frames += 1
    return frames


def truth_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.with_suffix(".jsonl").read_text().splitlines()]


def files_of(out: Path) -> list[bytes]:
    return [out.with_suffix(ending).read_bytes() for ending in (".avi", ".jsonl", ".json")]


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="no signals here")
def test_film_command_interrupted_leaves_clip_and_truth(tmp_path: Path) -> None:
    out = tmp_path / "long.avi"
    command = [sys.executable, "-m", "trainer", "film", str(out), *SMALL, "--seconds", "600", "--no-background"]
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
    frames = frame_count_of(out)
    assert frames > 5
    assert max(line["frame"] for line in truth_of(out)) < frames


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
def test_film_command_refuses_bad_input(tmp_path: Path, arguments: list[str], said: str) -> None:
    ran = CliRunner().invoke(app, ["film", str(tmp_path / "out.avi"), *arguments])
    assert isinstance(ran.exception, GammaboxError)
    assert said in str(ran.exception)
    assert "\n" not in str(ran.exception)
    assert not (tmp_path / "out.avi").exists()


def test_film_command_never_replaces_its_own_scene(tmp_path: Path) -> None:
    scene, picture = tmp_path / "scene.avi", tmp_path / "picture.png"
    assert CliRunner().invoke(app, ["film", str(scene), *SMALL]).exit_code == 0
    picture.write_bytes(b"a picture")
    before = scene.read_bytes()
    for out, said in ((scene, "is the scene itself"), (picture, "name it with the ending .avi")):
        ran = CliRunner().invoke(app, ["film", str(out), *SMALL, "--scene", str(scene)])
        assert isinstance(ran.exception, SensorError)
        assert said in str(ran.exception)
    assert (scene.read_bytes(), picture.read_bytes()) == (before, b"a picture")


def test_film_command_prints_a_summary(tmp_path: Path) -> None:
    out = tmp_path / "out.avi"
    ran = CliRunner().invoke(app, ["film", str(out), *SMALL, "--json"])
    assert ran.exit_code == 0, ran.output
    summary = json.loads(ran.stdout)
    lines = truth_of(out)
    assert summary["frames"] == 9 == frame_count_of(out)
    assert summary["hits"] == len(lines) > 3
    assert {"frame", "x", "y", "box", "energy_kev", "pixels", "added"} <= lines[0].keys()
    assert summary["visible"] == sum(line["added"] >= 25 for line in lines)


def test_film_imports_only_the_demos_packages() -> None:
    program = (
        "import sys\nfor name in ('scipy', 'matplotlib', 'tensorflow', 'keras', 'sklearn', 'xcom', 'star'):\n"
        "    sys.modules[name] = None\n"
        "import trainer.commands.cli, trainer.filming.film, trainer.sensor.radiation, trainer.scenes.film_scene, "
        "trainer.studies.sensor_validation.report\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_film_command_resumes_or_refuses(command, tmp_path) -> None:
    words = ("film", tmp_path / "out.avi", "--size", "96x64", "--seconds", "0.2", "--no-background", "--json")
    first = command(main, *words).json
    again = command(main, *words).json
    assert {**first, "fps": 0} == {**again, "fps": 0}
    assert json.loads((tmp_path / "out.json").read_text())["command"].startswith("gammabox-trainer film out.avi")
    before = files_of(tmp_path / "out.avi")
    assert command(main, *words, "--seed", 2, "--gain", 3).refused("(camera.gain, seed differ)")
    assert files_of(tmp_path / "out.avi") == before
