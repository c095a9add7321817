"""Which alarms were over before anybody acknowledged them, and are new to the guard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from edge.control_room.board import SeenAlarm


class Missed:
    """Counts missed alarms until the guard has seen them in the list of alarms.

    Parameters
    ----------
    started : datetime
        When this session began. Alarms that ended before are not counted.

    """

    def __init__(self, started: datetime) -> None:
        self._started = started
        self._seen: set[str] = set()
        self._new: frozenset[str] = frozenset()

    def update(self, alarms: Iterable[SeenAlarm], *, listed: bool) -> int:
        """Return how many are new. Those that are `listed` on the screen are new until the list is left."""
        missed = {key_of(alarm) for alarm in alarms if self._is_missed(alarm)}
        new = missed - self._seen
        if listed:
            self._new |= new
            self._seen |= new
        else:
            self._new = frozenset(new)
        self._seen &= missed
        return 0 if listed else len(new)

    def is_new(self, alarm: SeenAlarm) -> bool:
        """Return whether an alarm was missed and is listed for the first time."""
        return key_of(alarm) in self._new

    def _is_missed(self, alarm: SeenAlarm) -> bool:
        return alarm.acknowledgement is None and alarm.ended is not None and alarm.ended >= self._started


def key_of(alarm: SeenAlarm) -> str:
    """Return what an alarm is known by in the lists."""
    return f"{alarm.site}/{alarm.device}/{alarm.id}"
