"""The number of threads changes neither events nor summary, whatever happens to the recording."""

import json
import signal
import subprocess
import sys
import threading
import time

import cv2
import numpy as np
import pytest

from edge.bundle import shipped_bundle_path
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands import analyze as analyze_command
from edge.detect.decision import Decision
from edge.errors import SourceError

SIZE = (320, 240)
FRAMES = 260
SAME = (60, 62, 64, 66, 68, 70, 72)
"""Frames with a spot at one place: a blinking pixel, which is closed."""


def pictures():
    """Yield the JPEGs: noise, hits, a body that moves, a strong minute at the end, and what may go wrong."""
    rng = np.random.default_rng(5)
    scene = rng.uniform(30, 120, (SIZE[1] // 8, SIZE[0] // 8)).repeat(8, 0).repeat(8, 1)
    frozen = b""
    for number in range(FRAMES):
        picture = scene + rng.normal(0, 2, scene.shape)
        left = 3 * number % (SIZE[0] - 40)
        picture[100:140, left : left + 40] += 60
        for _ in range(rng.poisson(0.3 if number < 200 else 6)):
            x, y = rng.integers(4, SIZE[0] - 8), rng.integers(4, SIZE[1] - 8)
            picture[y : y + 2, x : x + 2] += 120
        if number in SAME:
            picture[30:32, 40:42] += 120
        if 150 <= number < 156:  # a flash
            picture += 70
        levels = np.rint(picture).clip(0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", cv2.cvtColor(levels, cv2.COLOR_GRAY2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
        content = jpeg.tobytes()
        frozen = content if number == 90 else frozen
        if number in (40, 41, 120):
            content = content[: len(content) // 2]  # broken
        if 90 < number < 115:
            content = frozen  # the picture stands
        yield content


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("threads") / "clip.avi"
    with MotionJpegWriter(path, 25, SIZE) as writer:
        for content in pictures():
            writer.write(content, damaged=True)
    return path


@pytest.fixture
def analyzed(tmp_path, capsys):
    def run(path, threads):
        events = tmp_path / f"events{threads}.jsonl"
        error = None
        try:
            analyze_command.run(str(path), events=events, model=shipped_bundle_path(), threads=threads, as_json=True)
        except (SourceError, RuntimeError) as raised:
            error = str(raised)
        summary = json.loads(capsys.readouterr().out or "{}")
        for name in ("seconds", "fps", "ms"):
            summary.pop(name, None)
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("stage ")]
        return events.read_bytes(), summary, error

    return run


def test_analyze_is_the_same_with_any_threads(clip, analyzed):
    events, summary, error = analyzed(clip, 1)
    assert error is None
    assert (summary["damaged"], summary["repeated"]) == (3, 24)
    assert (summary["hits"] > 100, summary["alarms"], len(summary["camera"])) == (True, 1, 1)
    for threads in (2, 4):
        assert analyzed(clip, threads) == (events, summary, None)


def test_analyze_of_a_cut_recording_is_the_same(clip, analyzed, tmp_path):
    cut = tmp_path / "cut.avi"
    content = clip.read_bytes()
    cut.write_bytes(content[: len(content) // 3])
    alone = analyzed(cut, 1)
    assert alone[0]
    assert all(analyzed(cut, threads) == alone for threads in (2, 4))


def test_analyze_writes_the_same_events_before_an_error(clip, analyzed, monkeypatch):
    frames = []

    scores = Decision.scores

    def fails_at_the_fiftieth(decision, margins, crowd):
        frames.append(len(margins))
        if len(frames) == 50:
            raise RuntimeError("a stage fails")
        return scores(decision, margins, crowd)

    monkeypatch.setattr(Decision, "scores", fails_at_the_fiftieth)
    alone = analyzed(clip, 1)
    assert alone[2] == "a stage fails"
    assert alone[0]
    for threads in (2, 4):
        frames.clear()
        assert analyzed(clip, threads) == alone


def test_analyze_ends_at_once_on_ctrl_c(tmp_path):
    long = tmp_path / "long.avi"
    contents = list(pictures())
    with MotionJpegWriter(long, 25, SIZE) as writer:
        for number in range(8 * len(contents)):
            writer.write(contents[number % len(contents)], damaged=True)
    events = tmp_path / "events.jsonl"
    program = "from edge.commands.cli import main; main()"
    command = [sys.executable, "-c", program, "analyze", long, "--events", events, "--threads", "4"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 60
        while not (events.exists() and events.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < 3
    assert "Traceback" not in said
    assert process.returncode == 130
