import cv2
import numpy as np
import pytest

from edge.detect.compensation import SEARCH_PX, compensated
from edge.detect.crops import CHANGE_ZERO, network_input

SIZE = 33
WIDE = SIZE + 2 * SEARCH_PX


def moving_patch(step, seed=1, noise_dn=0.0):
    """Return a patch (1, 47, 47, 3) of a scene that moves by `step` (down, right) a frame."""
    rng = np.random.default_rng(seed)
    scene = 128 + 8 * cv2.GaussianBlur(rng.normal(0, 40, (90, 90)).astype(np.float32), (0, 0), 2)
    views = []
    for number in (-1, 0, 1):
        top, left = 20 - number * step[0], 20 - number * step[1]
        views.append(scene[top : top + WIDE, left : left + WIDE] + rng.normal(0, noise_dn, (WIDE, WIDE)))
    return np.clip(np.stack(views, axis=-1), 0, 255).astype(np.uint8)[None]


@pytest.mark.parametrize("step", [(0, 0), (1, 0), (0, -4), (7, 7), (-7, 3)])
def test_compensated_scene_stands_still(step):
    greys = moving_patch(step)
    moved = compensated(greys, SIZE)
    middle = greys[:, SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX, 1]
    assert np.array_equal(moved[..., 0], middle)
    assert np.array_equal(moved[..., 1], middle)


def test_hit_does_not_change_the_compensation():
    greys = moving_patch((3, -2))
    before = compensated(greys, SIZE)
    greys[0, WIDE // 2 - 1 : WIDE // 2 + 2, WIDE // 2 - 1 : WIDE // 2 + 2, 1] = 255
    assert np.array_equal(compensated(greys, SIZE), before)


def test_noise_alone_is_not_shifted():
    rng = np.random.default_rng(5)
    greys = np.clip(90 + rng.normal(0, 3, (20, WIDE, WIDE, 3)), 0, 255).astype(np.uint8)
    still = greys[:, SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX]
    assert np.array_equal(compensated(greys, SIZE), still[..., [0, 2]])


def test_compensated_planes_hold_differences():
    greys = np.full((2, WIDE, WIDE, 3), 100, np.uint8)
    greys[1, WIDE // 2, WIDE // 2, 1] = 160
    laid = network_input("compensated", greys, None)
    assert laid.shape == (2, SIZE, SIZE, 5)
    middle = laid[:, SIZE // 2, SIZE // 2].tolist()
    assert middle == [[100, *[CHANGE_ZERO] * 4], [160, *[CHANGE_ZERO + 60] * 4]]


def test_no_patches_give_no_planes():
    assert network_input("compensated", np.empty((0, WIDE, WIDE, 3), np.uint8), None).shape == (0, SIZE, SIZE, 5)
