"""What hits of the simulated camera look like, for comparison: counts of their added light and of their sizes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TABLE = Path(__file__).parent / "sensor_model.json"
ADDED_EDGES_DN = (0, 15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 100, 120, 140, 160, 180, 200, 220, 256)
PIXEL_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 20, 25, 30, 40, 60)


@dataclass(frozen=True, slots=True)
class ModelledSource:
    """The hits that the shipped networks find in a film of the simulated camera beside a source.

    Attributes
    ----------
    name : str
        The source.
    hits : int
        Number of hits found.
    added, pixels : tuple of int
        How many of them fall between the edges of `ADDED_EDGES_DN` and of `PIXEL_EDGES`.

    """

    name: str
    hits: int
    added: tuple[int, ...]
    pixels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SensorModel:
    """The table that ships.

    Attributes
    ----------
    camera : str
        The simulated camera in words.
    command : str
        The command that makes the table.
    sources : tuple of ModelledSource

    """

    camera: str
    command: str
    sources: tuple[ModelledSource, ...]


@cache
def sensor_model() -> SensorModel:
    """Return the table that ships with the package."""
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    sources = tuple(
        ModelledSource(source["name"], source["hits"], tuple(source["added"]), tuple(source["pixels"]))
        for source in table["sources"]
    )
    return SensorModel(table["camera"], table["command"], sources)


def counts(values: Iterable[float], edges: Sequence[float]) -> tuple[int, ...]:
    """Count values between successive edges. What lies beyond the last edge counts with the last stretch.

    Examples
    --------
    >>> counts([16, 16, 40, 300], (15, 20, 50, 100))
    (2, 1, 1)

    """
    found = np.minimum(np.asarray(list(values), float), np.nextafter(edges[-1], 0))
    return tuple(int(count) for count in np.histogram(found, edges)[0])


def per_step(found: Sequence[int], edges: Sequence[float]) -> list[float]:
    """Return the share of all values per step of 1, so that stretches of different length can be compared."""
    whole = max(sum(found), 1)
    return [count / whole / (high - low) for count, (low, high) in zip(found, pairwise(edges), strict=True)]
