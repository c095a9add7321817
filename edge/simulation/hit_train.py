"""Hits in time and place, and how they are drawn at a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = (1920, 1080)
"""Of the picture, in pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class HitTrain:
    """Hits on live ground, in the order of time.

    Attributes
    ----------
    times_s : float array, shape (n,)
    places : int array, shape (n, 2)
        x and y, in pixels.

    """

    times_s: NDArray[np.float64]
    places: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times_s)

    def plus(self, other: HitTrain) -> HitTrain:
        """Return the hits of both."""
        times_s = np.concatenate([self.times_s, other.times_s])
        order = np.argsort(times_s, kind="stable")
        return HitTrain(times_s[order], np.concatenate([self.places, other.places])[order])


def draw_poisson(rng: np.random.Generator, rates_hz: NDArray[np.float64], cell_s: float, start_s: float) -> HitTrain:
    """Return Poisson hits at a rate that is constant within cells, at places all over the picture.

    Parameters
    ----------
    rng : Generator
    rates_hz : float array, shape (n,)
        Rate of each cell, hits a second.
    cell_s : float
        Length of a cell.
    start_s : float
        Time at which the first cell begins.

    Examples
    --------
    >>> hits = draw_poisson(np.random.default_rng(1), np.array([0.0, 2.0]), 1000.0, 0.0)
    >>> len(hits), bool(hits.times_s.min() >= 1000)
    (2001, True)

    """
    counts = rng.poisson(rates_hz * cell_s)
    first_s = np.repeat(start_s + np.arange(len(rates_hz)) * cell_s, counts)
    times_s = np.sort(first_s + rng.uniform(0, cell_s, len(first_s)))
    return HitTrain(times_s, rng.integers(0, SIZE, (len(times_s), 2)))
