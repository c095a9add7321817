"""The view of a triple that the detector gets: its frames without the masked pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.capture.frame import Frame, Image, Triple
    from edge.config.picture import Mask
    from edge.detect.crops import Planes

Greys: TypeAlias = "tuple[Image, Image, Image]"
"""Previous, current and next grey picture: uint8, all of the same shape (height, width)."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Three greys and the colours of the middle frame, masked pixels black in all of them.

    Attributes
    ----------
    frame : Frame
        The middle frame of the triple.
    greys : three uint8 arrays, shape (height, width)
    mask : uint8 array, shape (height, width), or None
        Not 0 at masked pixels; None without masks.

    """

    frame: Frame
    greys: Greys = field(repr=False)
    mask: Image | None = field(default=None, repr=False)

    def of(self, greys: Greys) -> View:
        """Return the same view with other greys, for example steadied ones."""
        return View(self.frame, greys, self.mask)

    def channels(self, planes: Planes) -> Sequence[Image]:
        """Return the pictures from which `edge.detect.crops.network_input` lays out the planes.

        Blue, green and red for "rgb", which costs a JPEG decode at each call; else the three greys.
        """
        if planes == "rgb":
            return cv2.split(without(self.frame.colour(), self.mask))
        return self.greys


class FrameCache:
    """Masks each frame once, though it stands in three triples.

    Parameters
    ----------
    mask : uint8 array, shape (height, width), or None

    """

    def __init__(self, mask: Image | None) -> None:
        self._mask = mask
        self._masked: dict[int, tuple[Frame, Image]] = {}

    def masked(self, triple: Triple) -> View:
        """Return the view of a triple without its masked pixels, and keep its frames for the next triple."""
        kept, self._masked = self._masked, {}
        for frame in (triple.previous, triple.current, triple.following):
            known, grey = kept.get(frame.sequence, (None, frame.grey))
            self._masked[frame.sequence] = (frame, grey if known is frame else without(frame.grey, self._mask))
        previous, current, following = (grey for _, grey in self._masked.values())
        return View(triple.current, (previous, current, following), self._mask)


def mask_picture(masks: Sequence[Mask], width: int, height: int) -> Image | None:
    """Draw the masks of the settings.

    Returns
    -------
    uint8 array, shape (height, width), or None
        255 at masked pixels; None without masks. What lies outside the picture is left out.

    """
    if not masks:
        return None
    picture = np.zeros((height, width), np.uint8)
    for mask in masks:
        if mask.rectangle is not None:
            x, y, wide, high = mask.rectangle
            picture[y : y + high, x : x + wide] = 255
        elif mask.polygon is not None:
            cv2.fillPoly(picture, [np.array(mask.polygon, np.int32)], 255)
    return picture


def without(picture: Image, mask: Image | None) -> Image:
    """Return the picture, grey or colour, with its masked pixels black, so that nothing can depend on them."""
    if mask is None:
        return picture
    clean: Image = picture.copy()
    clean[mask != 0] = 0
    return clean
