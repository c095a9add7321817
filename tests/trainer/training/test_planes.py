"""Crops that the trainer has read become what a network sees."""

import numpy as np
import pytest

from trainer.training.planes import network_planes

PICTURES = np.random.default_rng(1).integers(0, 256, (2, 5, 5, 3)).astype(np.uint8)


@pytest.mark.parametrize(("planes", "expected"), [("temporal", PICTURES), ("rgb", PICTURES[..., ::-1])])
def test_network_planes_follow_the_contract(planes, expected):
    assert np.array_equal(network_planes(PICTURES, planes), expected)


def test_network_planes_keep_compensated_planes():
    planes = np.random.default_rng(1).integers(0, 256, (2, 5, 5, 5)).astype(np.uint8)
    assert network_planes(planes, "compensated") is planes
