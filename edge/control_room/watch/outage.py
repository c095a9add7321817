"""What keeps alarms from a screen: a lost connection, or many boxes that fall away at once. The bell says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from edge.control_room.view import View

RING_EVERY_S = 30.0
SETTLE_S = 15.0
"""Time after which boxes have reported again when the connection is back; until then none counts as fallen away."""
RETURN_S = 2.0
"""Time after which the broker has told what it keeps of each box when the connection is back."""
MIN_AWAY = 3
AWAY = frozenset({"LOST", "SILENT", "OLD ALARM"})


def many_away(views: Sequence[View]) -> int:
    """Return how many boxes have fallen away, where they are more than half of all and at least three; 0 elsewhere."""
    away = sum(view.word in AWAY for view in views)
    return away if away >= MIN_AWAY and 2 * away > len(views) else 0


class Absence:
    """Follows the connection to the broker.

    It counts as back when what the broker keeps of each box has had time to arrive: a box that has not been heard by
    then is silent, and not calm.

    Attributes
    ----------
    since : datetime or None
        Since when the broker is away; None while it is there.

    """

    def __init__(self) -> None:
        self.since: datetime | None = None
        self._back: datetime | None = None

    def look(self, now: datetime, *, connected: bool) -> None:
        """Take note of whether the connection stands."""
        if not connected:
            self.since, self._back = self.since or now, None
        elif self.since is not None:
            self._back = self._back or now
            if (now - self._back).total_seconds() >= RETURN_S:
                self.since = self._back = None


class Outage:
    """Follows an outage, and rings while it lasts, until it is muted here.

    Attributes
    ----------
    away : int
        Boxes that have fallen away, where they are many.
    kind : {"", "connection", "boxes"}
        What is gone at the moment.
    muted : bool
        Whether its bell is off on this screen.

    """

    def __init__(self) -> None:
        self.away = 0
        self.kind: Literal["", "connection", "boxes"] = ""
        self.muted = False
        self._back: datetime | None = None
        self._rung: datetime | None = None

    def look(self, views: Sequence[View], now: datetime, *, lost: bool) -> bool:
        """Return whether the bell rings now: at once when something falls away, then every thirty seconds."""
        if self.kind == "connection" and not lost:
            self._back = now
        settled = self._back is None or (now - self._back).total_seconds() >= SETTLE_S
        self.away = many_away(views) if settled and not lost else 0
        kind: Literal["", "connection", "boxes"] = "connection" if lost else "boxes" if self.away else ""
        if kind != self.kind:
            self.kind, self.muted, self._rung = kind, False, None
        if not kind or self.muted:
            return False
        if self._rung is not None and (now - self._rung).total_seconds() < RING_EVERY_S:
            return False
        self._rung = now
        return True
