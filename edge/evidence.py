"""The evidence of a hit: a small crop of the picture around it, for people who doubt an alarm. Off by default.

It is grey, 48×48 pixels at most, and unless that is allowed, all but the hit itself is blurred beyond recognition.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.capture.frame import Image
    from edge.detect.hit import Hit

SIDE = 48
BLUR = 12.0
"""Standard deviation of the blur in pixels: within a crop nothing but its mean brightness and a slope is left."""
MARGIN = 2
MAX_RADIUS = 8
"""What is shown sharp reaches so far from the brightest pixel at most."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A crop of a picture: its upper left corner, its size, and the picture as base64 of a grey PNG."""

    left: int
    top: int
    width: int
    height: int
    png: bytes


def strongest(hits: Sequence[Hit]) -> Hit | None:
    """Return the hit that counts and adds most; None where no hit counts."""
    counted = [hit for hit in hits if hit.counts]
    return max(counted, key=lambda hit: hit.added_dn, default=None)


def evidence_of(grey: Image, hit: Hit, *, blurred: bool) -> Crop:
    """Return the crop around a hit.

    Parameters
    ----------
    grey : uint8 array, shape (height, width)
    hit : Hit
    blurred : bool
        Whether all but the hit is blurred.

    Examples
    --------
    >>> import numpy as np
    >>> from edge.detect.hit import Hit
    >>> crop = evidence_of(np.zeros((480, 640), np.uint8), Hit(630, 5, 1.0, 90.0, 4, live=True), blurred=True)
    >>> (crop.left, crop.top, crop.width, crop.height)
    (592, 0, 48, 48)

    """
    height, width = grey.shape
    left, top = _begin(hit.x, width), _begin(hit.y, height)
    part = np.ascontiguousarray(grey[top : top + SIDE, left : left + SIDE])
    if blurred:
        part = _with_blurred_surroundings(part, hit.x - left, hit.y - top, hit.pixels)
    encoded = cv2.imencode(".png", part)[1]
    return Crop(left, top, part.shape[1], part.shape[0], base64.b64encode(encoded.tobytes()))


def _begin(place: int, size: int) -> int:
    return max(0, min(place - SIDE // 2, size - SIDE))


def _with_blurred_surroundings(part: Image, x: int, y: int, pixels: int) -> Image:
    radius = min(math.ceil(math.sqrt(pixels / math.pi)) + MARGIN, MAX_RADIUS)
    rows, columns = np.ogrid[: part.shape[0], : part.shape[1]]
    is_hit = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    # The hit itself must not shine into its surroundings, nor hide how bright they are.
    median = np.uint8(np.median(part[~is_hit])) if not is_hit.all() else np.uint8(0)
    plain = np.where(is_hit, median, part)
    blurred = cv2.GaussianBlur(plain, (0, 0), BLUR, borderType=cv2.BORDER_REPLICATE)
    found: Image = np.where(is_hit, part, blurred).astype(np.uint8)
    return found
