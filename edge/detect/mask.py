"""Masks: which pixels are not looked at, from the shapes in the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.capture.frame import Image
    from edge.config.device import Mask


def mask_picture(masks: Sequence[Mask], width: int, height: int) -> Image | None:
    """Draw the masks.

    Returns
    -------
    uint8 array, shape (height, width), or None
        255 where nothing is looked at; None without masks. What lies outside the picture is left out.

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
    """Give the picture, grey or colour, with its masked pixels black, so that nothing can depend on them."""
    if mask is None:
        return picture
    clean: Image = picture.copy()
    clean[mask != 0] = 0
    return clean
