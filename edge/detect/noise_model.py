"""The noise that a detector learns of its camera while it runs: of every block, and the pixels that blink."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.noise_map import noise_map, noise_of_pair, sigma_of_difference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.capture.frame import Image
    from edge.detect.hit import Hit
    from edge.detect.manifest import CandidateRules
    from edge.detect.noise_map import Blocks, NoiseMap

_MIN_STEP = 0.02
"""The running median of a block's noise moves by this share of itself a frame; at first it moves faster."""
_RESTING_QUANTILE = 0.2
_QUANTILE_OF_NOISE = 0.92
"""A fifth of the means of |a − b| over the 64 pixels of a block lie below this share of their own mean."""
_MIN_MOVING_RATIO = 1.2
_QUIET_PERCENT = 40
_MAX_NOISE_RATIO = 1.3
_REFRESH_FRAMES = 25
_BLINK_REACH = 2
_MIN_BLINKS = 3
_CHANCE = 1e-4
"""Expected number of places that are closed by mistake because true hits fell on the same place."""
_MEMORY_FRAMES = 15000
_FORGET_FRAMES = 1500
_MAX_EXPECTED = 100.0
_REOPEN_FRAMES = 90_000
"""A closed place is opened again after so many frames, an hour at 25 a second, and closed again if it still blinks."""
_TILE = 64
"""Hits may be denser in one part of the picture; the density around a place is taken from tiles of this size."""


@dataclass(slots=True)
class _Place:
    """A place where hits were seen, and in which frames."""

    x: int
    y: int
    frames: list[int]


