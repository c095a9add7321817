"""The representative set takes evenly from what there is and spans the whole input range."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from quantize.representative import cells, draw, span_range


def crops(brightness, label, motion):
    from trainer.training.batches import Crops

    pictures = np.stack([np.full((5, 5, 3), level, np.uint8) for level in brightness])
    return Crops(pictures, np.array(label, np.uint8), tuple({"motion_dn": one} for one in motion))


def test_brightness_motion_and_hits_make_cells():
    found = cells(crops([20, 20, 20, 200], [0, 1, 0, 0], [0, 0, 20, None]))
    assert len(set(found)) == 4


def test_a_rare_cell_gives_all_it_has():
    cell = np.array([0] * 1000 + [1] * 3)
    chosen = draw(cell, 100, np.random.default_rng(1))
    assert (cell[chosen] == 1).sum() == 3
    assert len(chosen) == len(set(chosen)) == 100


@settings(deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=80), st.integers(1, 100), st.integers(0, 9))
def test_every_draw_is_as_large_as_asked_and_without_doubles(cell, count, seed):
    chosen = draw(np.array(cell), count, np.random.default_rng(seed))
    assert len(chosen) == len(set(chosen)) == min(count, len(cell))


def test_two_pixels_span_the_input_range_and_the_rest_stays():
    grey = np.full((3, 5, 5, 3), 100, np.uint8)
    marked = span_range(grey)
    assert (marked.min(), marked.max()) == (0, 255)
    assert (marked != grey).any(axis=-1).sum() == 2
    assert (grey == 100).all()
