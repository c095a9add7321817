"""How unevenly counts come: variance over mean in windows of a stated length; 1 for a Poisson process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.statistics import poisson_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WINDOWS_S = (1, 10, 60)
_MAY_LACK = 0.05
"""Of the last window: the first and last frame of a clip are not analysed, and it would be cut off."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Variance over mean of the counts in windows.

    Attributes
    ----------
    window_s : int
    windows : int
        Whole windows that it was taken from.
    value : float or None
        None where there are too few windows or no counts.

    """

    window_s: int
    windows: int
    value: float | None


def dispersion(clips: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]], window_s: int) -> Dispersion:
    """Give the variance over mean within clips: each clip's windows vary around that clip's own mean.

    Clips differ in scene and strength of a disturbance; what the alarm takes for Poisson is one camera's background.

    Parameters
    ----------
    clips : sequence of (times in s, counts), one entry a frame
    window_s : int

    """
    squares, freedom, total, windows = 0.0, 0, 0, 0
    for times, counts in clips:
        if not len(times):
            continue
        spacing = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        number = ((times - times[0] + spacing / 2) // window_s).astype(np.int64)  # at a window's edge times round off
        whole = int((times[-1] - times[0] + spacing) / window_s + _MAY_LACK)
        if not whole:
            continue
        sums = np.bincount(number, weights=counts, minlength=whole)[:whole]
        squares += float(((sums - sums.mean()) ** 2).sum())
        freedom += whole - 1
        total += int(sums.sum())
        windows += whole
    if not freedom or not total:
        return Dispersion(window_s, windows, None)
    return Dispersion(window_s, windows, squares / freedom / (total / windows))


def widened_interval(count: int, spread: float) -> tuple[float, float]:
    """Give a 95 % interval of a count whose variance is `spread` times that of a Poisson process.

    As if count / spread independent bursts had been counted; a spread below 1 is taken for 1.
    """
    factor = max(spread, 1.0)
    low, high = poisson_interval(round(count / factor))
    return low * factor, high * factor
