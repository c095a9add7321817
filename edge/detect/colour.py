"""The colours around spots: hits fall into single pixels of the mosaic, light comes through a lens that blurs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.detect.crops import mirrored
from edge.detect.hit import positions
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Frame, Image
    from edge.detect.hit import Candidate, Hit

_EACH = 4
"""Every fourth pixel of every fourth row tells whether a picture is grey."""


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """The colours of a frame at half the size, as cameras send them.

    Attributes
    ----------
    halved : uint8 array, shape (ceil(height / 2), ceil(width / 2), 3)
        Blue first.
    masked : bool array, shape (ceil(height / 2), ceil(width / 2)), or None
        Pixels that contain a masked one; None without masks.

    """

    halved: Image
    masked: NDArray[np.bool_] | None


def colours_of(frame: Frame, mask: Image | None = None) -> Colours | None:
    """Decode the colours of a frame.

    None where the camera gives none (at night, many send grey in three channels), and where they cannot be decoded.

    Parameters
    ----------
    frame : Frame
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels.

    """
    if not frame.has_colours:
        return None
    try:
        halved = frame.colour_halved()
    except SourceError:  # its grey could be decoded: a hit is not lost for want of its colour
        return None
    masked = None if mask is None else _masked(mask, halved.shape)
    return None if _is_neutral(halved, masked) else Colours(halved, masked)


def colours_around(
    shown: Colours | None, spots: Sequence[Candidate | Hit], side: int
) -> tuple[Image, NDArray[np.bool_]]:
    """Return the colours around each spot, at half the size.

    Parameters
    ----------
    shown : Colours or None
        Of their frame; None where they are not known.
    spots : sequence of Candidate or Hit
        Their brightest pixels say where they lie.
    side : int
        Of the square around each, in pixels of the halved picture; odd.

    Returns
    -------
    colours : uint8 array, shape (n, side, side, 3)
        Blue first. Masked pixels take the usual colour of the others around the spot.
    known : bool array, shape (n,)
        False where the mask covers the spot, and where no colours are known.

    """
    if not spots or shown is None:
        return np.zeros((len(spots), side, side, 3), np.uint8), np.zeros(len(spots), bool)
    height, width = shown.halved.shape[:2]
    xs, ys = positions(spots)
    rows, columns = mirrored(ys // 2, side, height), mirrored(xs // 2, side, width)
    colours: Image = shown.halved[rows[:, :, None], columns[:, None, :]]
    known = np.ones(len(spots), bool)
    if shown.masked is not None:
        hidden = shown.masked[rows[:, :, None], columns[:, None, :]]
        known = ~hidden[:, side // 2, side // 2]
        for index in np.flatnonzero(known & hidden.any(axis=(1, 2))):
            covered = hidden[index]
            colours[index][covered] = np.median(colours[index][~covered], axis=0)
    return colours, known


def _is_neutral(halved: Image, masked: NDArray[np.bool_] | None) -> bool:
    """Return whether the three channels are equal but for JPEG's rounding, by one in 16 of the unmasked pixels."""
    blue, green, red = (channel[:, ::_EACH] for channel in cv2.split(halved[::_EACH]))
    spread = np.maximum(np.maximum(blue, green), red) - np.minimum(np.minimum(blue, green), red)
    if masked is not None:
        spread[masked[::_EACH, ::_EACH]] = 0
    return int(spread.max()) <= 1


def _masked(mask: Image, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which pixels of the halved picture contain a masked pixel, shape (height, width)."""
    height, width = shape[:2]
    whole = np.zeros((2 * height, 2 * width), bool)
    whole[: mask.shape[0], : mask.shape[1]] = mask != 0
    touched: NDArray[np.bool_] = np.any(whole.reshape(height, 2, width, 2), axis=(1, 3))
    return touched
