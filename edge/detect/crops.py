"""Crops around candidates, and the planes that a network sees. Trainer and agent share this module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edge.detect.compensation import SEARCH_PX, compensated

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from edge.capture.frame import Image

    Indices: TypeAlias = NDArray[np.integer]

Planes = Literal["rgb", "temporal", "spike", "compensated"]
PLANES: tuple[Planes, ...] = get_args(Planes)
CHANGE_ZERO = 96
"""The pixel value of planes that hold a difference, where there is none: rises of hits are larger than falls."""


def window_origin(x: int, y: int, crop_size: int, width: int, height: int) -> tuple[int, int]:
    """Return the upper left corner (x0, y0) of the crop that holds (x, y) as centrally as the picture allows.

    The crop never leaves the picture, so a hit near a border lies off centre in it. Datasets store such crops; the
    detector shows `patches` to its networks.
    """
    if crop_size > min(width, height):
        raise ValueError(f"a crop of {crop_size} pixels does not fit a picture of {width}x{height}")
    x0 = min(max(x - crop_size // 2, 0), width - crop_size)
    y0 = min(max(y - crop_size // 2, 0), height - crop_size)
    return x0, y0


def cut(picture: Image, origin: tuple[int, int], crop_size: int) -> Image:
    """Return the crop at `origin` (x0, y0) of a grey or colour picture: a view, not a copy."""
    x0, y0 = origin
    return picture[y0 : y0 + crop_size, x0 : x0 + crop_size]


def patches(planes: Sequence[Image], xs: Indices, ys: Indices, size: int) -> Image:
    """Return the surroundings of candidates, each patch with its candidate at (size // 2, size // 2).

    Where a patch reaches over the border of the picture, it is mirrored at its candidate, so that a spot at the border
    looks like any other. Repeated or mirrored at the border, it would look wider; moved inside, it would be off centre.

    Parameters
    ----------
    planes : sequence of uint8 arrays, shape (height, width)
        Previous, current and next grey; or blue, green and red of the current frame.
    xs, ys : integer arrays, shape (n,)
        Columns and rows of the candidates.
    size : int
        Side of a patch.

    Returns
    -------
    uint8 array, shape (n, size, size, number of planes)
        The input of `network_input`.

    """
    height, width = planes[0].shape
    if size > min(height, width):
        return _mirrored_patches(planes, xs, ys, size)
    tops, lefts = np.asarray(ys) - size // 2, np.asarray(xs) - size // 2
    inside = (tops >= 0) & (lefts >= 0) & (tops <= height - size) & (lefts <= width - size)
    # Where a patch reaches over the border, it is cut somewhere else first, and replaced.
    places = np.clip(tops, 0, height - size), np.clip(lefts, 0, width - size)
    cut_out: NDArray[np.uint8] = np.stack(
        [sliding_window_view(plane, (size, size))[places] for plane in planes], axis=-1
    )
    outside = np.flatnonzero(~inside)
    if outside.size:
        cut_out[outside] = _mirrored_patches(planes, xs[outside], ys[outside], size)
    return cut_out


def _mirrored_patches(planes: Sequence[Image], xs: Indices, ys: Indices, size: int) -> Image:
    rows, columns = (mirrored(middles, size, length) for middles, length in zip((ys, xs), planes[0].shape, strict=True))
    return np.stack([plane[rows[:, :, None], columns[:, None, :]] for plane in planes], axis=-1)


def mirrored(middles: Indices, size: int, length: int) -> Indices:
    """Return the rows or columns of each patch, shape (n, size); those outside are mirrored at the middle."""
    reach = np.arange(size) - size // 2
    wanted = middles[:, None] + reach
    inside = (wanted >= 0) & (wanted < length)
    mirrored: Indices = np.clip(np.where(inside, wanted, middles[:, None] - reach), 0, length - 1)
    return mirrored


def plane_count(planes: Planes) -> int:
    """Return how many planes a network sees."""
    return 5 if planes == "compensated" else 3


def cut_size(planes: Planes, crop_size: int) -> int:
    """Return the side of the patch from which a crop is laid out: wider where motion is searched around it."""
    return crop_size + 2 * SEARCH_PX if planes == "compensated" else crop_size


def network_input(planes: Planes, greys: Image, bgr: Image | None) -> Image:
    """Return what the network sees.

    Parameters
    ----------
    planes : {"rgb", "temporal", "spike", "compensated"}
        rgb: the current crop's red, green, blue (the paper's input).
        temporal: previous, current and next grey.
        spike: current grey; spike = max(current − max(previous, next), 0); |next − previous|.
        compensated: current grey; current − previous; current − next; the same two after motion compensation. A
        difference of 0 is stored as 96, and clipped to 0..255.
    greys : uint8 array, shape (..., size, size, 3)
        Previous, current and next grey crops in the last axis, of the side `cut_size`. Not used for "rgb".
    bgr : uint8 array, shape (..., size, size, 3), or None
        The current crop in colour, blue first; needed for "rgb" only.

    Returns
    -------
    uint8 array, shape (..., crop_size, crop_size, plane_count(planes))

    """
    if planes == "compensated":
        return _compensated_planes(greys)
    if planes == "rgb":
        if bgr is None:
            raise ValueError("the planes 'rgb' need the crop in colour")
        return bgr[..., ::-1]
    if planes == "temporal":
        return greys
    previous, current, following = greys[..., 0], greys[..., 1], greys[..., 2]
    brighter = np.maximum(previous, following)
    spike = np.where(current > brighter, current - brighter, 0).astype(np.uint8)
    moved = (brighter - np.minimum(previous, following)).astype(np.uint8)
    laid: NDArray[np.uint8] = np.stack([current, spike, moved], axis=-1)
    return laid


def _compensated_planes(greys: Image) -> Image:
    size = greys.shape[1] - 2 * SEARCH_PX
    moved = compensated(greys, size)
    inner = greys[:, SEARCH_PX:-SEARCH_PX, SEARCH_PX:-SEARCH_PX]
    current = inner[..., 1].astype(np.int16)
    laid = np.empty((len(greys), size, size, 5), np.uint8)
    laid[..., 0] = inner[..., 1]
    for channel, beside in enumerate((inner[..., 0], inner[..., 2], moved[..., 0], moved[..., 1]), start=1):
        laid[..., channel] = np.clip(current - beside + CHANGE_ZERO, 0, 255)
    return laid
