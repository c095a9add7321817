"""Learns the usual interval between frames by their time stamps, and counts the frames that are missing between two."""

from __future__ import annotations

from collections import deque
from statistics import fmean, median, median_low

INTERVALS = 31
MIN_INTERVALS = 5
LATE = 1.5  # of the usual interval; a frame is missing between two that lie further apart
EARLY = 0.5


class Pace:
    """The usual interval between frames. It is learnt, as cameras often do not keep the rate that they declare."""

    def __init__(self) -> None:
        self._last_s: float | None = None
        self._intervals_s: deque[float] = deque(maxlen=INTERVALS)

    @property
    def period_s(self) -> float | None:
        """Mean of the latest intervals without those that lack a frame; None until enough are known."""
        if len(self._intervals_s) < MIN_INTERVALS:
            return None
        usual_s = median_low(self._intervals_s)  # one of them, so that the mean is never over nothing
        return fmean(interval for interval in self._intervals_s if EARLY * usual_s <= interval <= LATE * usual_s)

    def missed_before(self, stamp_s: float) -> int:
        """Return the number of frames that are missing between the previous timestamp and this one."""
        last_s, self._last_s = self._last_s, stamp_s
        if last_s is None or stamp_s <= last_s:
            return 0
        interval_s = stamp_s - last_s
        usual_s = median(self._intervals_s) if len(self._intervals_s) >= MIN_INTERVALS else interval_s
        self._intervals_s.append(interval_s)
        return round(interval_s / usual_s) - 1 if interval_s > LATE * usual_s else 0
