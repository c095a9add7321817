from dataclasses import replace
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.capture.frame import Frame
from edge.detect.colour import colours_around, colours_of
from edge.detect.hit import Candidate

WIDTH, HEIGHT = 97, 75  # odd on purpose


def spot(x, y):
    return Candidate(x, y, 30.0, 2, 0.0, 1.0)


def picture(spots, seed=1):
    rng = np.random.default_rng(seed)
    bgr = np.clip(rng.normal((90, 100, 110), 1, (HEIGHT, WIDTH, 3)), 0, 255)
    for x, y, colour in spots:
        bgr[y : y + 2, x : x + 2] += colour
    return np.clip(np.rint(bgr), 0, 255).astype(np.uint8)


def frame(bgr, kind):
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    utc = datetime(2026, 1, 1, tzinfo=timezone.utc)
    if kind == "bgr":
        return Frame(0, 0.0, utc, grey, bgr=bgr)
    if kind == "grey":
        return Frame(0, 0.0, utc, grey)
    content = cv2.imencode(".jpg", grey if kind == "grey jpeg" else bgr, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
    return Frame(0, 0.0, utc, cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_GRAYSCALE), jpeg=content)


GREEN, GREY = (0, 80, 0), (47, 47, 47)
SIDE = 9


def greenness(shown, spots, mask=None):
    """By how much the greenest pixel of each spot is greener than its ground; NaN where colours are not known."""
    colours, known = colours_around(colours_of(shown, mask), spots, SIDE)
    green = colours[..., 1].astype(float) - colours[..., [0, 2]].mean(axis=3)
    near = slice(SIDE // 2 - 1, SIDE // 2 + 2)
    found = green[:, near, near].max(axis=(1, 2), initial=-255) - np.median(green, axis=(1, 2))
    return np.where(known, found, np.nan)


@pytest.mark.parametrize("kind", ["bgr", "jpeg"])
def test_colour_of_a_spot_stands_out_and_of_a_grey_one_not(kind):
    shown = frame(picture([(20, 20, GREEN), (60, 40, GREY)]), kind)
    green, grey, nothing = greenness(shown, [spot(20, 20), spot(60, 40), spot(40, 60)])
    assert green > 10
    assert grey < 5
    assert nothing < 5


@pytest.mark.parametrize("kind", ["grey", "grey jpeg"])
def test_colour_is_not_known_where_the_camera_gives_none(kind):
    assert np.isnan(greenness(frame(picture([(20, 20, GREEN)]), kind), [spot(20, 20)])).all()


@pytest.mark.parametrize("kind", ["bgr", "jpeg"])
def test_colour_is_not_known_of_grey_in_three_channels(kind):
    grey = picture([(20, 20, GREY)])[..., :1].repeat(3, axis=2)
    assert np.isnan(greenness(frame(grey, kind), [spot(20, 20)])).all()


def test_colour_is_not_known_where_decoding_fails():
    whole = frame(picture([(20, 20, GREEN)]), "jpeg")
    assert np.isnan(greenness(replace(whole, jpeg=whole.jpeg[:300]), [spot(20, 20)])).all()
    assert np.isnan(greenness(replace(whole, jpeg=b"no JPEG"), [spot(20, 20)])).all()


@pytest.mark.parametrize("kind", ["bgr", "jpeg"])
@pytest.mark.parametrize("place", [(0, 0), (WIDTH - 1, 0), (0, HEIGHT - 1), (WIDTH - 1, HEIGHT - 1)])
def test_colour_is_seen_in_corners_of_odd_pictures(kind, place):
    x, y = place
    bgr = picture([])
    bgr[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2] += np.array([0, 100, 0], np.uint8)
    (found,) = greenness(frame(bgr, kind), [spot(x, y)])
    assert found > 15


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_colour_ignores_pixels_under_a_mask(seed):
    rng = np.random.default_rng(seed)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[11:40, 25:50] = 255
    plain = picture([(22, 20, GREEN)])
    other = np.where(mask[..., None] != 0, rng.integers(0, 256, plain.shape, dtype=np.uint8), plain)
    spots = [spot(22, 20), spot(30, 20), spot(24, 9), spot(60, 60), spot(51, 20), spot(30, 41)]
    first, second = (greenness(frame(bgr, "bgr"), spots, mask) for bgr in (plain, other))
    np.testing.assert_array_equal(first, second)
    assert first[0] > 15
    assert np.isnan(first[1])


def test_colour_under_a_mask_leaves_a_grey_picture_grey():
    grey = picture([(60, 40, GREY)])[..., :1].repeat(3, axis=2)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[11:40, 25:50] = 255
    grey[11:40, 25:50] = (10, 200, 30)
    assert np.isnan(greenness(frame(grey, "bgr"), [spot(60, 40)], mask)).all()


def test_colour_of_no_spots_is_empty():
    colours, known = colours_around(colours_of(frame(picture([]), "bgr")), [], SIDE)
    assert (colours.shape, known.shape) == ((0, SIDE, SIDE, 3), (0,))
