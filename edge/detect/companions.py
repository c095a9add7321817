"""Companions: a thing that moves stands at mirrored places in the frames before and after, which no hit does.

A flake of snow that crosses the picture is at x − v in the frame before and at x + v in the frame after. For each spot
the spikes of both frames are laid over one another, that of the frame before turned by half a turn: where both are
high, the spot has a pair of companions. The same test with a quarter of a turn shows how often that happens by chance,
for instance in a strong field, where it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.hit import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.crops import Indices
    from edge.detect.hit import Candidate
    from edge.detect.noise_map import NoiseMap
    from edge.detect.view import Greys

_REACH_PX = 32
"""Farthest step from frame to frame in pictures of up to 960 rows; in greater ones the step is as many times as far."""
_ROWS = 480
_MIN_SHARE = 0.5
"""A companion has at least this share of the spot's spike."""
_OWN_PX = 2
"""What is nearer belongs to the spot itself."""
_MIN_SAMPLE, _MAX_SAMPLE = 12, 48
"""Numbers of candidates, of what looks like a strong field, that are tested for motion."""
_MOVING_SHARE, _MOVING_EXCESS = 0.5, 0.25
"""Shares of moving candidates, and of those beyond chance; 0.95 and 0.7 in falling snow, 0.35 and 0 in a field."""
_UNSEEN = 255
"""Beyond the border there could be anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Companions:
    """Which spots have companions.

    Attributes
    ----------
    moving : bool array, shape (n,)
        Spots with a pair of companions at mirrored places.
    by_chance : bool array, shape (n,)
        Spots with a pair at places a quarter of a turn apart: so many are taken for moving by chance.
    shares : float32 array, shape (n, 2)
        Heights of the companions, and of those by chance, in units of the spot's spike.

    """

    moving: NDArray[np.bool_]
    by_chance: NDArray[np.bool_]
    shares: NDArray[np.float32]

    @property
    def excess(self) -> float:
        """Share of moving spots beyond chance; 0 without spots."""
        return float(self.moving.mean() - self.by_chance.mean()) if self.moving.size else 0.0


def find_companions(greys: Greys, xs: Indices, ys: Indices, min_dn: NDArray[np.integer]) -> Companions:
    """Return which spots of the middle frame have companions in the other two.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width)
        Previous, current and next frame.
    xs, ys : integer arrays, shape (n,)
        Brightest pixels of the spots.
    min_dn : integer array, shape (n,)
        Lowest spike of a companion, grey levels: less is noise.

    Examples
    --------
    A spot that moves by three pixels a frame, and one that stands in the middle frame only:

    >>> pictures = np.full((3, 90, 120), 60, np.uint8)
    >>> for number, picture in enumerate(pictures):
    ...     picture[40 + 3 * number, 50] = 160
    >>> pictures[1, 45, 80] = 160
    >>> find_companions(tuple(pictures), np.array([50, 80]), np.array([43, 45]), np.array([12, 12])).moving.tolist()
    [True, False]

    """
    height, width = greys[1].shape
    reach = min(_REACH_PX * max(1, height // _ROWS), height // 4, width // 4)
    own = slice(reach - _OWN_PX, reach + _OWN_PX + 1)
    pairs = np.zeros((len(xs), 2), int)
    for i, (x, y) in enumerate(zip(xs.tolist(), ys.tolist(), strict=True)):
        behind, ahead = _spikes_around(greys, x, y, reach)
        ahead = cv2.dilate(ahead, np.ones((3, 3), np.uint8))
        ahead[own, own] = 0
        turns = (cv2.ROTATE_180, cv2.ROTATE_90_CLOCKWISE)
        pairs[i] = [_highest_pair(ahead, cv2.rotate(behind, turn)) for turn in turns]
    previous, current, following = (grey[ys, xs].astype(int) for grey in greys)
    spikes = current - np.maximum(previous, following)
    moving, by_chance = (pairs >= np.maximum(_MIN_SHARE * spikes, min_dn)[:, None]).T
    return Companions(moving, by_chance, (pairs / np.maximum(spikes, 1)[:, None]).astype(np.float32))


def are_moving(greys: Greys, candidates: tuple[Candidate, ...], noise: NoiseMap) -> bool:
    """Return whether what looks like a strong field are things that move, as falling snow does."""
    if len(candidates) < _MIN_SAMPLE:
        return False
    evenly = np.linspace(0, len(candidates) - 1, min(len(candidates), _MAX_SAMPLE)).astype(int)
    order = sorted(candidates, key=lambda candidate: (candidate.y, candidate.x))
    xs, ys = positions([order[i] for i in evenly])
    companions = find_companions(greys, xs, ys, noise.floor_dn[ys, xs].astype(int))
    return float(companions.moving.mean()) >= _MOVING_SHARE and companions.excess >= _MOVING_EXCESS


def _highest_pair(ahead: Image, behind: Image) -> int:
    """Return the lower spike of the pair for which it is highest. One of the two has to be inside of the picture."""
    pairs = cv2.min(ahead, behind)
    pairs[pairs == _UNSEEN] = 0
    return int(pairs.max())


def _spikes_around(greys: Greys, x: int, y: int, reach: int) -> tuple[Image, Image]:
    """Return by how much the previous and the next frame exceed the other two around a spot, 255 beyond the border."""
    height, width = greys[1].shape
    top, bottom = max(reach - y, 0), max(y + reach + 1 - height, 0)
    left, right = max(reach - x, 0), max(x + reach + 1 - width, 0)
    rows = slice(y - reach + top, y + reach + 1 - bottom)
    columns = slice(x - reach + left, x + reach + 1 - right)
    previous, current, following = (grey[rows, columns] for grey in greys)
    spikes = (cv2.subtract(previous, cv2.max(current, following)), cv2.subtract(following, cv2.max(current, previous)))
    behind, ahead = (
        cv2.copyMakeBorder(spike, top, bottom, left, right, cv2.BORDER_CONSTANT, value=_UNSEEN) for spike in spikes
    )
    return behind, ahead
