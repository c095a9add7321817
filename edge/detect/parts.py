"""The 24 parts of a picture, in four rows and six columns: what holds in all of them holds for the whole camera."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.hit import PARTS

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


def ground_of(live: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the live share of each of 12×16 parts of a picture, finer ones than the 24: float32, shape (12, 16).

    Examples
    --------
    >>> float(ground_of(np.ones((60, 80), bool)).min())
    1.0

    """
    parts: NDArray[np.float32] = cv2.resize(live.astype(np.float32), (PARTS[1], PARTS[0]), interpolation=cv2.INTER_AREA)
    return parts


@lru_cache(maxsize=32)
def _shares(length: int, parts: int) -> NDArray[np.float32]:
    """Return 1 where a row or column of blocks belongs to a part, else 0: float32, shape (parts, length)."""
    shares = np.zeros((parts, length), np.float32)
    for part, places in enumerate(np.array_split(np.arange(length), parts)):
        shares[part, places] = 1
    return shares
