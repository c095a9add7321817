"""Pictures of two fields, as analogue grabbers and old cameras send them."""

import cv2
import numpy as np
import pytest
from avi_file import avi

from edge.capture.jpeg import DamagedJpegError, InterlacedError, complete_jpeg, size_of
from edge.capture.source import open_source
from edge.errors import SourceError


def jpeg_of(picture):
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def as_field(jpeg, polarity):
    """Put APP0 AVI1 in place of JFIF's APP0."""
    return jpeg[:2] + b"\xff\xe0\x00\x10AVI1" + bytes([polarity]) + bytes(9) + jpeg[20:]


def picture_with_a_spot(y=70):
    picture = np.full((96, 96, 3), 60, np.uint8)
    picture[y : y + 4, 40:44] = 220
    return picture


def pair(picture, order=(1, 2), padding=b""):
    fields = {1: as_field(jpeg_of(picture[0::2]), 1), 2: as_field(jpeg_of(picture[1::2]), 2)}
    return fields[order[0]] + padding + fields[order[1]]


@pytest.mark.parametrize(
    "packet",
    [
        pair(picture_with_a_spot()),
        pair(picture_with_a_spot(), order=(2, 1)),
        pair(picture_with_a_spot(), padding=bytes(30)),
        jpeg_of(picture_with_a_spot()[0::2]) + jpeg_of(picture_with_a_spot()[1::2]),
        pair(picture_with_a_spot())[:-2],
    ],
    ids=["top_first", "bottom_first", "padded", "unmarked", "no_end"],
)
def test_fields_of_a_picture_are_woven(tmp_path, packet):
    path = tmp_path / "fields.avi"
    path.write_bytes(avi([packet] * 3, 25, size=(96, 96)))
    with open_source(path) as source:
        frames = list(source.pictures())
    assert len(frames) == 3
    assert frames[1].size == (96, 96)
    ys, xs = np.nonzero(frames[1].grey > 140)
    assert (ys.min(), ys.max(), xs.min(), xs.max()) == (70, 73, 40, 43)
    assert np.abs(frames[1].colour().astype(int) - picture_with_a_spot()).mean() < 3
    assert frames[1].jpeg is None
    assert "interlaced: two fields" in source.report.warnings[0]


def test_fields_that_are_marked_have_the_size_of_both():
    assert size_of(pair(picture_with_a_spot())) == (96, 96)


def test_two_whole_pictures_in_one_are_no_fields(tmp_path):
    jpeg = jpeg_of(picture_with_a_spot())
    path = tmp_path / "two.avi"
    path.write_bytes(avi([jpeg, jpeg + jpeg, jpeg], 25, size=(96, 96)))
    with open_source(path) as source:
        assert [frame.sequence for frame in source.pictures()] == [0, 2]
    assert list(source.report.reasons) == ["two pictures in one, or the unmarked fields of an interlaced one"]


def test_fields_in_packets_of_their_own_are_refused_by_name(tmp_path):
    picture = np.zeros((160, 96, 3), np.uint8)
    fields = [as_field(jpeg_of(picture[k::2]), k + 1) for k in (0, 1)] * 4
    for packets in (fields, [jpeg_of(picture[0::2])] * 6):
        path = tmp_path / "fields.avi"
        path.write_bytes(avi(packets, 50, size=(96, 160)))
        with open_source(path) as source, pytest.raises(SourceError, match=r"interlaced.*join the fields"):
            list(source)


def test_whole_picture_that_calls_itself_a_field_is_read(tmp_path):
    path = tmp_path / "whole.avi"
    path.write_bytes(avi([as_field(jpeg_of(picture_with_a_spot()), 1)] * 3, 25, size=(96, 96)))
    with open_source(path) as source:
        assert [frame.size for frame in source.pictures()] == [(96, 96)] * 3
    assert source.report.warnings == ()


@pytest.mark.parametrize(
    ("packet", "words"),
    [
        (pair(picture_with_a_spot())[:-200], "piece missing|cut short"),
        (as_field(jpeg_of(picture_with_a_spot()[0::2]), 1) + jpeg_of(picture_with_a_spot()[:, :80]), "different size"),
    ],
)
def test_fields_that_are_damaged_are_no_picture(tmp_path, packet, words):
    path = tmp_path / "fields.avi"
    path.write_bytes(avi([packet] * 3, 25, size=(96, 96)))
    with open_source(path) as source, pytest.raises(SourceError, match=words):
        list(source)


def test_complete_jpeg_raises_the_fields_in_order():
    with pytest.raises(InterlacedError) as caught:
        complete_jpeg(pair(picture_with_a_spot(), order=(2, 1)))
    assert caught.value.top[10] == 1
    assert caught.value.bottom[10] == 2
    with pytest.raises(DamagedJpegError, match="single field"):
        complete_jpeg(as_field(jpeg_of(picture_with_a_spot()), 2))
