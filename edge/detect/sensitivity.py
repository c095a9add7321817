"""The sensitivity of a frame, from its brightness and the bundle's table of sensitivity by brightness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.manifest import Sensitivity


def sensitivity_table(sensitivity: Sensitivity | None) -> NDArray[np.float32] | None:
    """Return the sensitivity at each of the 256 grey levels, float32, interpolated linearly; None without a table."""
    if sensitivity is None:
        return None
    table = np.interp(np.arange(256), sensitivity.ground_dn, sensitivity.relative)
    return table.astype(np.float32)


def mean_sensitivity(brightness: Image, live: NDArray[np.bool_], table: NDArray[np.float32] | None) -> float:
    """Return the mean sensitivity of the live ground.

    Parameters
    ----------
    brightness : uint8 array, blocks
        Mean grey of each block.
    live : bool array, blocks
    table : float32 array, shape (256,), or None
        None stands for 1 everywhere.

    Returns
    -------
    float
        0..1; 1 where nothing is live, since such a frame does not count.

    """
    if table is None:
        return 1.0
    counted = np.bincount(brightness[live], minlength=256)
    total = int(counted.sum())
    return float(counted @ table) / total if total else 1.0
