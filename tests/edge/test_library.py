"""The public face of `edge`: the same hits and alarms as the command, and nothing heavy before it is used."""

import ast
import importlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import edge
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands.cli import main
from edge.errors import BundleError, InputError, SourceError

ROOT = Path(__file__).parent.parent.parent
SIZE = (320, 240)
ROUNDED = {"time_s": 4, "score": 6, "added_dn": 1}  # as the events round them


COLOURS = ((1, 0.3, 0.1), (0.2, 1, 0.2), (0.1, 0.3, 1))  # a hit lies below one filter of the mosaic


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """A still noisy scene, a frame a second: nothing for a minute, then six hits in each frame."""
    path = tmp_path_factory.mktemp("clip") / "clip.avi"
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, 1, SIZE) as writer:
        for number in range(100):
            picture = np.clip(70 + rng.normal(0, 2, (SIZE[1], SIZE[0], 3)), 0, 255)
            for _ in range(6 * (number >= 60)):
                x, y = rng.integers(25, SIZE[0] - 25), rng.integers(25, SIZE[1] - 25)
                height_dn = np.array([[110, 60], [70, 40]])[..., None]
                picture[y : y + 2, x : x + 2] += height_dn * np.array(COLOURS[rng.integers(3)])
            writer.write(cv2.imencode(".jpg", np.rint(np.clip(picture, 0, 255)).astype(np.uint8))[1].tobytes())
    return path


@pytest.fixture(scope="module")
def result(clip):
    return edge.analyse(clip)


def test_analyse_gives_the_hits_and_alarms_of_the_command(command, clip, result, tmp_path):
    events = tmp_path / "events.jsonl"
    ended = command(main, "analyze", clip, "--events", events, "--json")
    assert ended.code == 0, ended.err
    written = [json.loads(line) for line in events.read_text().splitlines()]
    hits = [event for event in written if event["type"] == "hit"]
    assert len(hits) > 100
    assert hits == [
        {
            "type": "hit",
            **{
                name: round(getattr(hit, name), ROUNDED[name]) if name in ROUNDED else getattr(hit, name)
                for name in ("frame", "time_s", "x", "y", "score", "added_dn", "pixels", "live")
            },
            "added": round(hit.added_dn, 1),
            **({} if hit.nuisance is None else {"nuisance": hit.nuisance}),
        }
        for hit in result.hits
    ]
    alarms = [event for event in written if event["type"] == "alarm"]
    assert next(event["state"] for event in alarms) == "raised"
    assert alarms == json.loads(json.dumps([alarm.as_event() for alarm in result.alarms]))
    for name in ("frames", "hits", "alarms", "live_s", "condition", "not_analysed"):
        assert ended.json[name] == getattr(result.summary, name)


def test_analyse_finds_the_same_in_threads(clip, result):
    assert edge.analyse(str(clip), threads=2).hits == result.hits


def test_analyse_calls_on_frame_with_each_analysed_frame(clip, result):
    frames = []
    edge.analyse(clip, model=edge.load_bundle(), on_frame=frames.append)
    assert len(frames) == 98
    assert sum(len(analysed.detection.hits) for analysed in frames) == len(result.hits)


def test_analyse_takes_a_part_as_the_command_does(command, clip):
    part = edge.analyse(clip, start_s=70, seconds=10)
    assert {hit.frame for hit in part.hits} <= set(range(70, 80))
    ended = command(main, "analyze", clip, "--start", 70, "--seconds", 10, "--json")
    assert (ended.json["hits"], ended.json["frames"]) == (len(part.hits), part.summary.frames)
    assert part.hits


def test_analysed_frames_of_the_face_find_the_same(clip, result):
    with edge.open_source(clip) as source:
        detector = edge.Detector(edge.load_bundle())
        found = [
            (analysed.frame.sequence, hit.x, hit.y)
            for analysed in edge.analysed_frames(source, detector)
            for hit in analysed.detection.hits
        ]
    assert found == [(hit.frame, hit.x, hit.y) for hit in result.hits]


def test_clip_hit_counts_on_live_ground_unless_it_is_a_nuisance(result):
    assert sum(hit.counts for hit in result.hits) == result.summary.live_hits


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"clip": "missing.avi"}, SourceError),
        ({"clip": 5}, InputError),
        ({"model": "missing"}, BundleError),
        ({"model": 5}, InputError),
        ({"threads": "two"}, InputError),
        ({"exposure_s": -1}, InputError),
        ({"start_s": -1}, InputError),
        ({"seconds": 0}, InputError),
        ({"calibration": "missing.json"}, edge.GammaboxError),
    ],
)
def test_analyse_refuses_what_it_cannot_use(clip, arguments, error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error) as raised:
        edge.analyse(**{"clip": clip, **arguments})
    assert isinstance(raised.value, edge.GammaboxError)


@pytest.mark.parametrize("package", ["edge", "trainer", "quantize"])
def test_face_of_a_package_is_complete(package):
    module = __import__(package)
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing


@pytest.mark.parametrize("package", ["edge", "trainer", "quantize"])
def test_type_checkers_find_names_where_they_are(package):
    source = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    guard = next(node for node in source.body if isinstance(node, ast.If) and isinstance(node.body[0], ast.ImportFrom))
    typed = {alias.name: node.module for node in guard.body for alias in node.names}
    module = importlib.import_module(package)
    assert set(typed) == {name for name in module.__all__ if not name.startswith("__")}
    for name, place in typed.items():
        assert getattr(importlib.import_module(place), name) is getattr(module, name)


def test_importing_the_packages_loads_nothing_heavy():
    heavy = {"cv2", "numpy", "scipy", "tensorflow", "keras", "ai_edge_litert", "tflite_runtime", "pydantic", "typer"}
    program = f"import edge, trainer, quantize, sys\nprint(sorted({heavy!r} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_functions_of_the_trainer_are_found_without_tensorflow():
    program = "import sys, trainer\ntrainer.film, trainer.fit\nprint({'tensorflow', 'keras'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
