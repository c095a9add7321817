"""Whether the whole camera moved: then hardly any edge of the picture stays where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.noise_map import fine_block_means

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image

_EDGE_DN = 14.0
_PARTS = (4, 6)
_MIN_EDGY_BLOCKS = 3
_MIN_IN_ALL = 12
_FEW_TOLD_SHARE, _MANY_TOLD_SHARE = 3 / 8, 1 / 2
_HARDLY_ANY = 0.03
_MAX_RESTING = 0.2
_NOISE_FACTOR = 2.0
_RESTING_DN = (2.5, 6.0)
_AROUND = 9


def is_shaken(previous: Image, current: Image, following: Image) -> bool:
    """Tell a frame in which the camera shook from one in which things move, light flickers or hits fall.

    Hardly any edge rests, in the middle frame against the one before or the one after; or hardly any part of the
    picture that has edges does, against one of both where more than half of its 24 parts have edges, against both
    where three in eight have: a large thing that moves over plain ground fills a few parts only, and what edges there
    are beside it rest. A slight or even change of light is taken off; a picture exposed anew counts as shaken, for as
    little can be said of it. A picture without edges shows no shaking, and shaking by few pixels before a scene of few
    edges is not told from something large that moves.

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
    if np.count_nonzero(edgy) < _MIN_IN_ALL:
        return False
    before, middle, after = (cv2.medianBlur(half, 3) for half in halves)
    parts = _of_parts(edgy)
    told = parts >= _MIN_EDGY_BLOCKS
    moving = 0
    for other in (before, after):
        resting = edgy & _rests(middle, other)
        if np.count_nonzero(resting) < _HARDLY_ANY * np.count_nonzero(edgy):
            return True
        moving += int(_resting_share(resting, parts, told) < _MAX_RESTING)
    has_edges = float(np.count_nonzero(told)) / told.size
    return (moving > 0 and has_edges > _MANY_TOLD_SHARE) or (moving == 2 and has_edges >= _FEW_TOLD_SHARE)


def _resting_share(resting: NDArray[np.bool_], parts: NDArray[np.intp], told: NDArray[np.bool_]) -> float:
    """Give which share of the parts that have edges rests: where at least half of a part's edges do."""
    rests = told & (_of_parts(resting) >= parts / 2)
    return float(np.count_nonzero(rests)) / max(float(np.count_nonzero(told)), 1.0)


def _rests(current: Image, other: Image) -> NDArray[np.bool_]:
    """Tell the blocks that are the same in both, a slight or even change of light taken off."""
    difference = cv2.subtract(current, other, dtype=cv2.CV_32F)
    moved = fine_block_means(cv2.absdiff(difference, cv2.blur(difference, (_AROUND, _AROUND))))
    # What the quietest ground shows is the noise, unless nothing rests at all.
    most = float(np.clip(_NOISE_FACTOR * np.percentile(moved, 10), *_RESTING_DN))
    resting: NDArray[np.bool_] = moved < most
    return resting


def _of_parts(blocks: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Count the marked blocks in each of the parts that the picture is divided into."""
    rows = np.array_split(np.arange(blocks.shape[0]), _PARTS[0])
    columns = np.array_split(np.arange(blocks.shape[1]), _PARTS[1])
    return np.array([[np.count_nonzero(blocks[np.ix_(row, column)]) for column in columns] for row in rows])
