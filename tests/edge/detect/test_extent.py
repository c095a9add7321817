import numpy as np
import pytest

from edge.detect.extent import extents

SHARP, SOFT = np.full((1, 1), 40.0), np.array([[10, 20, 10], [20, 40, 20], [10, 20, 10.0]])
HERE = (np.array([30]), np.array([20]))


def greys(spot, noise=0.0):
    """Three frames of ground at 80, the middle one with a spot added at (30, 20)."""
    rng = np.random.default_rng(4)
    ground = [np.full((60, 80), 80.0) + rng.normal(0, noise or 1e-9, (60, 80)) for _ in range(3)]
    height, width = spot.shape
    ground[1][20 - height // 2 :][:height, 30 - width // 2 :][:, :width] += spot
    return tuple(np.rint(picture).astype(np.uint8) for picture in ground)


def test_extents_count_light_in_units_of_the_peak():
    assert extents(greys(SHARP), *HERE) == pytest.approx([1])
    assert extents(greys(SOFT), *HERE) == pytest.approx([3])  # its corners are not above a quarter
    assert extents(greys(np.full((3, 3), 30.0)), *HERE) == pytest.approx([9])
    assert extents(greys(np.zeros((1, 1))), *HERE) == pytest.approx([1]), "no spot at all"
    assert 1 <= extents(greys(SOFT, noise=3), *HERE)[0] < 5


def test_extents_are_the_same_at_the_border():
    first, current, last = greys(np.zeros((1, 1)))
    current[:2, :2] = 120
    corner = (np.array([0]), np.array([0]))
    assert extents((first, current, last), *corner) == pytest.approx([9])  # mirrored: three by three
