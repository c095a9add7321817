import cv2
import numpy as np
import pytest

from edge.detect.steady import steadied


def scene(size=(240, 320), seed=1):
    texture = cv2.GaussianBlur(np.random.default_rng(seed).normal(0, 40, size).astype(np.float32), (0, 0), 2.5)
    return np.clip(128 + 6 * texture, 0, 255)


def view(picture, right, down, seed):
    height, width = picture.shape
    how = np.array([[1, 0, right], [0, 1, down]], np.float32)
    moved = cv2.warpAffine(picture, how, (width, height), borderMode=cv2.BORDER_REFLECT)
    noise = np.random.default_rng(seed).normal(0, 2, moved.shape)
    return np.clip(np.rint(moved + noise), 0, 255).astype(np.uint8)


def difference(first, second, margin=24):
    inner = (slice(margin, -margin), slice(margin, -margin))
    return float(cv2.absdiff(first, second)[inner].mean())


@pytest.mark.parametrize("shift", [(3, 0), (-2.5, 4.3), (0.6, -0.7), (12, -9)])
def test_steadied_frames_differ_by_noise_only(shift):
    picture = scene()
    greys = view(picture, *shift, 1), view(picture, 0, 0, 2), view(picture, -shift[0], -shift[1], 3)
    steady = steadied(greys)
    assert steady is not None
    assert steady[1] is greys[1]
    assert difference(steady[0], greys[1]) < 4
    assert difference(steady[2], greys[1]) < 4


def test_steady_camera_is_left_alone():
    picture = scene()
    assert steadied(tuple(view(picture, 0, 0, seed) for seed in range(3))) is None


def test_things_that_move_are_no_shaking():
    picture = scene()
    greys = []
    for number in range(3):
        shown = picture.copy()
        shown[60:160, 40 + 15 * number : 140 + 15 * number] = 230
        greys.append(view(shown, 0, 0, number))
    assert steadied(tuple(greys)) is None


def test_masked_pixels_spike_nowhere():
    picture, mask = scene(), np.zeros((240, 320), np.uint8)
    mask[100:140, 100:200] = 255
    greys = [view(picture, 4 * step, 3 * step, step + 2) for step in (-1, 0, 1)]
    for grey in greys:
        grey[mask != 0] = 0
    previous, current, following = steadied(tuple(greys), mask)
    spike = cv2.subtract(current, cv2.max(previous, following))
    beside = cv2.dilate(mask, np.ones((13, 13), np.uint8)) - mask
    assert int(spike[beside != 0].max()) < 25


def test_pictures_too_small_to_judge_are_left_alone():
    assert steadied(tuple(np.zeros((3, 40, 80), np.uint8))) is None
