"""What a detector may know of its camera before the first frame, from a calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edge.capture.frame import Image
    from edge.detect.noise_map import Blocks

_HOT_REACH = 1
"""A hot pixel spreads over its neighbours when the camera makes colours of its mosaic."""


@dataclass(frozen=True, slots=True, eq=False)
class KnownCamera:
    """The noise and the hot pixels of a camera.

    Attributes
    ----------
    size : (int, int)
        Width and height of the pictures. Pictures of another size are taken as unknown.
    sigma_dn : float32 array, blocks, or None
        Noise of each block of 8×8 pixels in the view of the camera; None where it has to be learnt.
    hot_pixels : tuple of (x, y)
    min_spike_dn : float
        Smallest spike of a candidate, where it exceeds that of the model.

    """

    size: tuple[int, int]
    sigma_dn: Blocks | None = field(repr=False)
    hot_pixels: tuple[tuple[int, int], ...] = field(repr=False)
    min_spike_dn: float

    def closed(self, mask: Image | None) -> Image | None:
        """Return a mask with the hot pixels added: uint8, shape (height, width), not 0 where nothing is looked at."""
        if not self.hot_pixels:
            return mask
        width, height = self.size
        hot = np.zeros((height, width), np.uint8)
        for x, y in self.hot_pixels:
            cv2.rectangle(hot, (x - _HOT_REACH, y - _HOT_REACH), (x + _HOT_REACH, y + _HOT_REACH), 255, cv2.FILLED)
        return hot if mask is None else np.maximum(hot, mask)
