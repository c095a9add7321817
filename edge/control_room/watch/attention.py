"""Which alarms are new, and when the bell rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from edge.control_room.view import View

RING_EVERY_S = 10.0
MIN_AWAY = 3
LOUD = frozenset({"alarm", "overload"})
AWAY = frozenset({"LOST", "SILENT", "OLD ALARM"})


def many_away(views: Sequence[View]) -> int:
    """Return how many boxes have fallen away, where they are more than half of all and at least three; 0 elsewhere."""
    away = sum(view.word in AWAY for view in views)
    return away if away >= MIN_AWAY and 2 * away > len(views) else 0


class Attention:
    """Remembers the alarms that were announced, and rings until each is acknowledged, silenced or muted here.

    An overload rings as an alarm does. A muted alarm rings anew when its box falls away, or when a time without sound
    is over.
    """

    def __init__(self) -> None:
        self._announced: dict[tuple[str, str], str] = {}
        self._muted: set[tuple[str, str]] = set()
        self._rung: datetime | None = None
        self._overloads: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()
        self._away = False

    def new_alarms(self, views: Iterable[View]) -> list[View]:
        """Return the alarms and overloads that were not announced yet. Each is returned once.

        An alarm of a new id is returned again, as is an overload that has ended and comes back.
        """
        standing = {(view.site, view.device): view for view in views if view.urgency in LOUD}
        new = []
        for key, view in standing.items():
            alarm_id = "overload" if view.urgency == "overload" else "" if view.alarm is None else view.alarm.id
            if key not in self._announced or (alarm_id and self._announced[key] != alarm_id):
                self._announced[key] = alarm_id
                self._muted.discard(key)
                self._rung = None
                new.append(view)
        for key in set(self._announced) - set(standing):
            del self._announced[key]
            self._muted.discard(key)
        return new

    def mute(self, views: Iterable[View]) -> int:
        """Silence the bell for the alarms that stand now, on this screen alone; return how many there are."""
        standing = {(view.site, view.device) for view in views if view.urgency in LOUD}
        self._muted |= standing
        return len(standing)

    def rings(self, views: Sequence[View], now: datetime) -> bool:
        """Return whether the bell rings now: at once for a new alarm, then every ten seconds.

        It rings once when many boxes fall away.
        """
        self._follow(views)
        fell, self._away = not self._away and many_away(views) > 0, many_away(views) > 0
        return self._calls(views, now) or fell

    def _follow(self, views: Sequence[View]) -> None:
        """Note overloads, boxes that fell away in an alarm, and silences that are over; new ones ring at once."""
        overloads = {(view.site, view.device) for view in views if view.urgency == "overload"}
        old = {
            (view.site, view.device)
            for view in views
            if view.needs_attention and (view.word == "OLD ALARM" or view.silence_over)
        }
        self._muted -= (self._overloads - overloads) | (old - self._old)
        if (overloads - self._overloads) | (old - self._old):
            self._rung = None
        self._overloads, self._old = overloads, old

    def _calls(self, views: Sequence[View], now: datetime) -> bool:
        loud = any(view.is_urgent and (view.site, view.device) not in self._muted for view in views)
        if not loud:
            self._rung = None
            return False
        if self._rung is not None and (now - self._rung).total_seconds() < RING_EVERY_S:
            return False
        self._rung = now
        return True
