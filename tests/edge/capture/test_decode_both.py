"""Grey and colours in one pass: the same grey as alone, and the same colours whenever they are asked for."""

from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
import simplejpeg

from edge.capture.colour_demand import ColourDemand
from edge.capture.frame import Frame
from edge.capture.jpeg import DamagedJpegError, decode_grey
from edge.capture.jpeg_colours import decode_both, halved
from edge.capture.source import open_source


def scene(height=99, width=161, seed=1):
    rng = np.random.default_rng(seed)
    smooth = cv2.GaussianBlur(rng.normal(0, 900, (height, width, 3)).astype(np.float32), (0, 0), 6)
    return np.clip(120 + smooth + rng.normal(0, 4, smooth.shape), 0, 255).astype(np.uint8)


def jpeg_of(picture, sampling="420", **options):
    if not options:
        return simplejpeg.encode_jpeg(np.ascontiguousarray(picture), 92, "BGR", sampling)
    flags = [flag for name, value in options.items() for flag in (getattr(cv2, f"IMWRITE_JPEG_{name.upper()}"), value)]
    return cv2.imencode(".jpg", picture, flags)[1].tobytes()


@pytest.mark.parametrize("sampling", ["420", "422", "444", "440", "411"])
@pytest.mark.parametrize("size", [(96, 160), (99, 161)], ids=str)
def test_decode_both_gives_the_same_grey_and_the_colours(sampling, size):
    picture = scene(*size)
    jpeg = jpeg_of(picture, sampling)
    grey, colours = decode_both(jpeg)
    np.testing.assert_array_equal(grey, decode_grey(jpeg))
    assert grey.flags.c_contiguous
    assert colours.shape == (-(-size[0] // 2), -(-size[1] // 2), 3)
    assert np.abs(colours.astype(int) - halved(picture)).mean() < 5


def test_decode_both_agrees_with_the_reduced_colours_of_opencv():
    jpeg = jpeg_of(scene(240, 320))
    theirs = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_2)
    difference = np.abs(decode_both(jpeg)[1].astype(int) - theirs)
    assert difference.max() <= 3
    assert difference.mean() < 0.3


@pytest.mark.parametrize("options", [{"progressive": 1}, {"rst_interval": 2}, {"quality": 100}], ids=str)
def test_decode_both_reads_other_kinds_of_jpeg(options):
    jpeg = jpeg_of(scene(), **options)
    grey, colours = decode_both(jpeg)
    np.testing.assert_array_equal(grey, decode_grey(jpeg))
    assert np.abs(colours.astype(int) - halved(scene())).mean() < 4


def test_decode_both_takes_no_notice_of_what_the_header_says():
    plain = jpeg_of(scene())
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"  # brightness and colours
    for jpeg in (plain[:2] + adobe + plain[2:], plain[:2] + plain[20:]):  # beside the JFIF header, and without it
        for ours, expected in zip(decode_both(jpeg), decode_both(plain), strict=True):
            np.testing.assert_array_equal(ours, expected)


def test_decode_both_gives_no_colours_of_other_channels():
    plain = jpeg_of(scene(), "444")
    rgb = plain[:2] + b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00" + plain[20:]
    grey = cv2.imencode(".jpg", scene()[..., 1])[1].tobytes()
    for jpeg in (rgb, grey):
        found, colours = decode_both(jpeg)
        assert colours is None
        np.testing.assert_array_equal(found, decode_grey(jpeg))
    assert Frame(0, 0.0, UTC, decode_grey(rgb), jpeg=rgb).colour_halved().shape == (50, 81, 3)


def damage_of(decode, jpeg):
    try:
        decode(jpeg)
    except DamagedJpegError as error:
        return str(error)
    return None


def test_decode_both_refuses_what_decode_grey_refuses():
    whole = jpeg_of(scene(240, 320))
    rng = np.random.default_rng(5)
    for _ in range(40):
        start, length = int(rng.integers(len(whole) // 10, len(whole) - 2000)), int(rng.integers(1, 2000))
        torn = whole[:start] + whole[start + length :]
        assert damage_of(decode_both, torn) == damage_of(decode_grey, torn)


UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("asked", "sequence", "likely"),
    [
        ([], 3, False),
        ([3], 4, False),
        ([3, 3], 4, False),
        ([3, 8], 9, True),
        ([3, 9], 10, False),
        ([0, 3, 8], 24, True),
        ([0, 3, 8], 25, False),
        ([3, 8], 2, False),
        ([300, 0, 1], 3, True),
    ],
)
def test_colours_are_likely_where_they_were_asked_for_lately(asked, sequence, likely):
    demand = ColourDemand()
    for each in asked:
        demand.note(each)
    assert demand.is_likely(sequence) is likely


def test_source_decodes_colours_with_the_grey_where_they_are_asked_for(make_clip):
    pictures = [scene(80, 96, seed) for seed in range(12)]
    clip = make_clip([jpeg_of(picture) for picture in pictures])
    with open_source(clip) as source:
        quiet = list(source)
    with open_source(clip) as source:
        asked = [(frame, frame.colour_halved()) for frame in source]
    assert all(frame.bgr_halved is None for frame in quiet)
    assert [frame.bgr_halved is not None for frame, _ in asked] == [False] * 2 + [True] * 10
    for frame, (other, colours) in zip(quiet, asked, strict=True):
        np.testing.assert_array_equal(frame.grey, other.grey)
        np.testing.assert_array_equal(frame.colour_halved(), colours)
