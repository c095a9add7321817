import os
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.capture.folder import natural_key
from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.errors import SourceError


def save(path, level, size=(96, 80), channels=3, dtype=np.uint8):
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    assert cv2.imwrite(str(path), np.full(shape, level, dtype))


def test_pictures_come_in_the_order_in_which_people_number_them(tmp_path):
    for number in (1, 2, 9, 10, 11, 100):
        save(tmp_path / f"frame{number}.png", number)
    with open_source(tmp_path, fps=10) as source:
        frames = list(source)
    assert [int(frame.grey[0, 0]) for frame in frames] == [1, 2, 9, 10, 11, 100]
    assert [frame.monotonic_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert source.report.warnings == ()
    assert all(frame.decode_ms > 0 for frame in frames)


def test_natural_order_puts_numbers_before_words_and_ignores_case():
    names = ["b1", "A10", "a2", "10", "9", "a"]
    assert sorted(names, key=natural_key) == ["9", "10", "a", "a2", "A10", "b1"]


def test_kinds_of_pictures_may_be_mixed(tmp_path, make_jpeg):
    (tmp_path / "1.JPG").write_bytes(make_jpeg(3))
    save(tmp_path / "2.png", 77, channels=1)
    save(tmp_path / "3.png", 78, channels=4)
    save(tmp_path / "4.png", 79 * 256, dtype=np.uint16)
    save(tmp_path / "5.bmp", 80)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "6.png").mkdir()
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [int(frame.grey[9, 9]) for frame in frames[1:]] == [77, 78, 79, 80]
    assert frames[0].jpeg == make_jpeg(3)
    assert all(frame.colour().shape == (80, 96, 3) for frame in frames)
    assert [frame.sequence for frame in frames] == [0, 1, 2, 3, 4]


def test_a_rate_that_nobody_gave_is_said_to_be_assumed(tmp_path):
    save(tmp_path / "1.png", 1)
    os.utime(tmp_path / "1.png", (1_700_000_000, 1_700_000_000))
    with open_source(tmp_path) as source:
        frame = next(iter(source))
    assert source.mode.fps == 25
    assert "25 frames a second are assumed" in source.report.warnings[0]
    assert frame.utc == datetime.fromtimestamp(1_700_000_000, timezone.utc)


def test_damaged_pictures_keep_their_number_and_leave_a_gap(tmp_path, make_jpeg, capfd):
    for number in range(8):
        save(tmp_path / f"{number}.png", 30 + number)
    content = (tmp_path / "3.png").read_bytes()
    (tmp_path / "3.png").write_bytes(content[: len(content) // 2])
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "8.jpg").write_bytes(make_jpeg(1)[:-400])
    with open_source(tmp_path) as source:
        middles = [triple.current.sequence for triple in triples(source)]
    assert middles == [5, 6]
    assert [damage.sequence for damage in source.report.damages] == [0, 3, 8]
    assert source.mode.width == 96
    assert capfd.readouterr().err == ""


def test_a_picture_too_small_is_a_gap_among_others_and_refused_as_the_first(tmp_path):
    for number in range(7):
        save(tmp_path / f"{number}.png", 9, size=(63, 80) if number == 3 else (96, 80))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [(frame.sequence, frame.mode) for frame in frames] == [(n, 0) for n in (0, 1, 2, 4, 5, 6)]
    assert source.report.reasons == {"picture of 63x80 pixels, under 64 a side": 1}
    (tmp_path / "0.png").write_bytes((tmp_path / "3.png").read_bytes())
    with open_source(tmp_path) as source, pytest.raises(SourceError, match="frame 0 measures 63x80 pixels"):
        list(source)


def test_another_size_begins_a_new_mode(tmp_path):
    for number in range(6):
        save(tmp_path / f"{number}.png", 9, size=(96, 80) if number < 3 else (80, 96))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [frame.mode for frame in frames] == [0, 0, 0, 1, 1, 1]


def test_a_rotation_noted_in_a_jpeg_does_not_turn_its_colours(tmp_path, make_jpeg):
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    jpeg = make_jpeg(4)
    (tmp_path / "1.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
    with open_source(tmp_path) as source:
        frame = next(iter(source))
    assert frame.colour().shape[:2] == frame.grey.shape == (80, 96)


def test_folders_without_usable_pictures_are_told(tmp_path):
    with pytest.raises(SourceError, match="folder without pictures"):
        open_source(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture at all")
    with pytest.raises(SourceError, match="none of its 1 pictures can be decoded"):
        open_source(tmp_path)
