"""Steadying: the frames before and after a shaken one, moved to where the camera looked in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.detect.noise_map import fine_block_means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.noise_map import Blocks
    from edge.detect.view import Greys

    Shift: TypeAlias = tuple[float, float]

_MIN_SIZE = 64
_MIN_SHIFT_PX = 0.3
_MAX_SHIFT_SHARE = 0.1
_MAX_RESIDUE = 0.75
"""Steadied frames differ by at most this share of what they differed before; else no shift explains the motion."""
_OUTSIDE_DN = 255
_REFINEMENTS = 2
_MAX_REST_DN = 40
_MIN_GRADIENT_DN = 3
_MIN_PIXELS = 100


def steadied(greys: Greys, mask: Image | None = None) -> Greys | None:
    """Return three frames of a camera that shakes or pans, as a steady camera would have taken them.

    The shift of the whole picture is estimated by phase correlation at half the size. The previous and the next frame
    are moved by it; the middle one stays. What lies outside of them becomes white, so that nothing spikes there.

    Parameters
    ----------
    greys : three uint8 arrays, shape (height, width)
        Previous, current and next frame.
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels, which become white, too, where they have moved.

    Returns
    -------
    three uint8 arrays, or None where no shift explains what moves.

    Examples
    --------
    >>> scene = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (160, 200), np.uint8), (0, 0), 2)
    >>> greys = scene[8:136, 10:170], scene[8:136, 8:168], scene[8:136, 12:172]
    >>> previous, current, following = steadied(greys)
    >>> int(cv2.absdiff(previous, current)[8:-8, 8:-8].max()) < 12
    True

    """
    previous, current, following = greys
    height, width = current.shape
    if min(height, width) < _MIN_SIZE:
        return None
    halves = [
        cv2.resize(grey, (width // 2, height // 2), interpolation=cv2.INTER_AREA).astype(np.float32) for grey in greys
    ]
    window = cv2.createHanningWindow((width // 2, height // 2), cv2.CV_32F)
    shifts = [cv2.phaseCorrelate(halves[1], half, window)[0] for half in (halves[0], halves[2])]
    limit = _MAX_SHIFT_SHARE * min(height, width)
    largest = max(abs(2 * part) for shift in shifts for part in shift)
    if not _MIN_SHIFT_PX < largest < limit:
        return None
    moved = [
        _moved(beside, _refined(current, beside, (2 * right, 2 * down)), mask)
        for beside, (right, down) in zip((previous, following), shifts, strict=True)
    ]
    margin = int(np.ceil(largest)) + 1
    inner = (slice(margin, height - margin), slice(margin, width - margin))
    before, after = (_unlike(current, pair, inner) for pair in ((previous, following), moved))
    if after.mean() > _MAX_RESIDUE * before.mean() or np.percentile(after, 25) > np.percentile(before, 25):
        return None
    return moved[0], current, moved[1]


def _unlike(current: Image, pair: Sequence[Image], inner: tuple[slice, slice]) -> Blocks:
    """Return by how much two pictures differ from the middle one, block by block."""
    first, second = (fine_block_means(np.ascontiguousarray(cv2.absdiff(current, beside)[inner])) for beside in pair)
    return first + second


def _refined(current: Image, beside: Image, shift: Shift) -> Shift:
    """Return the shift after two steps of least squares on the gradients (Lucas and Kanade 1981).

    Phase correlation is good to a few tenths of a pixel, which leaves much of a sharp edge. Pixels that differ much
    belong to things that move on their own, or to hits, and do not count.
    """
    ys, xs = (slice(side // 8, side - side // 8, step) for side, step in zip(current.shape, (6, 2), strict=True))
    ours = current[ys, xs].astype(np.float32)
    down, right = (
        (_neighbour(current, ys, xs, *after) - _neighbour(current, ys, xs, -after[0], -after[1])) / 2
        for after in ((1, 0), (0, 1))
    )
    edges = np.abs(right) + np.abs(down) > _MIN_GRADIENT_DN
    for _ in range(_REFINEMENTS):
        rest = ours - _moved(beside, shift, None)[ys, xs]
        used = edges & (np.abs(rest) < _MAX_REST_DN)
        if np.count_nonzero(used) < _MIN_PIXELS:
            break
        slopes = np.stack([right[used], down[used]], axis=1)
        step = np.linalg.lstsq(slopes, rest[used], rcond=None)[0]
        if np.abs(step).max() > 1:
            break
        shift = (shift[0] + float(step[0]), shift[1] + float(step[1]))
    return shift


def _neighbour(picture: Image, ys: slice, xs: slice, down: int, right: int) -> NDArray[np.float32]:
    """Return the pixels that lie `down` and `right` of some others, float32."""
    part = picture[ys.start + down : ys.stop + down : ys.step, xs.start + right : xs.stop + right : xs.step]
    return part.astype(np.float32)


def _moved(grey: Image, shift: Shift, mask: Image | None) -> Image:
    """Return a picture read so many pixels to the right and down of each place; white where nothing can be read."""
    right, down = shift
    height, width = grey.shape
    how = np.array([[1, 0, right], [0, 1, down]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    moved: Image = cv2.warpAffine(
        grey, how, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=_OUTSIDE_DN
    )
    if mask is not None:
        moved[cv2.warpAffine(mask, how, (width, height), flags=flags) != 0] = _OUTSIDE_DN
    return moved
