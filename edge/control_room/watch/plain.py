"""Alarms and faults as lines for pipes and logs: one when a box gets into a state, one when it leaves it."""

from __future__ import annotations

import re
from datetime import timezone
from typing import TYPE_CHECKING

from edge.control_room.watch.words import local_time, rate_text
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from edge.control_room.board import Board, SeenAlarm
    from edge.control_room.view import View

WORTH_A_LINE = frozenset({"alarm", "overload", "fault", "lost"})
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


class Reporter:
    """Remembers what was said of each box, so that nothing is said twice.

    A box that is calm or learning is told of only when it was in another state before. An alarm that came and went
    while nobody could hear it is told of, too, unless it had ended before this session.
    """

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], tuple[str, ...]] = {}
        self._alarms: set[tuple[str, str, str]] | None = None
        self._began: datetime | None = None

    def lines(self, board: Board, now: datetime) -> Iterator[str]:
        """Yield a line for each box whose state has changed since it was last told, and for each that is gone."""
        self._began = self._began or now
        present = set()
        for view in board.views(now):
            key = (view.site, view.device)
            present.add(key)
            state = _state(view)
            if state == self._said.get(key, ()):
                continue
            self._said[key] = state
            if not state:
                del self._said[key]
            yield line(view, now)
        for site, device in sorted(set(self._said) - present):
            del self._said[site, device]
            yield f"{_time(now)} {site}/{device} removed: the broker keeps nothing of this box any more"
        yield from self._missed(board.alarms, now)

    def _missed(self, alarms: Iterable[SeenAlarm], now: datetime) -> Iterator[str]:
        known, self._alarms = self._alarms, {(alarm.site, alarm.device, alarm.id) for alarm in alarms}
        for alarm in alarms:
            if known is None or (alarm.site, alarm.device, alarm.id) in known or alarm.state == "stands":
                continue
            if alarm.state == "cleared" and alarm.ended is not None and self._began and alarm.ended < self._began:
                continue
            place = f" ({alarm.place})" if alarm.place else ""
            rate = f"most {rate_text(alarm.maximum_hz)} hits/s"
            ended = "its end was not heard" if alarm.state == "missed" or alarm.ended is None else _time(alarm.ended)
            yield one_line(
                f"{_time(now)} {alarm.site}/{alarm.device} PAST ALARM{place}: {rate}; told late; raised "
                f"{_time(alarm.raised)}, ended: {ended}"
            )


def _time(utc: datetime) -> str:
    return f"{local_time(utc, timezone.utc):%Y-%m-%dT%H:%M:%SZ}"


def line(view: View, now: datetime) -> str:
    """Return the state of a box as one line: time in UTC, box, state, place, figures and reasons."""
    place = f" ({view.place})" if view.place else ""
    figures = ""
    if view.alarm is not None:
        least = "at least " if view.alarm.lower_limit else ""
        rate = f"{least}{rate_text(view.rate_hz)} hits/s, " if view.rate_hz is not None else ""
        figures = f": {rate}most {rate_text(view.alarm.maximum_hz)} hits/s, {view.alarm.significance_sigma:.1f} sigma"
    given = view.acknowledgement
    by = "" if given is None else f"; acknowledged by {given.by}{': ' if given.reason else ''}{given.reason}"
    reasons = "".join(f"; {reason}" for reason in view.reasons)
    return one_line(f"{_time(now)} {view.name} {view.word}{place}{figures}{by}{reasons}")


def _state(view: View) -> tuple[str, ...]:
    """Return what has to change for a new line; numbers in reasons do not count. Nothing where it is worth none."""
    if view.urgency not in WORTH_A_LINE:
        return ()
    alarm_id = "" if view.alarm is None else view.alarm.id
    by = "" if view.acknowledgement is None else view.acknowledgement.by
    reasons = () if view.urgency == "alarm" else (_NUMBER.sub("#", reason) for reason in view.reasons)
    return (view.word, alarm_id, by, *reasons)
