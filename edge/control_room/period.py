"""A period of time as people write it: yesterday, 24h, 2026-11-30, 2026-11-30T18:00."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.arguments import takes
from edge.config.faults import shown_text
from edge.errors import GammaboxError

if TYPE_CHECKING:
    from datetime import tzinfo

UNITS_S = {"m": 60, "h": 3600, "d": 86400, "w": 604800}
FORMS = "write yesterday, today, 24h, 7d, 2026-11-30 or 2026-11-30T18:00"
MAX_DIGITS = 6


class PeriodError(GammaboxError, ValueError):
    """A word that names no time."""


@dataclass(frozen=True, slots=True)
class Period:
    """A time from `since` to `until`, both with their time zone."""

    since: datetime
    until: datetime


@takes(since=str)
def period_of(since: str, until: str | None, now: datetime, zone: tzinfo | None = None) -> Period:
    """Return the period that two words name; without `until` it lasts until now.

    Parameters
    ----------
    since, until : str
        A day begins at midnight of the reader's zone. As `until` it lasts to its end.
    now : datetime
    zone : tzinfo or None
        The reader's time zone; None for that of this machine.

    Raises
    ------
    PeriodError
        A word names no time, or the period ends before it begins.

    Examples
    --------
    >>> now = datetime(2026, 11, 30, 14, 0, tzinfo=timezone.utc)
    >>> period_of("yesterday", None, now, timezone.utc).since.isoformat()
    '2026-11-29T00:00:00+00:00'
    >>> period_of("24h", None, now, timezone.utc).since.isoformat()
    '2026-11-29T14:00:00+00:00'

    """
    begin = _time(since, now, zone, ends=False)
    end = now if until is None else _time(until, now, zone, ends=True)
    if end < begin:
        raise PeriodError(f"the period ends ({end:%Y-%m-%d %H:%M}) before it begins ({begin:%Y-%m-%d %H:%M})")
    return Period(begin.astimezone(timezone.utc), end.astimezone(timezone.utc))


def _time(word: str, now: datetime, zone: tzinfo | None, *, ends: bool) -> datetime:
    text = word.strip().lower()
    days = {"today": 0, "yesterday": 1}.get(text)
    span = re.fullmatch(rf"(\d{{1,{MAX_DIGITS}}})([mhdw])", text)
    try:
        if text == "now":
            return now
        if span is not None:
            return now - timedelta(seconds=int(span[1]) * UNITS_S[span[2]])
        if days is not None:
            time = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
            time -= timedelta(days=days)
        else:
            time = datetime.fromisoformat(re.sub(r"z$", "+00:00", text))
        if ends and (days is not None or re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)):
            time += timedelta(days=1)
        if time.tzinfo is not None:
            return time
        return time.astimezone() if zone is None else time.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        raise PeriodError(f"{shown_text(word)} names no time; {FORMS}") from None
