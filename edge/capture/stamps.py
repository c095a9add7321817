"""Decides whether the time stamps that a stream sends with its pictures are times, and in which unit they count."""

from __future__ import annotations

UNITS_A_SECOND = (1.0, 1e3, 1e6, 1e9)
TOLERANCE = 0.25
"""Of the time that passed here: a connection begins with pictures that were held back."""
MIN_SPAN_S = 2.0
MIN_STAMPS = 8
PATIENCE_S = 30.0
MAX_RESETS = 5


class CameraStamps:
    """Time stamps of a camera, compared with the times at which its pictures arrive.

    Cameras also send stamps that stand still, count whole seconds or number the pictures. Nothing is said of lost
    pictures by those.

    Examples
    --------
    >>> stamps = CameraStamps()
    >>> known = [stamps.seconds(7000 + 40 * number, arrived_s=0.04 * number) for number in range(60)]
    >>> known[0], known[51], known[52]
    (None, 9.04, 9.08)

    """

    def __init__(self) -> None:
        self._first: tuple[float, float] | None = None
        self._last = 0.0
        self._count = 0
        self._resets = 0
        self._unit: float | None = None
        self._is_refused = False

    def seconds(self, stamp: float | None, *, arrived_s: float) -> float | None:
        """Return the stamp of the next picture in seconds; None while it is not known to be a time."""
        if stamp is None or self._is_refused:
            return None
        if self._first is None or stamp <= self._last:
            self._begin(stamp, arrived_s)
            return None
        self._last = stamp
        self._count += 1
        if self._unit is None:
            self._compare(stamp - self._first[0], arrived_s - self._first[1])
        return None if self._unit is None else stamp / self._unit

    def _begin(self, stamp: float, arrived_s: float) -> None:
        """Begin anew: stamps that do not rise are no times, unless the camera started again."""
        self._resets += self._first is not None
        self._is_refused = self._resets > MAX_RESETS
        self._first, self._last, self._count, self._unit = (stamp, arrived_s), stamp, 1, None

    def _compare(self, span: float, span_s: float) -> None:
        if span_s < MIN_SPAN_S or self._count < MIN_STAMPS:
            return
        for unit in UNITS_A_SECOND:
            if abs(span / unit - span_s) <= TOLERANCE * span_s:
                self._unit = unit
        self._is_refused = self._unit is None and span_s > PATIENCE_S
