"""Tone curves between what a picture stores and linear light: sRGB (IEC 61966-2-1), or a camera's power law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = TypeVar("Array", bound=np.floating[Any])

# The standard's constants: a straight part near black, a power beyond it.
SLOPE, OFFSET, EXPONENT = 12.92, 0.055, 2.4
LIGHT_KNEE, ENCODED_KNEE = 0.0031308, 0.04045


def linear_light(encoded: NDArray[Array] | float, tone_gamma: float = 0.0) -> NDArray[Any]:
    """Return the linear light of encoded values, 0..1 to 0..1, in the precision given.

    Parameters
    ----------
    encoded : float array, or float
    tone_gamma : float
        0 for the sRGB curve; otherwise light is encoded ** tone_gamma.

    """
    if tone_gamma:
        return np.power(encoded, tone_gamma)
    return np.where(encoded <= ENCODED_KNEE, encoded / SLOPE, ((encoded + OFFSET) / (1 + OFFSET)) ** EXPONENT)


def encoded_light(light: NDArray[Array], tone_gamma: float = 0.0) -> NDArray[Array]:
    """Return the encoded values of linear light, 0..1 to 0..1, in the precision given; see `linear_light`."""
    if tone_gamma:
        powered: NDArray[Array] = np.power(light, 1.0 / tone_gamma)
        return powered
    bright = (1 + OFFSET) * np.maximum(light, LIGHT_KNEE) ** (1 / EXPONENT) - OFFSET
    encoded: NDArray[Array] = np.where(light <= LIGHT_KNEE, light * SLOPE, bright)
    return encoded


def to_linear(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the linear light of sRGB levels 0..255 (lamps may be above), float32, 1 = white.

    Whole pictures take this way: OpenCV's power is several times faster than NumPy's.
    """
    s = np.maximum(levels, 0).astype(np.float32, copy=False) / np.float32(255)
    power = cv2.pow((s + np.float32(OFFSET)) / np.float32(1 + OFFSET), EXPONENT).reshape(s.shape)
    light: NDArray[np.float32] = np.where(s <= ENCODED_KNEE, s / np.float32(SLOPE), power)
    return light


def to_levels(light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB levels of linear light, float32, clipped to 0..255."""
    s = np.clip(light, 0, 1).astype(np.float32)
    power = np.float32(1 + OFFSET) * cv2.pow(s, 1 / EXPONENT).reshape(s.shape) - np.float32(OFFSET)
    levels: NDArray[np.float32] = np.float32(255) * np.where(s <= LIGHT_KNEE, s * np.float32(SLOPE), power)
    return levels
