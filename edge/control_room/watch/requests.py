"""The commands of a guard that wait for their answer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.telemetry.commands import Command
from edge.telemetry.topics import CommandTopic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from edge.control_room.board import SeenAlarm
    from edge.control_room.view import View
    from edge.control_room.watch.dialogs import Taken
    from edge.telemetry.commands import Response

ANSWER_S = 10.0
"""Time after which a box that has not answered counts as not reached."""
MAX_LATE = 100
"""Commands without an answer that are remembered, as the answer may still come."""
NO_ALARM = "no alarm stands"
"""What a box answers whose alarm is over."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a command: a sentence, whether all is well, and the alarm that it is about."""

    text: str
    well: bool
    about: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command on its way: the box as it was then, the alarm, and when it was sent."""

    view: View
    alarm_id: str
    at: datetime

    @property
    def about(self) -> str:
        return about(self.view, self.alarm_id)


class Requests:
    """Makes commands to boxes, and knows which of them were answered. Nothing is sent here."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Asked] = {}
        self._late: dict[str, _Asked] = {}

    def acknowledge(self, view: View, alarm_id: str, taken: Taken, now: datetime) -> tuple[CommandTopic, Command]:
        """Return the command by which somebody takes charge of an alarm; with minutes, its sound is off for so long."""
        silent = taken.minutes is not None
        transaction = secrets.token_hex(8)
        command = Command(
            transaction_id=transaction,
            utc=now,
            by=taken.by,
            reason=taken.reason or None,
            arguments={"alarm_id": alarm_id, **({"minutes": taken.minutes} if silent else {})},
        )
        self._waiting[transaction] = _Asked(view, alarm_id, now)
        return CommandTopic(view.site, view.device, "cmd", "silence" if silent else "acknowledge"), command

    def outcome(self, answer: Response, alarms: Iterable[SeenAlarm]) -> Outcome | None:
        """Return what an answer says; None where nobody here waits for it. A late answer counts as well.

        An alarm that has ended meanwhile needs nobody; a box may have another one by then.
        """
        asked = self._waiting.pop(answer.transaction_id, None)
        late = "" if asked is not None else "Late answer: "
        asked = asked or self._late.pop(answer.transaction_id, None)
        if asked is None:
            return None
        name = _named(asked.view)
        if answer.ok:
            return Outcome(f"{late}Acknowledged: the alarm of {name}. Everybody sees it.", well=True, about=asked.about)
        here = [alarm for alarm in alarms if (alarm.site, alarm.device) == (asked.view.site, asked.view.device)]
        if any(alarm.state == "stands" and alarm.id != asked.alarm_id for alarm in here):
            text, well = f"Not acknowledged: {name} has another alarm by now. Read it and acknowledge it.", False
        elif answer.error == NO_ALARM or any(a.state == "cleared" and a.id == asked.alarm_id for a in here):
            text, well = f"Not needed: the alarm of {name} is already over; see h.", True
        else:
            text, well = f"Not acknowledged: {name} refuses: {answer.error or 'it does not say why'}", False
        return Outcome(late + text, well=well, about=asked.about)

    def overdue(self, now: datetime) -> Iterator[Outcome]:
        """Yield a sentence for each command that was not answered in time."""
        for key in [key for key, asked in self._waiting.items() if (now - asked.at).total_seconds() > ANSWER_S]:
            asked = self._late[key] = self._waiting.pop(key)
            text = f"{_named(asked.view)} has not answered: its alarm is not acknowledged. Try once more, then call."
            yield Outcome(text, well=False, about=asked.about)
        while len(self._late) > MAX_LATE:
            del self._late[next(iter(self._late))]

    def settled(self, alarms: Iterable[SeenAlarm]) -> Iterator[Outcome]:
        """Yield a sentence for each command without an answer whose alarm is acknowledged or over by now."""
        if not self._late:
            return
        known = {(alarm.site, alarm.device, alarm.id): alarm for alarm in alarms}
        for key, asked in list(self._late.items()):
            alarm = known.get((asked.view.site, asked.view.device, asked.alarm_id))
            given = None if alarm is None else alarm.acknowledgement
            if given is not None and given != asked.view.acknowledgement:
                text = f"The alarm of {_named(asked.view)} is acknowledged by now, by {given.by}."
            elif alarm is not None and alarm.state != "stands":
                text = f"Not needed any more: the alarm of {_named(asked.view)} is over; see h."
            else:
                continue
            del self._late[key]
            yield Outcome(text, well=True, about=asked.about)


def about(view: View, alarm_id: str) -> str:
    """Return what a message about an alarm is known by, so that the next one replaces it."""
    return f"{view.name}/{alarm_id}"


def _named(view: View) -> str:
    return f"{view.name}, {view.place}" if view.place else view.name
