"""Which alarms are new, and when the bell rings for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from edge.control_room.view import View

RING_EVERY_S = 10.0
LOUD = frozenset({"alarm", "overload"})


class Attention:
    """Remembers the alarms that were announced, and rings until each is acknowledged, silenced or muted here.

    An overload rings as an alarm does. A muted alarm rings anew when its box falls away, when a time without sound is
    over, or when it was a changed background and grows again.
    """

    def __init__(self) -> None:
        self._announced: dict[tuple[str, str], str] = {}
        self._muted: set[tuple[str, str]] = set()
        self._rung: datetime | None = None
        self._overloads: set[tuple[str, str]] = set()
        self._old: set[tuple[str, str]] = set()
        self._changed: set[tuple[str, str]] = set()

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

    def mute(self, views: Iterable[View]) -> list[View]:
        """Silence the bell for the alarms that ring now, on this screen alone; return them."""
        ringing = [view for view in views if view.is_urgent and not self.is_muted(view)]
        self._muted |= {(view.site, view.device) for view in ringing}
        return ringing

    def is_muted(self, view: View) -> bool:
        """Return whether an alarm or overload would ring, but for its bell that is off on this screen."""
        return view.is_urgent and (view.site, view.device) in self._muted

    def rings(self, views: Sequence[View], now: datetime) -> bool:
        """Return whether the bell rings now: at once for a new alarm, then every ten seconds."""
        self._follow(views)
        if not any(view.is_urgent and not self.is_muted(view) for view in views):
            self._rung = None
            return False
        if self._rung is not None and (now - self._rung).total_seconds() < RING_EVERY_S:
            return False
        self._rung = now
        return True

    def _follow(self, views: Sequence[View]) -> None:
        """Note overloads, boxes that fell away in an alarm, ended silences, grown changes; new ones ring at once."""
        overloads = {(view.site, view.device) for view in views if view.urgency == "overload"}
        old = {
            (view.site, view.device)
            for view in views
            if view.needs_attention and (view.word == "OLD ALARM" or view.silence_over)
        }
        changed = {(view.site, view.device) for view in views if view.word == "CHANGED"}
        grown = {(view.site, view.device) for view in views if view.word == "ALARM"} & self._changed
        anew = (old - self._old) | grown
        self._muted -= (self._overloads - overloads) | anew
        if (overloads - self._overloads) | anew:
            self._rung = None
        self._overloads, self._old, self._changed = overloads, old, changed
