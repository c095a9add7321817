"""An aiming aid: brightness and focus as numbers, so that no picture leaves the box."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.capture.frame import Frame, Image

_DARK_DN = 16
_WHITE_DN = 250
_FADED = 0.98
"""The best focus so far fades by this factor a reading, so that it follows a new view."""


@dataclass(frozen=True, slots=True)
class Aim:
    """One reading.

    Attributes
    ----------
    brightness_dn : float
        Mean grey, 0..255.
    dark, white : float
        Shares of pixels that are almost black, and saturated.
    sharpness : float
        See `sharpness_of`; it depends on the view, so only its change tells anything.
    focus : float
        Sharpness as a share of the best one so far, 0..1.

    """

    brightness_dn: float
    dark: float
    white: float
    sharpness: float
    focus: float

    def as_dict(self) -> dict[str, float]:
        """Return the reading, ready for JSON."""
        return {name: round(value, 3) for name, value in asdict(self).items()}

    @property
    def advice(self) -> str:
        """What to do, in a few words."""
        if self.white > 0.05:
            return "too bright: turn away from the light, or shorten the exposure"
        if self.brightness_dn < 20 or self.dark > 0.5:
            return "too dark: uncover the lens, add light, or expose longer"
        return "turn the lens for the longest bar" if self.focus < 0.9 else "good"


def sharpness_of(grey: Image) -> float:
    """Return how much fine detail a picture has: the variance of the Laplacian of a smoothed picture of half the size.

    Halving and smoothing take most of the noise away, which would pass for detail, and leave the edges.

    Examples
    --------
    >>> grid = (np.indices((240, 320)).sum(axis=0) // 16 % 2 * 100).astype(np.uint8)
    >>> sharpness_of(grid) > sharpness_of(cv2.GaussianBlur(grid, (0, 0), 3))
    True

    """
    half = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(half, (0, 0), 1.0).astype(np.float32)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var())


def readings(frames: Iterable[Frame], every_s: float = 0.2) -> Iterator[Aim]:
    """Yield a reading a few times a second."""
    best, next_s = 0.0, -np.inf
    for frame in frames:
        if frame.monotonic_s < next_s:
            continue
        next_s = frame.monotonic_s + every_s
        sampled = frame.grey[::2, ::2]
        sharpness = sharpness_of(frame.grey)
        best = max(best * _FADED, sharpness)
        yield Aim(
            brightness_dn=float(sampled.mean()),
            dark=float((sampled < _DARK_DN).mean()),
            white=float((sampled >= _WHITE_DN).mean()),
            sharpness=sharpness,
            focus=sharpness / best if best > 0 else 0.0,
        )
