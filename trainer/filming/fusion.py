"""Fusing bright blotches with monitoring pictures: the paper's maximum, and charge added in linear light."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from edge.arguments import equally_long
from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from numpy.typing import NDArray

Fusion = Literal["charge", "max"]


@equally_long("blotches", "monitoring")
def fuse_max(blotches: NDArray[np.uint8], monitoring: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fuse by the paper's equations (1) and (2): F = w1·F1 + w2·F2, w1 = 1 where F1 ≥ F2 and 0 elsewhere, w2 = 1 − w1.

    That is the maximum, value by value (each colour by itself), and so it is computed. On bright ground it hides what
    charge would add to: see `fuse_light`.
    """
    fused: NDArray[np.uint8] = np.maximum(blotches, monitoring)
    return fused


@equally_long("blotches", "monitoring")
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
