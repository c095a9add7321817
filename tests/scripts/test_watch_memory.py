"""The script that watches the memory of `analyze` over a recording in a loop."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "watch_memory.py"


def watch(*words):
    return subprocess.run([sys.executable, SCRIPT, *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("loop") / "clip.avi"
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, 25, (320, 240)) as writer:
        for i in range(40):
            picture = np.clip(90 + rng.normal(0, 2, (240, 320, 3)), 0, 255)
            x, y = rng.integers(10, 230, 2)
            picture[y : y + 3, x : x + 3] += 100 * (i % 3 == 0)
            writer.write(cv2.imencode(".jpg", np.rint(picture).clip(0, 255).astype(np.uint8))[1].tobytes())
    return path


def test_watch_memory_loops_the_clip_and_reports_memory(clip, tiny_bundle):
    ended = watch(clip, "--frames", 100, "--model", tiny_bundle, "--json", "--max-growth-mb", 100)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["frames"] == 100
    assert report["hits"] >= 12
    assert [frames for frames, _ in report["memory_mb"]] == list(range(5, 101, 5))
    assert all(20 < resident <= report["peak_mb"] + 1 for _, resident in report["memory_mb"])
    settled = [resident for frames, resident in report["memory_mb"] if frames >= 20]
    assert report["growth_mb"] == pytest.approx(runpy.run_path(str(SCRIPT))["steady_growth"](settled), abs=0.06)


@pytest.mark.parametrize("limit", ["--max-mb", "--max-growth-mb"])
def test_watch_memory_exits_1_where_a_limit_is_exceeded(clip, tiny_bundle, limit):
    value = 10 if limit == "--max-mb" else -1000
    assert watch(clip, "--frames", 20, "--model", tiny_bundle, limit, value).returncode == 1


def test_watch_memory_exits_2_on_a_missing_recording(tmp_path):
    ended = watch(tmp_path / "none.avi")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")


def test_steady_growth_ignores_single_readings():
    growth = runpy.run_path(str(SCRIPT))["steady_growth"]
    assert growth([140, 149, 140, 149, 140, 149, 140, 149]) == pytest.approx(0)
    for count in (2, 3, 16, 17):
        assert growth(np.linspace(140, 160, count)) == pytest.approx(20)
    assert growth([139.0]) == growth([]) == 0


@pytest.mark.slow
def test_watch_memory_stays_flat_over_many_frames(clip):
    ended = watch(clip, "--frames", 10_000)
    assert ended.returncode == 0, ended.stdout
