"""Decides whether the time stamps that a stream sends with its pictures are times, and in which unit they count."""

from __future__ import annotations

UNITS_A_SECOND = (1.0, 1e3, 1e6, 1e9)
TOLERANCE = 0.25  # of the time that passed here
MIN_SPAN_S = 2.0
MIN_STAMPS = 8
MAX_FAILURES = 8
"""Stamps that do not rise, or do not fit the time that passed, as often as this are no times."""


class CameraStamps:
    """Time stamps of a camera, compared with the times at which its pictures arrive.

    Cameras also send stamps that stand still, count whole seconds or number the pictures. Those show no lost pictures
    and are not used.

    Parameters
    ----------
    unit : float or None
        Stamps a second, where that is known and need not be found out.

    Examples
    --------
    >>> stamps = CameraStamps()
    >>> known = [stamps.seconds(7000 + 40 * number, arrived_s=0.04 * number) for number in range(60)]
    >>> known[0], known[51], known[52]
    (None, 9.04, 9.08)

    """

    def __init__(self, unit: float | None = None) -> None:
        self._known_unit = unit
        self._unit = unit
        self._first: tuple[float, float] | None = None
        self._last = 0.0
        self._count = 0
        self._failures = 0
        self._is_refused = False

    def seconds(self, stamp: float | None, *, arrived_s: float) -> float | None:
        """Return the stamp of the next picture in seconds; None while it is not known to be a time."""
        if stamp is None or self._is_refused:
            return None
        if self._first is None or stamp <= self._last:
            self._begin(stamp, arrived_s, failed=self._first is not None)
        else:
            self._last = stamp
            self._count += 1
            if self._unit is None:
                self._compare(stamp, arrived_s)
        return None if self._unit is None else stamp / self._unit

    def _begin(self, stamp: float, arrived_s: float, *, failed: bool) -> None:
        """Compare anew: stamps that do not rise are no times, unless the camera started again."""
        self._failures += failed
        self._is_refused = self._failures > MAX_FAILURES
        self._first, self._last, self._count = (stamp, arrived_s), stamp, 1
        self._unit = None if self._is_refused else self._known_unit

    def _compare(self, stamp: float, arrived_s: float) -> None:
        first, first_s = self._first or (stamp, arrived_s)
        span, span_s = stamp - first, arrived_s - first_s
        if span_s < MIN_SPAN_S or self._count < MIN_STAMPS:
            return
        self._unit = next((u for u in UNITS_A_SECOND if abs(span / u - span_s) <= TOLERANCE * span_s), None)
        if self._unit is None:  # a connection may begin with pictures that were held back
            self._begin(stamp, arrived_s, failed=True)
