"""Crops that the trainer has read become what a network sees."""

import numpy as np
import pytest

from quantize.planes import laid_out

PICTURES = np.random.default_rng(1).integers(0, 256, (2, 5, 5, 3)).astype(np.uint8)


@pytest.mark.parametrize(("planes", "expected"), [("temporal", PICTURES), ("rgb", PICTURES[..., ::-1])])
def test_laid_out_follows_the_planes(planes, expected):
    assert np.array_equal(laid_out(PICTURES, planes), expected)


def test_laid_out_keeps_compensated_planes():
    planes = np.random.default_rng(1).integers(0, 256, (2, 5, 5, 5)).astype(np.uint8)
    assert laid_out(planes, "compensated") is planes
