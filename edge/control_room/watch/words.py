"""Times, ages, rates and sparklines as text for a guard."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, tzinfo

_BARS = "▁▂▃▄▅▆▇█"
GAP = "·"
MIN_SCALE_HZ = 1.0
"""Rates up to this look small, so that the noise of a few hits does not look like a source."""


def age_text(age_s: float | None) -> str:
    """Return the age of a message in one unit.

    Examples
    --------
    >>> [age_text(age_s) for age_s in (3.4, 119.9, 7200, 200_000, None)]
    ['3 s', '1 min', '2 h', '2 d', 'never']

    """
    if age_s is None:
        return "never"
    for size_s, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if age_s >= size_s:
            return f"{int(age_s // size_s):,} {unit}"
    return f"{int(age_s)} s"


def time_text(utc: datetime, zone: tzinfo | None = None) -> str:
    """Return a time with its date in local time, and in UTC beside it where that differs.

    Parameters
    ----------
    utc : datetime
    zone : tzinfo or None
        Local zone; None for that of this machine.

    Examples
    --------
    >>> from datetime import datetime, timedelta, timezone
    >>> time_text(datetime(2026, 1, 2, 23, 4, 5, tzinfo=timezone.utc), timezone(timedelta(hours=1), "CET"))
    '2026-01-03 00:04:05 CET (2026-01-02 23:04:05 UTC)'
    >>> time_text(datetime(2026, 7, 2, 23, 4, 5, tzinfo=timezone.utc), timezone.utc)
    '2026-07-02 23:04:05 UTC'

    """
    local, there = local_time(utc, zone), local_time(utc, timezone.utc)
    if not local.utcoffset():
        return f"{local:%Y-%m-%d %H:%M:%S} UTC"
    date = "" if there.date() == local.date() else f"{there:%Y-%m-%d} "
    return f"{local:%Y-%m-%d %H:%M:%S %Z} ({date}{there:%H:%M:%S} UTC)"


def clock_text(utc: datetime, now: datetime, zone: tzinfo | None) -> str:
    """Return a local time without its date where that is today's."""
    local = local_time(utc, zone)
    same_day = local.date() == local_time(now, zone).date()
    return f"{local:%H:%M:%S}" if same_day else f"{local:%Y-%m-%d %H:%M:%S}"


def local_time(utc: datetime, zone: tzinfo | None) -> datetime:
    """Return a time in a zone; as it is at the ends of the calendar, where no other zone can say it."""
    try:
        return utc.astimezone(zone)
    except OverflowError:
        return utc


def rate_text(rate_hz: float | None) -> str:
    """Return a rate in hits per live second; an empty text where it is unknown.

    Examples
    --------
    >>> [rate_text(rate_hz) for rate_hz in (0.0, 0.1234, 5.25, 38.04, 1234.5, None)]
    ['0.00', '0.12', '5.25', '38.0', '1234', '']

    """
    if rate_hz is None:
        return ""
    return f"{rate_hz:.2f}" if rate_hz < 10 else f"{rate_hz:.1f}" if rate_hz < 1000 else f"{rate_hz:.0f}"


def sparkline(rates_hz: Sequence[float | None], width: int, background_hz: float | None = None) -> str:
    """Return the newest rates as bars, right-aligned; a dot stands for a time without live time.

    Full height is the highest rate, but at least 1 hit/s and four times the background.

    Examples
    --------
    >>> sparkline((0.0, 2.0, None, 4.0), 6)
    '  ▁▄·█'

    """
    shown = tuple(rates_hz[-width:])
    top_hz = max([MIN_SCALE_HZ, 4 * (background_hz or 0.0), *(rate for rate in shown if rate is not None)])
    bars = (GAP if rate is None else _BARS[min(int(rate / top_hz * 7.99), 7)] for rate in shown)
    return "".join(bars).rjust(width)
