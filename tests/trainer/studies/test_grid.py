import numpy as np
import pytest

from edge.bundle import load_bundle, shipped_bundle_path
from trainer.studies.grid import BLOCK, SIDE, _pictures, find_grid

MIN_SHARE = 0.98
"""Of the shipped bundle; the figures of a larger scene stand in docs/performance.md."""


@pytest.mark.parametrize("size", [(160, 120), (164, 122)])
def test_pictures_hold_every_block_once(size):
    width, height = size
    pictures = list(_pictures(size, 4, np.random.default_rng(1)))
    places = [place for one in pictures for place in one]
    assert len(pictures) == 16
    blocks = {(x // BLOCK, y // BLOCK) for x, y in places if 0 < x < width - SIDE and 0 < y < height - SIDE}
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    assert len(places) == columns * rows
    assert blocks >= {(column, row) for column in range(1, columns - 2) for row in range(1, rows - 2)}
    assert {(0, 0), (width - SIDE, 0), (0, height - SIDE), (width - SIDE, height - SIDE)} <= set(places)
    assert all(0 <= x <= width - SIDE and 0 <= y <= height - SIDE for x, y in places)


def test_find_grid_finds_all_hits_with_a_lax_network(bundle):
    (found,) = find_grid(bundle, (320, 240), (90,), pitch=10, seed=2)
    assert found.hits > 1000
    assert found.proposed / found.hits > 0.995
    assert found.screened == found.proposed  # it has no screen
    assert found.share > 0.98
    assert found.share_interval[0] < found.share <= found.share_interval[1]
    assert found.unclassified == 0


def test_shipped_bundle_finds_the_grid():
    for found in find_grid(load_bundle(shipped_bundle_path()), (320, 240), (85, 95), pitch=8, seed=1):
        assert found.hits > 800
        assert found.hits * 0.995 <= found.proposed
        assert found.found <= found.screened <= found.proposed
        assert found.share >= MIN_SHARE, found
        assert found.false_hits <= 0.01 * found.hits
