"""The spots of hits, measured in small windows: their pixels, their height, and which peaks belong to one hit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.hit import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.fast_path import FastPathResult
    from edge.detect.hit import Candidate
    from edge.detect.view import Greys

REACH = 24
"""A spot is followed this many pixels from its peak; longer tracks count as several hits."""
_FOOT = 0.25
_MIN_FOOT_DN = 8
_NEIGHBOUR_REACH = 8
"""Mostly, the second spot of one quantum is no farther away, and JPEG frays spots.

Of n hits in a frame of 1920×1080 pixels about n² / 14,000 are mistaken for such a second spot.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """The trace of a hit in the picture.

    Attributes
    ----------
    added_dn : float
        Grey levels by which the peak exceeds the mean of the previous and next frame.
    pixels : int
        Number of connected pixels whose spike exceeds half of the peak's.
    belongs : bool array, shape (height, width) of the window
        Whether each pixel belongs to the spot, down to its foot.
    origin : (x0, y0)
        Column and row of the window's upper left pixel in the picture.

    """

    added_dn: float
    pixels: int
    belongs: NDArray[np.bool_]
    origin: tuple[int, int]

    def holds(self, x: int, y: int) -> bool:
        """Return whether a peak at (x, y) is part of this spot."""
        row, column = y - self.origin[1], x - self.origin[0]
        height, width = self.belongs.shape
        return 0 <= row < height and 0 <= column < width and bool(self.belongs[row, column])


def merge_hits(decided: Sequence[tuple[Candidate, float]], greys: Greys, found: FastPathResult) -> tuple[Hit, ...]:
    """Return one hit for each spot.

    Several peaks of one track or blotch count once, with position and score of the highest spike.

    Parameters
    ----------
    decided : sequence of (candidate, score)
        The candidates that were decided to be hits.
    greys : three uint8 arrays, shape (height, width)
    found : FastPathResult
        The result of the fast path for the same frame.

    Returns
    -------
    tuple of Hit
        The hits, ordered by row, then column.

    """
    spots: list[Spot] = []
    hits: list[Hit] = []
    for candidate, score in sorted(decided, key=lambda pair: (-pair[0].spike_dn, pair[0].y, pair[0].x)):
        x, y = candidate.x, candidate.y
        if any(spot.holds(x, y) for spot in spots):
            continue
        spot = measure(greys, x, y)
        spots.append(spot)
        live, stirred = found.is_live(x, y), found.is_stirred(x, y)
        hits.append(Hit(x, y, score, spot.added_dn, spot.pixels, live=live, stirred=stirred))
    return tuple(sorted(hits, key=lambda hit: (hit.y, hit.x)))


def apart_from(hits: Sequence[Hit], spots: Sequence[Hit]) -> tuple[Hit, ...]:
    """Return the spots that are not parts of hits, because none lies near.

    Examples
    --------
    >>> hit, near, far = (Hit(x, 20, 0.9, 60.0, 3, live=True) for x in (30, 36, 90))
    >>> apart_from([hit], [near, far]) == (far,)
    True

    """
    return tuple(
        spot
        for spot in spots
        if not any(max(abs(spot.x - hit.x), abs(spot.y - hit.y)) <= _NEIGHBOUR_REACH for hit in hits)
    )


def measure(greys: Greys, x: int, y: int) -> Spot:
    """Return the spot whose brightest pixel is (x, y).

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width)
        Previous, current and next frame.
    x, y : int

    """
    height, width = greys[1].shape
    x0, y0 = max(x - REACH, 0), max(y - REACH, 0)
    x1, y1 = min(x + REACH + 1, width), min(y + REACH + 1, height)
    previous, current, following = (grey[y0:y1, x0:x1] for grey in greys)
    spike = cv2.subtract(current, cv2.max(previous, following))
    row, column = y - y0, x - x0
    peak = int(spike[row, column])
    added = float(current[row, column]) - (float(previous[row, column]) + float(following[row, column])) / 2
    pixels = int(np.count_nonzero(_connected(spike > peak / 2, row, column)))
    belongs = _connected(spike > max(peak * _FOOT, _MIN_FOOT_DN), row, column)
    rows = slice(max(row - _NEIGHBOUR_REACH, 0), row + _NEIGHBOUR_REACH + 1)
    columns = slice(max(column - _NEIGHBOUR_REACH, 0), column + _NEIGHBOUR_REACH + 1)
    belongs[rows, columns] = True
    return Spot(added, pixels, belongs, (x0, y0))


def _connected(above: NDArray[np.bool_], row: int, column: int) -> NDArray[np.bool_]:
    _, labels = cv2.connectedComponents(above.astype(np.uint8), connectivity=8)
    component: NDArray[np.bool_] = (labels == labels[row, column]) & above
    return component
