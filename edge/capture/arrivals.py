"""Learns the period of a camera without time stamps from when its frames arrive, however uneven that is."""

from __future__ import annotations

from collections import deque

ARRIVALS = 512
MIN_ARRIVALS = 8
MIN_SPAN_S = 1.0
LEARN_EVERY = 8
INTERRUPTION_S = 2.0
"""A longer silence is an interruption of the stream and says nothing about its period."""
INTERRUPTION_PERIODS = 8.0
AGREEMENT = 0.01
"""A learnt period this close to the declared one is the declared one."""


class Arrivals:
    """The period between frames, learnt from many times of arrival.

    A network holds frames back and delivers several at once. So a single interval says nothing, and the mean is taken
    between two frames that came after a pause.

    Parameters
    ----------
    declared_s : float
        The period to assume until it is learnt.

    Examples
    --------
    Frames of a camera at 25 frames a second that arrive five at a time:

    >>> arrivals = Arrivals(declared_s=0.1)
    >>> for number in range(200):
    ...     arrivals.add(number // 5 * 0.2)
    >>> round(arrivals.period_s, 4)
    0.04

    """

    def __init__(self, declared_s: float) -> None:
        self._declared_s = declared_s
        self._period_s = declared_s
        self._last_s: float | None = None
        self._intervals_s: deque[float] = deque(maxlen=ARRIVALS)
        self._count = 0

    @property
    def period_s(self) -> float:
        """Seconds from frame to frame."""
        return self._period_s

    def add(self, arrived_s: float) -> None:
        """Add the time at which the next frame arrived."""
        last_s, self._last_s = self._last_s, arrived_s
        if last_s is None:
            return
        interval_s = max(arrived_s - last_s, 0.0)
        interrupted = interval_s > max(INTERRUPTION_S, INTERRUPTION_PERIODS * self._period_s)
        if interrupted and len(self._intervals_s) >= MIN_ARRIVALS:
            return
        self._intervals_s.append(interval_s)
        self._count += 1
        learnt_s = self._learnt_s() if self._count % LEARN_EVERY == 0 else None
        if learnt_s is None:
            return
        agrees = abs(learnt_s - self._declared_s) <= AGREEMENT * self._declared_s
        self._period_s = self._declared_s if agrees else learnt_s

    def restart(self) -> None:
        """Forget the last arrival: the next frame comes after a loss."""
        self._last_s = None

    def _learnt_s(self) -> float | None:
        span_s = sum(self._intervals_s)
        if len(self._intervals_s) < MIN_ARRIVALS or span_s < MIN_SPAN_S:
            return None
        mean_s = span_s / len(self._intervals_s)
        pauses = [number for number, interval_s in enumerate(self._intervals_s) if interval_s >= mean_s]
        first, last = pauses[0], pauses[-1]
        if last - first < MIN_ARRIVALS:
            return mean_s
        between = list(self._intervals_s)[first + 1 : last + 1]
        return sum(between) / len(between)
