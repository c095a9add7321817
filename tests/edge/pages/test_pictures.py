import base64

import cv2
import numpy as np
import pytest

from edge.pages.pictures import as_jpeg, as_png, blurred, crop, stretched, strip


@pytest.mark.parametrize(("x", "y"), [(20, 10), (0, 0), (39, 29)])
def test_crop_has_its_pixel_in_the_middle(x, y):
    picture = np.arange(1200, dtype=np.uint16).reshape(30, 40).astype(np.uint8)
    cut = crop(picture, x, y, 17)
    assert cut.shape == (17, 17)
    assert cut[8, 8] == picture[y, x]


def test_stretched_uses_one_contrast_for_all():
    dark, bright = np.full((4, 4), 100, np.uint8), np.full((4, 4), 140, np.uint8)
    low, high = stretched([dark, bright])
    assert (low.max(), high.min()) == (0, 255)


def test_noise_alone_is_not_stretched_to_black_and_white():
    low, high = stretched([np.full((4, 4), 100, np.uint8), np.full((4, 4), 103, np.uint8)])
    assert high.max() - low.min() < 50


def test_strip_enlarges_8_times_and_leaves_the_hit_free():
    pictures = [np.full((17, 17), 60, np.uint8) for _ in range(3)]
    pictures[1][8, 8] = 200
    marked = strip(pictures, [None, (8, 8), None])
    assert marked.shape == (136, 3 * 136 + 2 * 4, 3)
    assert (marked[64:72, 140 + 64 : 140 + 72] == 255).all()
    coloured = np.abs(np.diff(marked.astype(int), axis=-1)).max(axis=-1) > 30
    assert coloured[:, 140:276].any()
    assert not coloured[:, :136].any()
    assert not coloured[40:96, 140 + 40 : 140 + 96].any()


def test_blurred_hides_what_is_smaller_than_a_hundredth_of_the_width():
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (540, 960, 3), np.uint8)
    out = blurred(picture)
    assert out.shape == picture.shape
    assert np.abs(np.diff(out.astype(int), axis=1)).max() <= 30
    face = np.full((540, 960), 128, np.uint8)
    face[200:220:2, 300:320] = 255  # stripes of one pixel
    assert np.ptp(blurred(face)[200:220, 305:315], axis=0).max() < 40


@pytest.mark.parametrize(("code", "kind"), [(as_png, "png"), (as_jpeg, "jpeg")])
def test_picture_comes_back_from_its_address(code, kind):
    picture = np.tile(np.arange(0, 250, 10, dtype=np.uint8), (25, 1))
    head, content = code(picture).split(",")
    assert head == f"data:image/{kind};base64"
    back = cv2.imdecode(np.frombuffer(base64.b64decode(content), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert np.abs(back.astype(int) - picture).mean() < 3
