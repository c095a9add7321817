"""The 24 parts of a picture, in four rows and six columns: what holds in all of them holds for the whole camera."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROWS, COLUMNS = 4, 6


def part_counts(marked: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return how many blocks are marked in each part: whole numbers, float32, shape (4, 6).

    Parameters
    ----------
    marked : bool array, shape (rows, columns)
        Blocks of a picture. Where they are fewer than parts, some parts are empty.

    Examples
    --------
    >>> marked = np.zeros((8, 12), bool)
    >>> marked[0, :4] = True
    >>> part_counts(marked)[0].tolist()
    [2.0, 2.0, 0.0, 0.0, 0.0, 0.0]

    """
    rows, columns = marked.shape
    counts: NDArray[np.float32] = _shares(rows, ROWS) @ marked.astype(np.float32) @ _shares(columns, COLUMNS).T
    return counts


def part_means(marked: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of marked blocks in each part that is not empty, shape (parts,)."""
    rows, columns = marked.shape
    sizes = np.outer(_shares(rows, ROWS).sum(axis=1), _shares(columns, COLUMNS).sum(axis=1))
    holds = sizes > 0
    means: NDArray[np.float64] = part_counts(marked)[holds].astype(np.float64) / sizes[holds]
    return means


@lru_cache(maxsize=32)
def _shares(length: int, parts: int) -> NDArray[np.float32]:
    """Return 1 where a row or column of blocks belongs to a part, else 0: float32, shape (parts, length)."""
    shares = np.zeros((parts, length), np.float32)
    for part, places in enumerate(np.array_split(np.arange(length), parts)):
        shares[part, places] = 1
    return shares
