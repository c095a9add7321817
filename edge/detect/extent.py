"""The extent of spots: their light in units of the brightest pixel. Hits are sharp, light comes through a lens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.detect.crops import patches

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.detect.crops import Indices
    from edge.detect.view import Greys

    Values = NDArray[np.float64]

_EXTENT_PX = 7
_FOOT = 0.25


def extents(greys: Greys, xs: Indices, ys: Indices) -> Values:
    """Return the light of each spot in units of its brightest pixel, 1 or more, shape (n,).

    Pixels within 3 of the spot at (x, y) count that rise above both neighbouring frames by a quarter of its height.
    """
    around = patches(greys, xs, ys, _EXTENT_PX).astype(np.int16)
    spike = around[..., 1] - np.maximum(around[..., 0], around[..., 2])
    height = np.maximum(spike[:, _EXTENT_PX // 2, _EXTENT_PX // 2], 1)[:, None, None]
    light: Values = np.where(spike > height * _FOOT, spike, 0).sum(axis=(1, 2)) / height[:, 0, 0]
    return np.maximum(light, 1.0)
