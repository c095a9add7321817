import cv2
import numpy as np
import pytest

from edge.capture.picture_file import bits_in_use, decode_picture, depth_of, pages_of


def png(picture):
    return cv2.imencode(".png", picture)[1].tobytes()


@pytest.fixture
def grey():
    return np.random.default_rng(1).integers(0, 256, (80, 96)).astype(np.uint8)


def test_decode_picture_ignores_bytes_after_the_end_of_a_png(grey):
    assert np.array_equal(decode_picture(png(grey) + bytes(300)), grey)


def test_decode_picture_refuses_a_png_cut_short(grey):
    assert decode_picture(png(grey)[:-20]) is None


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
