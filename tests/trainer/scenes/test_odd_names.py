"""Recordings whose names are not UTF-8, and files larger than memory, in the commands that read footage."""

import os
import tracemalloc

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.source import open_source
from edge.errors import SourceError
from edge.files import sha256_of
from trainer.scenes.film_scene import scene_digest, scene_frames
from trainer.scenes.footage import probe, read_run

SIZE = (96, 80)


@pytest.fixture
def odd_clip(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9\x1b.avi")
    with MotionJpegWriter(path, 25, SIZE) as writer:
        for grey in range(40, 48):
            writer.write(cv2.imencode(".jpg", np.full((SIZE[1], SIZE[0], 3), grey, np.uint8))[1].tobytes())
    return path


def test_recording_whose_name_is_not_utf8_is_read(odd_clip):
    with open_source(odd_clip) as source:
        assert len(list(source.pictures())) == 8


def test_footage_whose_name_is_not_utf8_is_used(odd_clip):
    (footage,), refused = probe([odd_clip])
    assert (footage.frames, refused) == (8, [])
    assert len(read_run(footage, 2, 3)) == 3
    assert footage.scene.encode().startswith(b"footage-caf\\udce9")


def test_scene_whose_name_is_not_utf8_is_filmed(odd_clip):
    assert next(scene_frames(str(odd_clip), SIZE, 1)).shape == (SIZE[1], SIZE[0], 3)
    assert scene_digest(str(odd_clip)).endswith(sha256_of(odd_clip))


def test_pictures_whose_names_are_not_utf8_are_footage(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    for number in range(4):
        content = cv2.imencode(".png", np.full((SIZE[1], SIZE[0], 3), 40 + number, np.uint8))[1].tobytes()
        (folder / os.fsdecode(b"\xe9%d.png" % number)).write_bytes(content)
    (footage,), refused = probe([folder])
    assert (footage.kind, footage.frames, refused) == ("pictures", 4, [])
    assert len(read_run(footage, 0, 3)) == 3


def test_stream_whose_address_is_not_utf8_is_refused():
    with pytest.raises(SourceError, match="write them as %XX"):
        open_source(os.fsdecode(b"http://127.0.0.1:1/caf\xe9"))


def test_sha256_of_needs_little_memory(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(300 << 20)
    tracemalloc.start()
    try:
        assert len(sha256_of(path)) == 64
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 10_000_000
