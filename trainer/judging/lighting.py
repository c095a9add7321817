"""A scene under more or less light: what each grey level of its picture becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHITE_DN = 245.0
"""Brightest level of a lit scene: whiter ground is saturated and not live."""


def relighting(picture: NDArray[np.uint8], median_dn: float) -> NDArray[np.uint8]:
    """Return what each level becomes when a picture is lit so that its median grey is `median_dn`.

    Parameters
    ----------
    picture : uint8 array, shape (height, width, 3)
    median_dn : float

    Returns
    -------
    uint8 array, shape (256,)
        The new level of each level. Index it by a picture to light this picture.

    Examples
    --------
    >>> picture = np.full((4, 4, 3), 60, np.uint8)
    >>> int(relighting(picture, 120)[60])
    120

    """
    levels = to_linear(np.arange(256, dtype=np.float32))
    wanted, found = to_linear(np.array([median_dn, max(median_grey_dn(picture), 1.0)], np.float32))
    return np.rint(np.minimum(to_levels(levels * (wanted / found)), WHITE_DN)).astype(np.uint8)


def median_grey_dn(picture: NDArray[np.uint8]) -> float:
    """Return the median grey of a picture in colour."""
    return float(np.median(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)))
