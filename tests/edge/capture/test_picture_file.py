import struct
import zlib

import cv2
import numpy as np
import pytest

from edge.capture.picture_file import (
    bits_in_use,
    bits_of,
    decode_picture,
    depth_of,
    orientation_of,
    pages_of,
    read_colour,
)


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.fixture
def grey():
    return np.random.default_rng(1).integers(0, 256, (80, 96)).astype(np.uint8)


def test_decode_picture_ignores_bytes_after_the_end_of_a_png(grey):
    assert np.array_equal(decode_picture(png(grey) + bytes(300)), grey)


@pytest.mark.parametrize("missing", [13, 20, 1000])
def test_decode_picture_refuses_a_png_cut_short(grey, missing):
    assert decode_picture(png(grey)[:-missing]) is None


@pytest.mark.parametrize("missing", [1, 4, 11, 12])
def test_decode_picture_needs_no_end_of_a_png(grey, missing):
    assert np.array_equal(decode_picture(png(grey)[:-missing]), grey)


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_decode_picture_scales_by_the_bits_in_use(grey, bits):
    deep = grey.astype(np.uint16) << (bits - 8)
    deep[0, 0] = (1 << bits) - 1
    contents = [png(deep)]
    assert bits_in_use(contents) == bits
    assert np.array_equal(decode_picture(contents[0], bits).ravel()[1:], grey.ravel()[1:])


def test_decode_picture_keeps_what_exceeds_the_bits_in_use():
    deep = np.full((64, 64), 100, np.uint16)
    deep[10, 10] = 60_000
    assert decode_picture(png(deep), 10)[10, 10] == 255


def test_bits_in_use_are_none_for_8_bits(grey):
    assert bits_in_use([png(grey)]) is None


@pytest.mark.parametrize(
    ("brightest", "depth"), [(0, 10), (1023, 10), (1024, 12), (4095, 12), (16_383, 14), (65_535, 16)]
)
def test_depth_of(brightest, depth):
    assert depth_of(brightest) == depth


def test_pages_of_a_tiff(grey, tmp_path):
    place = tmp_path / "pages.tiff"
    cv2.imwritemulti(str(place), [grey, grey, grey])
    assert pages_of(place.read_bytes()) == 3
    assert pages_of(png(grey)) == 1


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def with_chunk(content, name, body):
    """Insert a chunk after the header of a PNG."""
    return content[:33] + chunk(name, body) + content[33:]


def exif(orientation, order=">"):
    head = b"MM\0*" if order == ">" else b"II*\0"
    return head + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def jpeg_turned(picture, orientation, order=">"):
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    body = b"Exif\0\0" + exif(orientation, order)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]


def test_bits_in_use_are_those_that_a_png_declares():
    dark = png(np.full((64, 64), 300, np.uint16))
    assert bits_in_use([dark]) == 10
    assert bits_in_use([with_chunk(dark, b"sBIT", bytes([14]))]) == 14
    assert bits_in_use([with_chunk(dark, b"sBIT", bytes([3]))]) == 10


def test_pages_of_animated_pictures(grey):
    assert pages_of(with_chunk(png(grey), b"acTL", struct.pack(">II", 7, 0))) == 7
    assert pages_of(b"RIFF\0\0\0\0WEBPVP8X" + b"ANMF...." * 3) == 3
    assert pages_of(cv2.imencode(".webp", grey)[1].tobytes()) == 1


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
@pytest.mark.parametrize("order", [">", "<"])
def test_orientation_of_jpeg_png_and_tiff(grey, orientation, order):
    assert orientation_of(jpeg_turned(grey, orientation, order)) == orientation
    assert orientation_of(with_chunk(png(grey), b"eXIf", exif(orientation, order))) == orientation
    assert orientation_of(exif(orientation, order)) == orientation


@pytest.mark.parametrize(
    "content", [b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"\xff\xd8Exif\0\0II*\0\xff\xff\xff\xff"]
)
def test_orientation_of_what_has_none_is_upright(content):
    assert orientation_of(content) == 1


def test_decode_picture_leaves_pictures_as_they_were_taken(grey):
    content = with_chunk(png(grey), b"eXIf", exif(6))
    assert decode_picture(content).shape == (80, 96)
    assert decode_picture(jpeg_turned(grey, 6)).shape == (80, 96)
    # A JPEG, as older OpenCV knows no EXIF of others.
    assert decode_picture(jpeg_turned(grey, 6), upright=True).shape == (96, 80)


@pytest.mark.parametrize("kind", ["jpg", "png", "deep.png"])
def test_read_colour_reads_upright_colours(tmp_path, grey, kind):
    file = tmp_path / f"picture.{kind}"
    content = {
        "jpg": jpeg_turned(grey, 6),
        "png": png(grey),
        "deep.png": png(grey.astype(np.uint16) * 16),
    }[kind]
    file.write_bytes(content)
    picture = read_colour(file, 12)
    assert picture.shape == ((96, 80, 3) if kind == "jpg" else (80, 96, 3))
    if kind != "jpg":
        assert np.array_equal(picture[..., 1], grey)
    file.write_bytes(content[:-400])
    assert read_colour(file) is None
    assert read_colour(tmp_path / "away.png") is None


def test_bits_of_files_are_those_of_a_sample(tmp_path, grey):
    for number in range(20):
        (tmp_path / f"{number:02}.png").write_bytes(png(grey.astype(np.uint16) * 16))
    assert bits_of(sorted(tmp_path.iterdir())) == 12
    assert bits_of([]) is None
