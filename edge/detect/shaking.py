"""Whether the whole camera moved: then hardly any edge of the picture stays where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.noise import fine_block_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

_EDGE_DN = 14.0
_LEAST_EDGY_BLOCKS = 12
_LEAST_RESTING_SHARE = 0.2
_NOISE_FACTOR = 2.0
_RESTING_DN = (2.5, 6.0)
_AROUND = 9


def is_shaken(previous: Image, current: Image, following: Image) -> bool:
    """Tell a frame in which the camera shook from one in which things move, light flickers or hits fall.

    Of the ground with edges less than a fifth rests, in the middle frame against the one before or the one after. A
    slight or even change of light is taken off; a picture exposed anew counts as shaken, for as little can be said of
    it. A picture without edges shows no shaking, nor is anything there to be mistaken.

    Parameters
    ----------
    previous, current, following : uint8 arrays, shape (height, width)
        At least 64 pixels on a side for an answer other than False.

    """
    if min(current.shape) < 64:
        return False
    halves = [
        cv2.resize(one, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for one in (previous, current, following)
    ]
    # Hits are no ground: the darkest of three frames has none, and a median of 3×3 takes spots of a few pixels away.
    ground = cv2.min(cv2.min(halves[0], halves[1]), halves[2])
    edgy = fine_block_means(cv2.morphologyEx(ground, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))) > _EDGE_DN
    before, middle, after = (cv2.medianBlur(half, 3) for half in halves)
    if np.count_nonzero(edgy) < _LEAST_EDGY_BLOCKS:
        return False
    return any(_resting_share(middle, other, edgy) < _LEAST_RESTING_SHARE for other in (before, after))


def _resting_share(current: Image, other: Image, edgy: NDArray[np.bool_]) -> float:
    difference = cv2.subtract(current, other, dtype=cv2.CV_32F)
    moved = fine_block_means(cv2.absdiff(difference, cv2.blur(difference, (_AROUND, _AROUND))))
    # What the quietest ground shows is the noise, unless nothing rests at all.
    most = float(np.clip(_NOISE_FACTOR * np.percentile(moved, 10), *_RESTING_DN))
    return float(np.count_nonzero(moved[edgy] < most)) / float(np.count_nonzero(edgy))
