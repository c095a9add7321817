"""Dispersion of counts: variance over mean in windows of a stated length; 1 for a Poisson process."""

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
"""Share of the last window that may be missing, because the first and last frame of a clip are not analysed."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Variance over mean of the counts in windows.

    Attributes
    ----------
    window_s : int
    windows : int
        Number of whole windows.
    value : float or None
        None with too few windows or without counts.

    """

    window_s: int
    windows: int
    value: float | None


def dispersion(clips: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]], window_s: int) -> Dispersion:
    """Return the variance over mean of counts, where the windows of a clip vary around the mean of this clip.

    Clips differ in their scene and in the strength of a disturbance. The alarm takes the background of one camera for a
    Poisson process, so differences between clips do not count.

    Parameters
    ----------
    clips : sequence of (times in s, counts)
        One entry for each frame.
    window_s : int

    Examples
    --------
    Hits in pairs, every fourth second:

    >>> times = np.arange(40.0)
    >>> counts = np.where(times % 4 == 0, 2, 0)
    >>> dispersion([(times, counts)], 4).value, round(dispersion([(times, counts)], 1).value, 2)
    (0.0, 1.54)

    """
    squares, freedom, total, windows = 0.0, 0, 0, 0
    for times, counts in clips:
        if not len(times):
            continue
        spacing = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        # Half a frame is added against rounding at the edges of windows.
        number = ((times - times[0] + spacing / 2) // window_s).astype(np.int64)
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
    """Return the 95 % interval of a count whose variance is `spread` times that of a Poisson process.

    It is the interval of count / spread independent bursts. A spread below 1 is taken for 1.
    """
    factor = max(spread, 1.0)
    low, high = poisson_interval(round(count / factor))
    return low * factor, high * factor
