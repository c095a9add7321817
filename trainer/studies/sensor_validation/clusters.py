"""Clusters of bright pixels in frames of a covered camera, real or simulated alike, and how far their laws differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.picture_file import bits_of, read_colour
from edge.files import in_natural_order

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

MIN_DARK_FRAMES = 5
FLOOR_DN = 8  # a pixel belongs to a cluster where a colour is brighter
WIDE_PX = 20
MIN_COLOUR_SUM = 60.0  # fainter clusters are too coarsely quantised to have a colour


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """The clusters of some frames.

    Attributes
    ----------
    frames : int
    size_px : int64 array, shape (n,)
    peak_dn : int64 array, shape (n,)
        Brightest value of any colour.
    sum_dn : float64 array, shape (n,)
        Sum over all colours and pixels.
    red_share, blue_share : float64 arrays
        Share of red and of blue in the sum, for clusters that are bright enough.

    """

    frames: int
    size_px: NDArray[np.int64] = field(repr=False)
    peak_dn: NDArray[np.int64] = field(repr=False)
    sum_dn: NDArray[np.float64] = field(repr=False)
    red_share: NDArray[np.float64] = field(repr=False)
    blue_share: NDArray[np.float64] = field(repr=False)

    @property
    def saturated_share(self) -> float:
        """Share of the clusters with a value of 255."""
        return float((self.peak_dn >= 255).mean()) if len(self.peak_dn) else 0.0

    @property
    def wide_share(self) -> float:
        """Share of the clusters with at least 20 pixels."""
        return float((self.size_px >= WIDE_PX).mean()) if len(self.size_px) else 0.0

    @property
    def per_frame(self) -> float:
        """Clusters a frame."""
        return len(self.size_px) / max(self.frames, 1)


def find_clusters(frames: Iterable[NDArray[np.uint8]]) -> Clusters:
    """Find the clusters of pixels brighter than 8 in any colour, joined at sides and corners.

    Parameters
    ----------
    frames : iterable of uint8 arrays, shape (height, width, 3), blue first

    """
    size: list[NDArray[np.int64]] = []
    peak: list[NDArray[np.int64]] = []
    sums: list[NDArray[np.float64]] = []
    count = 0
    for picture in frames:
        count += 1
        brightest = picture.max(axis=2)
        components, labels = cv2.connectedComponents((brightest > FLOOR_DN).astype(np.uint8), connectivity=8)
        rows, columns = np.nonzero(labels)
        owner = labels[rows, columns] - 1
        size.append(np.bincount(owner, minlength=components - 1))
        greatest = np.zeros(components - 1, np.int64)
        np.maximum.at(greatest, owner, brightest[rows, columns].astype(np.int64))
        peak.append(greatest)
        values = picture[rows, columns].astype(np.float64)
        sums.append(np.stack([np.bincount(owner, values[:, c], minlength=components - 1) for c in range(3)], axis=-1))
    colours = np.concatenate(sums) if sums else np.empty((0, 3))
    total = colours.sum(axis=1)
    bright = total >= MIN_COLOUR_SUM
    return Clusters(
        count,
        np.concatenate(size) if size else np.empty(0, np.int64),
        np.concatenate(peak) if peak else np.empty(0, np.int64),
        total,
        colours[bright, 2] / total[bright],
        colours[bright, 0] / total[bright],
    )


def read_frames(folder: Path) -> list[NDArray[np.uint8]]:
    """Read the PNG frames of a folder in order of their names."""
    files = in_natural_order(folder.glob("*.png"))
    bits = bits_of(files)
    return [picture for file in files if (picture := read_colour(file, bits)) is not None]


def without_dark(frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Subtract what a covered camera shows in most of its frames: its dark picture, hot pixels among it.

    Parameters
    ----------
    frames : list of uint8 arrays, shape (height, width, 3)

    Returns
    -------
    list of the same

    """
    if len(frames) < MIN_DARK_FRAMES:
        return frames
    # A pixel that shows something in a fifth of the frames is no pixel that hits fall on by chance.
    stack = np.stack(frames)
    rank = int(0.8 * (len(frames) - 1))
    dark = np.partition(stack, rank, axis=0)[rank]
    return [cv2.subtract(frame, dark) for frame in frames]


def ks_distance(first: NDArray[np.generic], second: NDArray[np.generic]) -> float:
    """Return the Kolmogorov–Smirnov distance: the greatest difference between two empirical distributions."""
    if not len(first) or not len(second):
        return 1.0
    places = np.unique(np.concatenate([first, second]))
    below_first = np.searchsorted(np.sort(first), places, side="right") / len(first)
    below_second = np.searchsorted(np.sort(second), places, side="right") / len(second)
    return float(np.abs(below_first - below_second).max())


def distances(real: Clusters, simulated: Clusters) -> dict[str, float]:
    """Return the Kolmogorov–Smirnov distances of size, peak, sum of light and colours."""
    return {
        "size": ks_distance(real.size_px, simulated.size_px),
        "peak": ks_distance(real.peak_dn, simulated.peak_dn),
        "sum": ks_distance(real.sum_dn, simulated.sum_dn),
        "red_share": ks_distance(real.red_share, simulated.red_share),
        "blue_share": ks_distance(real.blue_share, simulated.blue_share),
    }
