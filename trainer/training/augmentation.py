"""Augmentation of training crops: turns, mirrorings, brightness and soft specks; hits stay whole."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.crops import Planes

_SPECK_SIGMA_PX = (0.95, 2.5)
_SPECK_DN = (14, 90)
_SPECK_TRACED_SHARE = 0.3


def augment(pictures: NDArray[np.uint8], rng: Generator, brightness_dn: int, planes: Planes) -> NDArray[np.uint8]:
    """Return crops turned, mirrored, and made brighter or darker; what makes a hit stays as it is.

    Parameters
    ----------
    pictures : uint8 array, shape (n, size, size, planes)
        Each gets one of the eight turns and mirrorings.
    rng : Generator
    brightness_dn : int
        Each gets an offset of at most so many grey levels, the same in all planes that hold light. It is never so
        large that a pixel would clip.
    planes : Planes
        Unless they are colours, previous and next frame are swapped in half of the crops; a hit stands in the current
        frame only.

    Examples
    --------
    >>> pictures = np.zeros((1, 3, 3, 3), np.uint8)
    >>> pictures[0, 0, 0, 1] = 100
    >>> changed = augment(pictures, np.random.default_rng(1), 0, "temporal")
    >>> int(changed[..., 1].sum())
    100

    """
    count = len(pictures)
    turned = np.empty_like(pictures)
    turns = rng.integers(0, 8, count)
    for turn in range(8):
        which = turns == turn
        chosen = np.rot90(pictures[which], turn % 4, axes=(1, 2))
        turned[which] = chosen[:, :, ::-1] if turn >= 4 else chosen
    if planes != "rgb":
        swapped = rng.random(count) < 0.5
        order = [0, 2, 1, 4, 3] if planes == "compensated" else [2, 1, 0]
        turned[swapped] = turned[swapped][..., order]
    light = turned[..., :1] if planes == "compensated" else turned  # its other planes hold differences
    offset = rng.integers(-brightness_dn, brightness_dn + 1, count)
    lowest = -light.min(axis=(1, 2, 3)).astype(np.int64)
    highest = 255 - light.max(axis=(1, 2, 3)).astype(np.int64)
    light += np.clip(offset, lowest, highest)[:, None, None, None].astype(np.uint8)  # modulo 256, so darker works, too
    return turned


def add_specks(pictures: NDArray[np.uint8], chosen: NDArray[np.bool_], rng: Generator) -> NDArray[np.uint8]:
    """Return crops with a soft speck in the middle frame of the chosen ones, as a lens or a video codec makes them.

    A hit does not pass through the lens and ends within a pixel or two. A glint is as wide as the lens makes it, and
    the specks of a codec in footage that was scaled up are softer still. A speck is an elliptic Gaussian of σ 0.95 to
    2.5 px and 14 to 90 grey levels near the middle. In three of ten crops a weaker trace of it stands in the previous
    or the next frame. The label stays 0.

    Parameters
    ----------
    pictures : uint8 array, shape (n, size, size, 3)
        Previous, current, next grey.
    chosen : bool array, shape (n,)
    rng : Generator

    """
    specked: NDArray[np.uint8] = pictures.copy()
    count, size = int(chosen.sum()), pictures.shape[1]
    if not count:
        return specked
    wide, high = rng.uniform(*_SPECK_SIGMA_PX, (2, count, 1, 1))
    turn, brightest = rng.uniform(0, math.pi, (count, 1, 1)), rng.uniform(*_SPECK_DN, (count, 1, 1))
    dx, dy = rng.uniform(-0.6, 0.6, (2, count, 1, 1))
    rows, columns = np.mgrid[:size, :size] - size // 2
    along = (columns - dx) * np.cos(turn) + (rows - dy) * np.sin(turn)
    across = (rows - dy) * np.cos(turn) - (columns - dx) * np.sin(turn)
    speck = brightest * np.exp(-((along / wide) ** 2 + (across / high) ** 2) / 2)
    added = np.zeros((count, size, size, 3), np.float32)
    added[..., 1] = speck
    traced = np.flatnonzero(rng.random(count) < _SPECK_TRACED_SHARE)
    beside = 2 * rng.integers(0, 2, len(traced))
    added[traced, :, :, beside] = speck[traced] * rng.uniform(0.1, 0.5, (len(traced), 1, 1))
    specked[chosen] = np.clip(specked[chosen] + added, 0, 255).astype(np.uint8)
    return specked
