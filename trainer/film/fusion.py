"""Fusing bright blotches with monitoring pictures: the paper's maximum, and charge added in linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import cv2
import numpy as np

from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Fusion = Literal["charge", "max"]
FUSIONS: tuple[Fusion, ...] = get_args(Fusion)


def fuse_max(blotches: NDArray[np.uint8], monitoring: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fuse by the paper's equations (1) and (2): F = w1·F1 + w2·F2, w1 = 1 where F1 ≥ F2 and 0 elsewhere, w2 = 1 − w1.

    That is the maximum, value by value (each colour by itself), and so it is computed. On bright ground it hides what
    charge would add to: see `fuse_light`.
    """
    fused: NDArray[np.uint8] = np.maximum(blotches, monitoring)
    return fused


def fuse_light(blotches: NDArray[np.uint8], monitoring: NDArray[np.float32]) -> NDArray[np.float32]:
    """Add a covered camera's picture to a monitoring picture as charge adds: in linear light, clipped at white.

    Where the covered camera saw nothing the monitoring picture stays as it is.

    Parameters
    ----------
    blotches : uint8 array, shape (..., 3)
        A picture with the lens covered, levels 0..255.
    monitoring : float32 array of the same shape
        Levels 0..255, not yet rounded: noise comes after.

    Returns
    -------
    float32 array, levels 0..255

    """
    fused = monitoring.astype(np.float32)
    bright = (blotches[..., 0] | blotches[..., 1] | blotches[..., 2]) != 0  # far faster than any() over three
    if not bright.any():
        return fused
    fused[bright] = to_levels(to_linear(fused[bright]) + to_linear(blotches[bright].astype(np.float32)))
    return fused


def with_noise(
    levels: NDArray[np.float32], noise_dn: float, shot_dn: float, chroma: float, rng: Generator
) -> NDArray[np.uint8]:
    """Give a picture noise of variance noise² + shot × level, and round it to 8 bits.

    For compressed footage, which has lost its own. A share `chroma` of the deviation is independent in each colour,
    the rest common to all three.
    """
    return add_noise(levels, noise_dn, shot_dn, draw_noise(levels.shape, chroma, rng))


def draw_noise(shape: tuple[int, ...], chroma: float, rng: Generator) -> NDArray[np.float32]:
    """Draw the noise of a picture of shape (h, w, 3): float32, shape (h, w, 3), or (h, w, 1) without `chroma`.

    Each colour is c + chroma × x with c common to all three, x its own, both of deviation 1. For that three
    numbers a pixel are enough, not four: independent colours become such ones by the matrix that has chroma + b on its
    diagonal and b elsewhere, where 3b² + 2b × chroma = 1.
    """
    if chroma <= 0:
        return rng.standard_normal((*shape[:2], 1), np.float32)
    independent = rng.standard_normal(shape, np.float32)
    shared = (np.sqrt(chroma**2 + 3) - chroma) / 3
    mixed: NDArray[np.float32] = cv2.transform(independent, chroma * np.eye(3) + shared)
    return mixed


def add_noise(
    levels: NDArray[np.float32], noise_dn: float, shot_dn: float, drawn: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Add drawn noise to levels with variance noise² + shot × level, and round to 8 bits."""
    noisy = np.maximum(levels, 0) * np.float32(shot_dn)
    noisy += np.float32(noise_dn**2)
    np.sqrt(noisy, out=noisy)
    noisy *= drawn
    noisy += levels
    np.rint(noisy, out=noisy)
    np.clip(noisy, 0, 255, out=noisy)
    rounded: NDArray[np.uint8] = noisy.astype(np.uint8)
    return rounded
