"""The bell of a screen: what rings, what is muted here, and the command that runs for new alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control_room.watch.attention import Attention
from edge.control_room.watch.outage import Outage
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from edge.control_room.view import View
    from edge.control_room.watch.alarm_command import AlarmCommand

NAMES_LETTERS = 60
"""The names of boxes in a message are together about so long; the rest is counted."""
OUTAGES = {"connection": "the lost connection", "boxes": "the boxes that fell away"}


class Bell:
    """Decides when the bell rings, and says for what it is off on this screen.

    Parameters
    ----------
    on_alarm : AlarmCommand or None
        Runs for each new alarm and overload.

    """

    def __init__(self, on_alarm: AlarmCommand | None) -> None:
        self._on_alarm = on_alarm
        self._attention, self._outage = Attention(), Outage()

    @property
    def away(self) -> int:
        """Boxes that have fallen away, where they are many."""
        return self._outage.away

    def look(self, views: Sequence[View], now: datetime, *, lost: bool) -> bool:
        """Return whether the bell rings now; start the command for what is new."""
        new = self._attention.new_alarms(views)
        if self._on_alarm is not None:
            for view in new:
                self._on_alarm.start(view)
        outage = self._outage.look(views, now, lost=lost)
        return self._attention.rings(views, now) or outage

    def problems(self) -> list[str]:
        """Return what went wrong with the command since the last call, a sentence each."""
        return [] if self._on_alarm is None else self._on_alarm.problems()

    def is_off(self, view: View) -> bool:
        """Return whether the bell of an alarm is off on this screen alone."""
        return self._attention.is_muted(view)

    def off_for(self, views: Sequence[View]) -> str:
        """Return for what the bell is off on this screen; an empty text where for nothing."""
        return self._what(sum(map(self.is_off, views)), outage=self._outage.muted)

    def mute(self, views: Sequence[View]) -> str:
        """Silence all that rings now, until something new comes; return what to say of it."""
        already = self.off_for(views)
        outage = self._outage.kind != "" and not self._outage.muted
        names = box_names(self._attention.mute(views), several_sites=len({view.site for view in views}) > 1)
        silenced = " and ".join([names] * (names != "") + [OUTAGES.get(self._outage.kind, "")] * outage)
        self._outage.muted = self._outage.kind != ""
        if silenced:
            return f"The bell is off here for {silenced}. What is new rings again."
        if already:
            return f"Nothing else rings: the bell is off here already for {already}."
        return "Nothing rings now, so there is nothing to mute. What is new will ring."

    def _what(self, alarms: int, *, outage: bool) -> str:
        parts = [counted(alarms, "alarm")] * (alarms > 0) + [OUTAGES.get(self._outage.kind, "")] * outage
        return " and ".join(parts)


def box_names(views: Sequence[View], *, several_sites: bool) -> str:
    """Return the names of boxes, as many as fit, and how many more there are."""
    names = [view.name if several_sites else view.device for view in views]
    shown = [
        name for place, name in enumerate(names) if place == 0 or len(", ".join(names[: place + 1])) <= NAMES_LETTERS
    ]
    more = [f"{len(names) - len(shown):,} more"] * (len(names) > len(shown))
    return " and ".join([", ".join(shown), *more])
