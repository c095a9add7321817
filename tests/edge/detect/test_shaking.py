import cv2
import numpy as np
import pytest

from edge.detect.shaking import is_shaken

HEIGHT, WIDTH = 240, 320


def scene(seed=1):
    """Textured ground in front of a smooth wall, in levels."""
    rng = np.random.default_rng(seed)
    made = np.full((HEIGHT, WIDTH), 90, np.float32)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (HEIGHT // 2, WIDTH)).astype(np.float32), (0, 0), 1.5)
    made[HEIGHT // 2 :] += (texture - texture.mean()) * 5
    return made


def shot(levels, rng, shift=(0, 0), light=1.0):
    moved = np.roll(levels, shift, axis=(0, 1)) * light + rng.normal(0, 2, levels.shape)
    return np.clip(np.rint(moved), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shifts", [((0, 0), (3, 2), (0, 0)), ((0, 0), (0, 0), (4, -3)), ((5, 1), (-6, 2), (0, -8))])
def test_camera_that_moves_in_any_frame_is_shaken(shifts):
    rng = np.random.default_rng(2)
    assert is_shaken(*(shot(scene(), rng, shift) for shift in shifts))


@pytest.mark.parametrize("lights", [(1, 1, 1), (1, 1.08, 1), (0.95, 1, 1.05)])
def test_noise_and_slight_changes_of_light_are_no_shaking(lights):
    rng = np.random.default_rng(3)
    assert not is_shaken(*(shot(scene(), rng, light=light) for light in lights))


def test_moving_things_are_no_shaking():
    rng = np.random.default_rng(4)
    frames = []
    for i in range(3):
        levels = scene()
        levels[60:200, 40 + 20 * i : 180 + 20 * i] = scene(9)[100:240, :140]
        frames.append(shot(levels, rng))
    assert not is_shaken(*frames)


def test_hits_everywhere_are_no_shaking():
    rng = np.random.default_rng(5)
    frames = [shot(scene(), rng) for _ in range(3)]
    for x, y in zip(rng.integers(0, WIDTH, 400), rng.integers(0, HEIGHT, 400), strict=True):
        frames[1][y, x] = 255
    assert not is_shaken(*frames)


@pytest.mark.parametrize("side", [8, 63, 200])
def test_picture_without_edges_or_too_small_is_not_shaken(side):
    rng = np.random.default_rng(6)
    assert not is_shaken(*(shot(np.full((side, side), 80.0), rng) for _ in range(3)))


def test_large_thing_over_plain_ground_is_no_shaking():
    rng = np.random.default_rng(4)
    frames = []
    for step in (0, 5, 10):
        picture = np.full((360, 640), 70, np.float32)
        picture[10:14, 560:620] = 200  # what little is painted on the ground rests
        picture[340:344, 20:90] = 200
        picture[120:320, 200 + step : 300 + step] = 220
        picture[150:200, 220 + step : 280 + step] = 30
        frames.append(np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8))
    assert not is_shaken(*frames)


def parts(filled, shift, *, resting=1):
    """A smooth wall with texture in the first `filled` of 24 parts, all but the first `resting` of them shifted."""
    rng = np.random.default_rng(7)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (240, 360)).astype(np.float32), (0, 0), 1.5)
    made = np.full((240, 360), 90, np.float32)
    places = [(60 * (part // 6), 60 * (part % 6)) for part in range(filled)]
    for y, x in places:
        inner = slice(y + 12, y + 48), slice(x + 12, x + 48)
        made[inner] += ((texture - texture.mean()) * 5)[inner]
    moved = np.roll(made, (shift, shift // 2), axis=(0, 1))
    for y, x in places[:resting]:
        moved[y : y + 60, x : x + 60] = made[y : y + 60, x : x + 60]
    return moved


@pytest.mark.parametrize(
    ("filled", "shifts", "told"),
    [
        (8, (0, 5, 10), False),  # a third of the picture: a large thing as well
        (12, (0, 0, 5), False),  # half of it, against one of both frames
        (12, (0, 5, 10), True),
        (16, (0, 0, 5), True),  # two thirds, against one
        (16, (0, 5, 10), True),
    ],
)
def test_few_parts_with_edges_need_shaking_in_both_frames(filled, shifts, told):
    rng = np.random.default_rng(8)
    assert is_shaken(*(shot(parts(filled, shift), rng) for shift in shifts)) is told
