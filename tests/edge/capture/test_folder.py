import os
from datetime import datetime, timezone
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.errors import SourceError
from edge.files import in_natural_order


def save(path, level, size=(96, 80), channels=3, dtype=np.uint8):
    shape = (size[1], size[0], channels) if channels > 1 else (size[1], size[0])
    assert cv2.imwrite(str(path), np.full(shape, level, dtype))


def test_folder_delivers_pictures_in_natural_order(tmp_path):
    for number in (1, 2, 9, 10, 11, 100):
        save(tmp_path / f"frame{number}.png", number)
    with open_source(tmp_path, fps=10) as source:
        frames = list(source)
    assert [int(frame.grey[0, 0]) for frame in frames] == [1, 2, 9, 10, 11, 100]
    assert [frame.monotonic_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert source.report.warnings == ()
    assert all(frame.decode_ms > 0 for frame in frames)


def test_natural_order_puts_numbers_first_and_ignores_case():
    names = [Path(name) for name in ("b1", "A10", "a2", "10", "9", "a")]
    assert [path.name for path in in_natural_order(names)] == ["9", "10", "a", "a2", "A10", "b1"]


def test_folder_scales_deep_pictures_by_the_bits_in_use(tmp_path):
    for number in range(4):
        save(tmp_path / f"{number}.png", 200 * 16, channels=1, dtype=np.uint16)
    with open_source(tmp_path) as source:
        assert {int(frame.grey[0, 0]) for frame in source} == {200}
        assert any("use 12 of them" in warning for warning in source.report.warnings)


def test_folder_reads_a_png_with_bytes_after_its_end(tmp_path):
    for number in range(3):
        place = tmp_path / f"{number}.png"
        save(place, 50 + number)
        place.write_bytes(place.read_bytes() + bytes(200))
    with open_source(tmp_path) as source:
        assert len(list(source)) == 3


def test_folder_may_mix_kinds_of_pictures(tmp_path, make_jpeg):
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


def test_folder_warns_of_an_assumed_rate(tmp_path):
    save(tmp_path / "1.png", 1)
    os.utime(tmp_path / "1.png", (1_700_000_000, 1_700_000_000))
    with open_source(tmp_path) as source:
        frame = next(iter(source))
    assert source.mode.fps == 25
    assert "25 frames a second are assumed" in source.report.warnings[0]
    assert frame.utc == datetime.fromtimestamp(1_700_000_000, timezone.utc)


def test_folder_leaves_a_gap_for_a_damaged_picture(tmp_path, make_jpeg, capfd):
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


def test_folder_refuses_only_a_first_picture_that_is_too_small(tmp_path):
    for number in range(7):
        save(tmp_path / f"{number}.png", 9, size=(63, 80) if number == 3 else (96, 80))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [(frame.sequence, frame.mode) for frame in frames] == [(n, 0) for n in (0, 1, 2, 4, 5, 6)]
    assert source.report.reasons == {"picture of 63x80 pixels, under 64 a side": 1}
    (tmp_path / "0.png").write_bytes((tmp_path / "3.png").read_bytes())
    with open_source(tmp_path) as source, pytest.raises(SourceError, match="frame 0 measures 63x80 pixels"):
        list(source)


def test_folder_begins_a_new_mode_with_another_size(tmp_path):
    for number in range(6):
        save(tmp_path / f"{number}.png", 9, size=(96, 80) if number < 3 else (80, 96))
    with open_source(tmp_path) as source:
        frames = list(source)
    assert [frame.mode for frame in frames] == [0, 0, 0, 1, 1, 1]


def test_folder_ignores_a_rotation_noted_in_a_jpeg(tmp_path, make_jpeg):
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    jpeg = make_jpeg(4)
    (tmp_path / "1.jpg").write_bytes(jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:])
    with open_source(tmp_path) as source:
        frame = next(iter(source))
    assert frame.colour().shape[:2] == frame.grey.shape == (80, 96)


def test_folder_without_usable_pictures_is_refused(tmp_path):
    with pytest.raises(SourceError, match="folder without pictures"):
        open_source(tmp_path)
    (tmp_path / "1.png").write_bytes(b"no picture at all")
    with pytest.raises(SourceError, match="none of its 1 pictures can be decoded"):
        open_source(tmp_path)


def test_folder_says_that_pictures_are_turned(tmp_path, make_jpeg):
    body = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    for number in range(3):
        jpeg = make_jpeg(number)
        turned = jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]
        (tmp_path / f"{number}.jpg").write_bytes(turned)
    with open_source(tmp_path, fps=10) as source:
        frames = list(source)
    assert [frame.size for frame in frames] == [(96, 80)] * 3
    assert frames[0].colour().shape == (80, 96, 3)
    assert "shown turned (EXIF)" in source.report.warnings[0]


def test_folder_of_nothing_but_damage_says_which(tmp_path, make_jpeg):
    for number in range(3):
        jpeg = bytearray(make_jpeg(number))
        jpeg[jpeg.index(b"\xff\xc0") + 4] = 12
        (tmp_path / f"{number}.jpg").write_bytes(jpeg)
    with pytest.raises(SourceError, match=r"none of its 3 pictures.*JPEG of 12 bits.*convert it to 8 bits, or to PNG"):
        open_source(tmp_path)


def test_folder_is_asked_for_where_a_file_holds_many_pictures(tmp_path):
    place = tmp_path / "pages.tiff"
    cv2.imwritemulti(str(place), [np.zeros((96, 96), np.uint8)] * 5)
    with pytest.raises(SourceError, match="holds 5 pictures in one file; write each to a file of its own"):
        open_source(place)
