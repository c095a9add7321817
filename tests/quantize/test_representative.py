"""The representative set is drawn evenly over the cells and spans the whole input range."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.representative import cells, draw, span_range


def crops(brightness, label, motion):
    from trainer.training.batches import Crops

    pictures = np.stack([np.full((5, 5, 3), level, np.uint8) for level in brightness])
    return Crops(pictures, np.array(label, np.uint8), tuple({"motion_dn": motion_dn} for motion_dn in motion))


def test_cells_differ_by_brightness_motion_and_label():
    cell = cells(crops([20, 20, 20, 200], [0, 1, 0, 0], [0, 0, 20, None]), "temporal")
    assert len(set(cell)) == 4


def test_cells_take_brightness_of_the_picture_among_compensated_planes():
    from trainer.training.batches import Crops

    pictures = np.full((2, 5, 5, 5), 96, np.uint8)
    pictures[:, ..., 0] = np.array([20, 70]).reshape(2, 1, 1)
    dim, bright = cells(Crops(pictures, np.zeros(2, np.uint8), ({}, {})), "compensated")
    assert dim != bright


def test_draw_takes_all_of_a_rare_cell():
    cell = np.array([0] * 1000 + [1] * 3)
    chosen = draw(cell, 100, np.random.default_rng(1))
    assert (cell[chosen] == 1).sum() == 3
    assert len(chosen) == len(set(chosen)) == 100


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(1, 100), st.integers(0, 9))
def test_draw_has_the_size_asked_for_and_no_doubles(cell, count, seed):
    chosen = draw(np.array(cell), count, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen)) == min(count, len(cell))


def test_span_range_changes_two_pixels_of_a_copy():
    grey = np.full((3, 5, 5, 3), 100, np.uint8)
    marked = span_range(grey)
    assert (marked.min(), marked.max()) == (0, 255)
    assert (marked != grey).any(axis=-1).sum() == 2
    assert (grey == 100).all()
