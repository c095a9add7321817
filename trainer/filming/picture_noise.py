"""Noise of finished pictures: what compressed footage has lost and gets anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PictureNoise:
    """Noise whose variance grows with the level: noise² + shot × level.

    Attributes
    ----------
    noise_dn : float
        Deviation in the dark, grey levels.
    shot_dn : float
        Variance added by each grey level.
    chroma : float
        Share of the deviation that is independent in each colour; the rest is common to all three.

    """

    noise_dn: float
    shot_dn: float
    chroma: float

    def draw(self, shape: tuple[int, ...], rng: Generator) -> NDArray[np.float32]:
        """Draw the noise of a picture of shape (h, w, 3): float32, shape (h, w, 3), or (h, w, 1) without chroma.

        Each colour is c + chroma × x with c common to all three, x its own, both of deviation 1. For that three
        numbers a pixel are enough, not four: independent colours become such ones by the matrix that has chroma + b on
        its diagonal and b elsewhere, where 3b² + 2b × chroma = 1.
        """
        if self.chroma <= 0:
            return rng.standard_normal((*shape[:2], 1), np.float32)
        independent = rng.standard_normal(shape, np.float32)
        shared = (np.sqrt(self.chroma**2 + 3) - self.chroma) / 3
        mixed: NDArray[np.float32] = cv2.transform(independent, self.chroma * np.eye(3) + shared)
        return mixed

    def add(self, levels: NDArray[np.float32], drawn: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Add noise that `draw` drew, or that of a part of the picture, to levels and round them to 8 bits."""
        noisy = np.maximum(levels, 0) * np.float32(self.shot_dn)
        noisy += np.float32(self.noise_dn**2)
        np.sqrt(noisy, out=noisy)
        noisy *= drawn
        noisy += levels
        np.rint(noisy, out=noisy)
        np.clip(noisy, 0, 255, out=noisy)
        rounded: NDArray[np.uint8] = noisy.astype(np.uint8)
        return rounded