class NoiseModel:
    """The noise of one camera at one size of picture.

    Hits of radiation fall anywhere. Where hits come more often at one place than chance allows, it is a blinking pixel
    (or a lamp). That place is closed: nothing there is a candidate for an hour.

    Parameters
    ----------
    rules : CandidateRules
    previous, following : uint8 arrays, shape (height, width)
        The first pair of frames, with masked pixels black.
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels.
    known_dn : float32 array, blocks, or None
        Noise of each block by a calibration, to start from instead of the pair.

    """

    def __init__(
        self,
        rules: CandidateRules,
        previous: Image,
        following: Image,
        mask: Image | None = None,
        known_dn: Blocks | None = None,
    ) -> None:
        self._rules = rules
        self._shape = previous.shape
        self._closed = mask
        if known_dn is None:
            self._map = noise_of_pair(previous, following, rules, mask)
        else:
            self._map = noise_map(known_dn, self._shape, rules, mask)
        self._middle = self._map.sigma_dn.copy()
        self._resting = self._map.sigma_dn.copy()
        self._frames = 0 if known_dn is None else _REFRESH_FRAMES
        self._hits = 0.0
        self._places: dict[tuple[int, int], list[_Place]] = {}
        self._mask = mask
        self._closings: list[tuple[int, int, int]] = []  # x, y and frame of each closed place
        self._tiles = np.zeros((-(-previous.shape[0] // _TILE), -(-previous.shape[1] // _TILE)))

    @property
    def map(self) -> NoiseMap:
        """The noise as it is known now."""
        return self._map

    @property
    def blinking_places(self) -> int:
        """How many places are closed because hits were seen there again and again."""
        return len(self._closings)

    def observe(self, motion_dn: Blocks) -> None:
        """Learn from mean |next − previous| of each block of one frame: float32, blocks."""
        self._frames += 1
        self._hits *= 1 - 1 / _MEMORY_FRAMES
        self._tiles *= 1 - 1 / _MEMORY_FRAMES
        sigma = sigma_of_difference(motion_dn)
        # A running median ignores motion of any size as long as it takes less than half of the time.
        step = max(_MIN_STEP, 1 / (self._frames + 10))
        self._middle *= np.where(sigma > self._middle, np.float32(1 + step), np.float32(1 - step))
        # A low running quantile ignores motion that takes most of the time.
        up, down = 2 * _RESTING_QUANTILE * step, 2 * (1 - _RESTING_QUANTILE) * step
        rising = sigma > self._resting * np.float32(_QUANTILE_OF_NOISE)
        self._resting *= np.where(rising, np.float32(1 + up), np.float32(1 - down))
        if self._frames % _REFRESH_FRAMES == 0:
            self._lay_out()
        if self._frames % _FORGET_FRAMES == 0:
            self._forget()

    def close_blinking(self, hits: Iterable[Hit], live_fraction: float) -> None:
        """Take in the hits of the frame that was observed last, and close places that gave too many.

        Hits fall on live ground only, and may be denser in one part of it than in another: both count when it is judged
        how many fall on one place by chance.
        """
        closed = False
        for hit in hits:
            self._hits += 1
            self._tiles[hit.y // _TILE, hit.x // _TILE] += 1
            count = self._seen_near(hit.x, hit.y)
            if count >= _MIN_BLINKS and count >= self._max_by_chance(hit.x, hit.y, count, live_fraction):
                self._close(hit.x, hit.y)
                closed = True
        if closed:
            self._lay_out()

    def _seen_near(self, x: int, y: int) -> int:
        """Remember a hit and return how many were seen within its reach, those that are forgotten left out."""
        oldest = self._frames - _MEMORY_FRAMES
        size = _BLINK_REACH + 1  # places within the reach lie in the same cell or in a neighbouring one
        row, column = y // size, x // size
        for cell in ((row + dy, column + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
            for place in self._places.get(cell, ()):
                if abs(place.x - x) <= _BLINK_REACH and abs(place.y - y) <= _BLINK_REACH:
                    place.frames = [*(frame for frame in place.frames if frame >= oldest), self._frames]
                    return len(place.frames)
        self._places.setdefault((row, column), []).append(_Place(x, y, [self._frames]))
        return 1

    def _max_by_chance(self, x: int, y: int, own: int, live_fraction: float) -> int:
        """Return how many hits on one place are too many for chance, by the density of the hits around it."""
        area = (2 * _BLINK_REACH + 1) ** 2
        everywhere = self._hits / (self._shape[0] * self._shape[1] * max(live_fraction, 1e-3))
        row, column = y // _TILE, x // _TILE
        near = self._tiles[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        around = (float(near.max()) - own) / (_TILE**2 - area)
        expected = min(max(everywhere, around) * area, _MAX_EXPECTED)
        count, tail, term = 0, 1.0, math.exp(-expected)
        while count < _MIN_BLINKS or tail * self._hits > _CHANCE:
            tail -= term
            count += 1
            term *= expected / count
        return count

    def _close(self, x: int, y: int) -> None:
        self._closings.append((x, y, self._frames))
        self._cover()

    def _cover(self) -> None:
        """Lay the closed places over the mask."""
        self._closed = np.zeros(self._shape, np.uint8) if self._mask is None else self._mask.copy()
        reach = _BLINK_REACH + 1
        for x, y, _ in self._closings:
            cv2.rectangle(self._closed, (x - reach, y - reach), (x + reach, y + reach), 255, cv2.FILLED)

    def _reopen(self) -> None:
        kept = [closing for closing in self._closings if closing[2] > self._frames - _REOPEN_FRAMES]
        if len(kept) < len(self._closings):
            self._closings = kept
            self._cover()

    def _lay_out(self) -> None:
        self._map = noise_map(self._middle.copy(), self._shape, self._rules, self._closed, self._resting_noise())

    def _resting_noise(self) -> Blocks:
        """Return the noise of each block without what moves in it.

        The noise of a block hardly changes, so a median far above the low quantile is motion. Ground that moves all the
        time shows motion even in its low quantile; it is not taken to be much noisier than the quieter part of the
        picture.
        """
        highest = np.float32(_MAX_NOISE_RATIO) * np.percentile(self._resting, _QUIET_PERCENT)
        moves = self._middle > np.float32(_MIN_MOVING_RATIO) * self._resting
        quiet: Blocks = np.where(moves, np.minimum(self._resting, highest), self._resting)
        return quiet

    def _forget(self) -> None:
        self._reopen()
        oldest = self._frames - _MEMORY_FRAMES
        for cell, places in list(self._places.items()):
            kept = [place for place in places if place.frames[-1] >= oldest]
            if kept:
                self._places[cell] = kept
            else:
                del self._places[cell]
