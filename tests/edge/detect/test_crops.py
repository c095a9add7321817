"""What the networks see of a spot does not depend on how near to the border it lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detect.crops import patches

SIZE = (40, 48)


def spot_at(x: int, y: int, reach: int) -> np.ndarray:
    picture = np.full(SIZE, 50, np.uint8)
    picture[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = 90
    return picture


@given(x=st.integers(0, 47), y=st.integers(0, 39), reach=st.integers(0, 3), size=st.sampled_from((9, 17, 24, 25)))
def test_patches_show_spots_alike_anywhere(x, y, reach, size):
    there = patches([spot_at(x, y, reach)], np.array([x]), np.array([y]), size)
    middle = patches([spot_at(24, 20, reach)], np.array([24]), np.array([20]), size)
    np.testing.assert_array_equal(there, middle)


@pytest.mark.parametrize("size", [24, 25])
def test_patches_inside_the_picture_are_plain_cuts(size):
    planes = np.random.default_rng(1).integers(0, 256, (3, *SIZE), dtype=np.uint8)
    x, y = 20, 16
    (cut,) = patches(list(planes), np.array([x]), np.array([y]), size)
    rows, columns = (slice(middle - size // 2, middle - size // 2 + size) for middle in (y, x))
    np.testing.assert_array_equal(cut, np.moveaxis(planes, 0, -1)[rows, columns])


def test_patches_in_a_corner_are_mirrored_in_both_directions():
    picture = np.random.default_rng(2).integers(0, 256, SIZE, dtype=np.uint8)
    (cut,) = patches([picture], np.array([47]), np.array([0]), 79)
    reach = np.abs(np.arange(79) - 39)
    np.testing.assert_array_equal(cut[..., 0], picture[np.ix_(reach, 47 - reach)])
    assert patches([picture], np.array([47]), np.array([0]), 199).shape == (1, 199, 199, 1)


def test_patches_of_no_candidates_are_empty():
    assert patches([spot_at(3, 3, 1)] * 3, np.array([], np.intp), np.array([], np.intp), 25).shape == (0, 25, 25, 3)
