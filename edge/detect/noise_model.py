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
_REFRESH_FRAMES = 25
_BLINK_REACH = 2
_MIN_BLINKS = 3
_CHANCE = 1e-4
"""Expected number of places that are closed by mistake because true hits fell on the same place."""
_MEMORY_FRAMES = 15000
_FORGET_FRAMES = 1500
_MAX_EXPECTED = 100.0


@dataclass(slots=True)
class _Place:
    """A place where hits were seen, and in which frames."""

    x: int
    y: int
    frames: list[int]


class NoiseModel:
    """The noise of one camera at one size of picture.

    Hits of radiation fall anywhere. Where hits come more often at one place than chance allows, it is a blinking pixel
    (or a lamp). That place is closed: nothing there is a candidate until the agent starts again.

    Parameters
    ----------
    rules : CandidateRules
    previous, following : uint8 arrays, shape (height, width)
        The first pair of frames, with masked pixels black.
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels.

    """

    def __init__(self, rules: CandidateRules, previous: Image, following: Image, mask: Image | None = None) -> None:
        self._rules = rules
        self._shape = previous.shape
        self._closed = mask
        self._map = noise_of_pair(previous, following, rules, mask)
        self._middle = self._map.sigma_dn.copy()
        self._frames = 0
        self._hits = 0.0
        self._places: dict[tuple[int, int], list[_Place]] = {}
        self._blinking = 0

    @property
    def map(self) -> NoiseMap:
        """The noise as it is known now."""
        return self._map

    @property
    def settled(self) -> bool:
        """Whether the noise of each block is known; before, one value stands for the whole picture."""
        return self._frames >= _REFRESH_FRAMES

    @property
    def blinking_places(self) -> int:
        """How many places were closed because hits were seen there too often."""
        return self._blinking

    def observe(self, motion_dn: Blocks) -> None:
        """Learn from mean |next − previous| of each block of one frame: float32, blocks."""
        self._frames += 1
        self._hits *= 1 - 1 / _MEMORY_FRAMES
        sigma = sigma_of_difference(motion_dn)
        # A running median ignores motion of any size as long as it takes less than half of the time.
        step = max(_MIN_STEP, 1 / (self._frames + 10))
        self._middle *= np.where(sigma > self._middle, np.float32(1 + step), np.float32(1 - step))
        if self._frames % _REFRESH_FRAMES == 0:
            self._lay_out()
        if self._frames % _FORGET_FRAMES == 0:
            self._forget()

    def close_blinking(self, hits: Iterable[Hit]) -> None:
        """Count the hits of the frame that was observed last, and close places that had too many."""
        closed = False
        for hit in hits:
            self._hits += 1
            if self._seen_near(hit.x, hit.y) >= self._max_by_chance():
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

    def _max_by_chance(self) -> int:
        area = (2 * _BLINK_REACH + 1) ** 2
        expected = min(self._hits * area / (self._shape[0] * self._shape[1]), _MAX_EXPECTED)
        count, tail, term = 0, 1.0, math.exp(-expected)
        while count < _MIN_BLINKS or tail * self._hits > _CHANCE:
            tail -= term
            count += 1
            term *= expected / count
        return count

    def _close(self, x: int, y: int) -> None:
        if self._closed is None:
            self._closed = np.zeros(self._shape, np.uint8)
        elif not self._blinking:
            self._closed = self._closed.copy()
        reach = _BLINK_REACH + 1
        cv2.rectangle(self._closed, (x - reach, y - reach), (x + reach, y + reach), 255, cv2.FILLED)
        self._blinking += 1

    def _lay_out(self) -> None:
        self._map = noise_map(self._middle.copy(), self._shape, self._rules, self._closed)

    def _forget(self) -> None:
        oldest = self._frames - _MEMORY_FRAMES
        for cell, places in list(self._places.items()):
            kept = [place for place in places if place.frames[-1] >= oldest]
            if kept:
                self._places[cell] = kept
            else:
                del self._places[cell]
