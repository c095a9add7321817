"""Between 8-bit levels and linear light, by the sRGB curve (IEC 61966-2-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def to_linear(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn levels 0..255 (lamps may be above) into linear light, float32, 1 = white."""
    s = np.maximum(levels, 0).astype(np.float32, copy=False) / np.float32(255)
    power = cv2.pow((s + np.float32(0.055)) / np.float32(1.055), 2.4).reshape(s.shape)
    light: NDArray[np.float32] = np.where(s <= 0.04045, s / np.float32(12.92), power)
    return light


def to_levels(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn linear light into levels, float32, clipped to 0..255."""
    s = np.clip(light, 0, 1).astype(np.float32)
    power = np.float32(1.055) * cv2.pow(s, 1 / 2.4).reshape(s.shape) - np.float32(0.055)
    levels: NDArray[np.float32] = np.float32(255) * np.where(s <= 0.0031308, s * np.float32(12.92), power)
    return levels
