"""Shaking of the whole camera: hardly any edge of the picture stays where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.noise_map import fine_block_means
from edge.detect.parts import part_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

_EDGE_DN = 14.0
_MIN_EDGY_BLOCKS = 3
_MIN_IN_ALL = 12
_FEW_EDGY_SHARE, _MANY_EDGY_SHARE = 3 / 8, 1 / 2
_MIN_RESTING_EDGES = 0.03
_MIN_RESTING_PARTS = 0.2
_NOISE_FACTOR = 2.0
_RESTING_DN = (2.5, 6.0)
_AROUND = 9


def is_shaken(previous: Image, current: Image, following: Image) -> bool:
    """Return whether the camera shook, as opposed to things that move, light that flickers, or hits.

    The middle frame is compared with the previous and with the next one. The picture is divided into 24 parts. The
    camera shook if one of these holds:

    1. In one comparison hardly any edge stays in place.
    2. In one comparison hardly any part with edges stays, and more than half of the parts have edges.
    3. The same in both comparisons, and at least three in eight of the parts have edges.

    A large thing that moves over plain ground fills a few parts only, and the edges beside it stay.

    A slight or even change of light is subtracted. After a change of exposure a picture counts as shaken. A picture
    without edges shows no shaking, and before a scene of few edges, shaking by a few pixels cannot be told from a large
    thing that moves.

    Parameters
    ----------
    previous, current, following : uint8 arrays, shape (height, width)
        Pictures of less than 64 pixels on a side never count as shaken.

    """
    if min(current.shape) < 64:
        return False
    halves = [
        cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for grey in (previous, current, following)
    ]
    # Hits are no ground: the darkest of three frames has none, and a median of 3×3 removes spots of a few pixels.
    ground = cv2.min(cv2.min(halves[0], halves[1]), halves[2])
    edgy = fine_block_means(cv2.morphologyEx(ground, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))) > _EDGE_DN
    if np.count_nonzero(edgy) < _MIN_IN_ALL:
        return False
    before, middle, after = (cv2.medianBlur(half, 3) for half in halves)
    parts = part_counts(edgy)
    has_edges = parts >= _MIN_EDGY_BLOCKS
    moving = 0
    for other in (before, after):
        resting = edgy & _rests(middle, other)
        if np.count_nonzero(resting) < _MIN_RESTING_EDGES * np.count_nonzero(edgy):
            return True
        moving += int(_resting_share(resting, parts, has_edges) < _MIN_RESTING_PARTS)
    edgy_share = float(np.count_nonzero(has_edges)) / has_edges.size
    return (moving > 0 and edgy_share > _MANY_EDGY_SHARE) or (moving == 2 and edgy_share >= _FEW_EDGY_SHARE)


def _resting_share(resting: NDArray[np.bool_], parts: NDArray[np.float32], has_edges: NDArray[np.bool_]) -> float:
    """Return the share of the parts with edges that rest: those in which at least half of the edges do."""
    rests = has_edges & (part_counts(resting) >= parts / 2)
    return float(np.count_nonzero(rests)) / max(float(np.count_nonzero(has_edges)), 1.0)


def _rests(current: Image, other: Image) -> NDArray[np.bool_]:
    """Return the blocks that are the same in both pictures, after a slight or even change of light is subtracted."""
    difference = cv2.subtract(current, other, dtype=cv2.CV_32F)
    moved = fine_block_means(cv2.absdiff(difference, cv2.blur(difference, (_AROUND, _AROUND))))
    # The quietest ground shows the noise, unless nothing rests at all.
    quietest = moved.size // 10
    tenth_dn = float(np.partition(moved, quietest, axis=None)[quietest])
    max_dn = min(max(_NOISE_FACTOR * tenth_dn, _RESTING_DN[0]), _RESTING_DN[1])
    resting: NDArray[np.bool_] = moved < max_dn
    return resting
