"""Which alarm a guard has read, so that an acknowledgement does not go to another one unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.control_room.watch.words import clock_text

if TYPE_CHECKING:
    from datetime import datetime, tzinfo

    from edge.control_room.view import View

RECENT_S = 5.0
"""Time for which a guard may still have the alarm before in mind."""


class Reading:
    """Remembers whose details stand on the screen, and which alarm they replaced by themselves."""

    def __init__(self) -> None:
        self._shown: View | None = None
        self._before: View | None = None
        self._changed: datetime | None = None
        self._turned: tuple[str, ...] = ()

    def show(self, view: View | None, now: datetime) -> None:
        """Note whose details are shown. A change counts as one that the list made by itself."""
        if self._shown is not None and _is_alarm(self._shown) and _key(view) != _key(self._shown):
            self._before, self._changed = self._shown, now
        self._shown = view

    def choose(self, view: View | None) -> None:
        """Note whose details the guard has asked for. Home on the first line is no choice: the same details stay."""
        if _key(view) != _key(self._shown):
            self._before = None
        self._shown = view

    def is_other(self, view: View | None) -> bool:
        """Return whether the details are of another box, state or alarm than at the last call."""
        before = self._turned
        self._turned = () if view is None else (*(_key(view) or ()), view.word)
        return self._turned != before

    def replaced(self, now: datetime) -> View | None:
        """Return the alarm that stood there until a moment ago; None where the guard has read the present one."""
        if self._before is None or self._changed is None or _key(self._before) == _key(self._shown):
            return None
        return self._before if (now - self._changed).total_seconds() <= RECENT_S else None


def alarm_title(view: View, now: datetime, zone: tzinfo | None = None, *, several_sites: bool = False) -> str:
    """Return the name of an alarm for a guard: its place, its box and since when it stands."""
    name = view.name if several_sites else view.device
    where = f"{view.place} ({name})" if view.place else name
    if view.raised is None:
        return f"Alarm of {where}"
    return f"Alarm of {where}, since {clock_text(view.raised, now, zone)}"


def _is_alarm(view: View) -> bool:
    return view.alarm is not None or view.urgency == "overload"


def _key(view: View | None) -> tuple[str, str, str] | None:
    return None if view is None else (view.site, view.device, "" if view.alarm is None else view.alarm.id)
