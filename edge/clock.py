"""The wall clock, watched against the monotonic one: a clock that is not set, or that steps, is a fault."""

from __future__ import annotations

from datetime import datetime, timezone

STEP_S = 2.0
"""Between two looks the wall clock may go on by so much more or less than the monotonic clock."""
STEP_TOLD_S = 600.0
"""A step is told for so long."""
CLOCK_WAS_SET = "the clock was set"
"""How the sentence about a step begins."""
SET_SINCE = datetime(2025, 1, 1, tzinfo=timezone.utc)
"""An earlier time is that of a clock that was never set."""


class ClockWatch:
    """Names the faults of the wall clock. It has to look several times a minute.

    Examples
    --------
    >>> from datetime import timedelta
    >>> times = [(0.0, 0), (1.0, 1), (2.0, 86402), (602.0, 87002)]
    >>> begin = datetime(2026, 1, 1, tzinfo=timezone.utc)
    >>> watch = ClockWatch()
    >>> for monotonic_s, wall_s in times:
    ...     print(watch.faults(monotonic_s, begin + timedelta(seconds=wall_s)))
    {}
    {}
    {'clock step': 'the clock was set forward by 86,400 s at 2026-01-02T00:00:02Z: earlier times are off by as much'}
    {}

    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._step: str | None = None
        self._stepped_s = 0.0

    def faults(self, now_s: float, utc: datetime) -> dict[str, str]:
        """Return the faults that stand, a sentence by name."""
        offset_s = utc.timestamp() - now_s
        stepped_s = 0.0 if self._offset_s is None else offset_s - self._offset_s
        self._offset_s = offset_s
        if abs(stepped_s) > STEP_S:
            way = "forward" if stepped_s > 0 else "back"
            self._step = (
                f"{CLOCK_WAS_SET} {way} by {abs(stepped_s):,.0f} s at {utc:%Y-%m-%dT%H:%M:%SZ}: "
                "earlier times are off by as much"
            )
            self._stepped_s = now_s
        found = {}
        if utc < SET_SINCE:
            found["clock"] = f"the clock is not set ({utc:%Y-%m-%d}): check the network's time server"
        if self._step is not None and now_s - self._stepped_s < STEP_TOLD_S:
            found["clock step"] = self._step
        return found
