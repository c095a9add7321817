"""Which alarms are new, and when the bell rings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from edge.control_room.view import View

RING_EVERY_S = 10.0


class Attention:
    """Remembers the alarms that were announced, and rings until each is acknowledged, silenced or muted here."""

    def __init__(self) -> None:
        self._announced: dict[tuple[str, str], str] = {}
        self._muted: set[tuple[str, str]] = set()
        self._rung: datetime | None = None

    def new_alarms(self, views: Iterable[View]) -> list[View]:
        """Return the alarms that were not announced yet. Each is returned once, an alarm of a new id again."""
        standing = {(view.site, view.device): view for view in views if view.urgency == "alarm"}
        new = []
        for key, view in standing.items():
            alarm_id = "" if view.alarm is None else view.alarm.id
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
        standing = {(view.site, view.device) for view in views if view.urgency == "alarm"}
        self._muted |= standing
        return len(standing)

    def rings(self, views: Iterable[View], now: datetime) -> bool:
        """Return whether the bell rings now: at once for a new alarm, then every ten seconds."""
        loud = any(view.sounds(now) and (view.site, view.device) not in self._muted for view in views)
        if not loud:
            self._rung = None
            return False
        if self._rung is not None and (now - self._rung).total_seconds() < RING_EVERY_S:
            return False
        self._rung = now
        return True
