"""Fixed differences between pixels: sensitivity, dark current, hot pixels, pixels with telegraph noise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera

DARK_SPREAD = 0.5  # σ of the natural logarithm of dark current from pixel to pixel, assumed
HOT_SPREAD = 1.2  # likewise among hot pixels, assumed: a long tail


@dataclass(frozen=True, slots=True, eq=False)
class FixedPattern:
    """The faults of a sensor.

    Attributes
    ----------
    sensitivity : float32 array, shape (height, width)
        Sensitivity of each pixel relative to the mean, about 1.
    dark_e_s : float32 array, shape (height, width)
        Dark current at 25 °C, electrons a second, hot pixels included.
    telegraph_at : int64 array, shape (n, 2)
        Row and column of pixels with random telegraph noise.
    telegraph_e : float32 array, shape (n,)
        Step of the telegraph noise of each of n pixels, electrons.
    telegraph_dwell : int64 array, shape (n,)
        Frames after which each draws its state anew.
    seed : int
        Seed of the telegraph states.

    """

    sensitivity: NDArray[np.float32] = field(repr=False)
    dark_e_s: NDArray[np.float32] = field(repr=False)
    telegraph_at: NDArray[np.int64] = field(repr=False)
    telegraph_e: NDArray[np.float32] = field(repr=False)
    telegraph_dwell: NDArray[np.int64] = field(repr=False)
    seed: int

    def telegraph_now(self, frame: int) -> NDArray[np.float32]:
        """Return the electrons that each telegraph pixel adds in a frame: its step or 0.

        A pixel draws its state anew after its dwell time, staggered; so the state of any frame is known without
        those before, and a film is the same whatever the number of threads.
        """
        count = len(self.telegraph_e)
        stagger = np.arange(count) * 7919
        period = (frame + stagger) // np.maximum(self.telegraph_dwell, 1)
        mixed = (period * 2654435761 + np.arange(count) * 40503 + self.seed * 69069) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
        mixed = ((mixed ^ (mixed >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
        return np.where((mixed >> 16) & 1, self.telegraph_e, np.float32(0)).astype(np.float32)


def make_pattern(camera: Camera, seed: int, shape: tuple[int, int] | None = None) -> FixedPattern:
    """Draw the faults of a sensor.

    Parameters
    ----------
    camera : Camera
    seed : int
        Another seed is another sensor of the same make.
    shape : (int, int), optional
        Height and width where not the camera's own; both even.

    """
    height, width = shape or (camera.height, camera.width)
    rng = np.random.default_rng([seed, 0xF1])
    sensitivity = 1.0 + np.float32(camera.prnu) * rng.standard_normal((height, width), np.float32)
    dark = np.exp(np.float32(DARK_SPREAD) * rng.standard_normal((height, width), np.float32))
    dark *= np.float32(camera.dark_e_s * np.exp(-(DARK_SPREAD**2) / 2))
    hot = _draw_pixels(rng, camera.hot_fraction, dark.shape)
    dark[hot[:, 0], hot[:, 1]] += (
        camera.hot_e_s * np.exp(HOT_SPREAD * rng.standard_normal(len(hot)) - HOT_SPREAD**2 / 2)
    ).astype(np.float32)
    blinking = _draw_pixels(rng, camera.telegraph_fraction, dark.shape)
    steps = rng.exponential(camera.telegraph_e, len(blinking)).astype(np.float32)
    dwell = np.maximum(rng.exponential(camera.telegraph_dwell_s * camera.fps, len(blinking)), 1).astype(np.int64)
    return FixedPattern(np.maximum(sensitivity, 0), dark, blinking, steps, dwell, seed)


def _draw_pixels(rng: np.random.Generator, share: float, shape: tuple[int, int]) -> NDArray[np.int64]:
    """Draw pixels, each with the given chance: rows and columns, shape (n, 2)."""
    height, width = shape
    flat = rng.integers(height * width, size=rng.poisson(share * height * width))
    return np.stack(np.divmod(np.unique(flat), width), axis=-1)
