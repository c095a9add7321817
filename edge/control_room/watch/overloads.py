"""The overloads of this session, for the list of alarms: a box that cannot judge raises no alarm itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from edge.control_room.board import MAX_ALARMS, SeenAlarm

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from edge.control_room.view import View

_MARK = "overload "
"""Begins the id of an overload. No alarm of a box has such an id, as it holds a blank."""


class Overloads:
    """Remembers when boxes were in overload, as far as this screen has seen it."""

    def __init__(self) -> None:
        self._seen: list[SeenAlarm] = []

    @property
    def seen(self) -> tuple[SeenAlarm, ...]:
        """The overloads of this session, the oldest first."""
        return tuple(self._seen)

    def update(self, views: Iterable[View], now: datetime) -> None:
        """Note which boxes are in overload, and which no longer are."""
        known = {(view.site, view.device): view for view in views}
        stand = set()
        for index, entry in enumerate(self._seen):
            if entry.state != "stands":
                continue
            view = known.get((entry.site, entry.device))
            if view is not None and view.urgency == "overload":
                stand.add((entry.site, entry.device))
            elif view is None:
                self._seen[index] = replace(entry, state="removed", ended=now)
            else:
                state: Literal["missed", "cleared"] = "missed" if view.urgency in {"alarm", "lost"} else "cleared"
                self._seen[index] = replace(entry, state=state, ended=now)
        self._seen += [
            _begun(view, now) for key, view in known.items() if view.urgency == "overload" and key not in stand
        ]
        del self._seen[:-MAX_ALARMS]


def is_overload(alarm: SeenAlarm) -> bool:
    """Return whether an entry of the list is an overload."""
    return alarm.id.startswith(_MARK)


def _begun(view: View, now: datetime) -> SeenAlarm:
    return SeenAlarm(
        site=view.site,
        device=view.device,
        id=f"{_MARK}{view.device} {now.isoformat()}",
        place=view.place,
        raised=now,
        state="stands",
        ended=None,
        maximum_hz=0.0,
        hits=0,
        lower_limit=True,
        acknowledgement=None,
    )
