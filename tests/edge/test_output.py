"""What exists and is not ours is never overwritten without --force."""

import json

import cv2
import numpy as np
import pytest

from edge.bundle import save_bundle
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands.cli import main
from edge.errors import OutputError
from edge.output import PAGE_MARK, is_events, is_page, is_picture, require_apart, require_free
from edge.pages.axes import Axis
from edge.pages.charts import Chart, Line, as_picture

SIZE = (96, 80)
NOTES = b"my notes, the only copy\n"


def written_clip(path):
    picture = np.random.default_rng(1).integers(60, 80, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    picture[40:42, 30:32] = 250
    hit = cv2.imencode(".jpg", picture)[1].tobytes()
    picture[40:42, 30:32] = 70
    calm = cv2.imencode(".jpg", picture)[1].tobytes()
    with MotionJpegWriter(path, 25, SIZE) as writer:
        for number in range(8):
            writer.write(hit if number == 4 else calm)
    return path


@pytest.mark.parametrize(
    ("content", "is_ours", "free"),
    [
        (None, is_events, True),
        (b"", is_events, True),
        (b'{"type": "hit", "frame": 1}\n{"type": "alarm"}\n', is_events, True),
        (b'{"type": "hit"}\n' * 9000, is_events, True),
        (b'{"type": "hit"}\nmy notes\n', is_events, False),
        (b'{"frame": 1, "x": 3, "y": 4, "added": 30}\n', is_events, False),
        (NOTES, is_events, False),
        (NOTES, is_page, False),
        (f"<html><head>{PAGE_MARK}".encode(), is_page, True),
        (as_picture([Chart("p", Axis("x", 0, 1), Axis("y", 0, 1), [Line("c", [(0, 0)])])]).encode(), is_picture, True),
        (b"<svg/>", is_picture, False),
    ],
)
def test_require_free_knows_our_files(tmp_path, content, is_ours, free):
    path = tmp_path / "out"
    if content is not None:
        path.write_bytes(content)
    if free:
        require_free(path, is_ours)
    else:
        with pytest.raises(OutputError, match="--force"):
            require_free(path, is_ours)
        require_free(path, is_ours, force=True)


def test_require_free_refuses_a_folder_even_with_force(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        require_free(tmp_path, is_events, force=True)


def test_require_apart_sees_through_links(tmp_path):
    clip = tmp_path / "clip.avi"
    clip.write_bytes(b"RIFF")
    (tmp_path / "link").symlink_to(clip)
    with pytest.raises(OutputError, match="is what is read"):
        require_apart(tmp_path / "link", str(clip))


@pytest.mark.parametrize("content", [NOTES, b'{"frame": 1, "x": 3, "y": 4, "added": 30}\n'])
def test_analyze_keeps_a_foreign_file_under_events(command, tiny_bundle, tmp_path, content):
    events = tmp_path / "truth.jsonl"
    events.write_bytes(content)
    words = ("analyze", written_clip(tmp_path / "clip.avi"), "--model", tiny_bundle, "--events", events)
    assert command(main, *words).refused(str(events), "--force")
    assert events.read_bytes() == content
    assert command(main, *words, "--force").code == 0
    assert command(main, *words).code == 0  # and now it is ours
    assert all(json.loads(line)["type"] for line in events.read_text().splitlines())


def test_simulate_alarms_keeps_a_foreign_picture_before_it_works(command, tmp_path):
    (tmp_path / "plot.svg").write_bytes(b"<svg/>")
    assert command(main, "simulate-alarms", "--plot", tmp_path / "plot.svg").refused("plot.svg", "--force")
    assert (tmp_path / "plot.svg").read_bytes() == b"<svg/>"


@pytest.mark.parametrize("name", ["model.tflite", "model.json", "screen.tflite"])
def test_save_bundle_keeps_foreign_files(tiny_manifest, tmp_path, name):
    (tmp_path / name).write_bytes(NOTES)
    with pytest.raises(OutputError, match="no bundle"):
        save_bundle(tmp_path, tiny_manifest("int8_64"), b"model")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, NOTES)]
    save_bundle(tmp_path, tiny_manifest("int8_64"), b"model", force=True)
    save_bundle(tmp_path, tiny_manifest("int8_64"), b"other")
