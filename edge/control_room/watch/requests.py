"""The commands of a guard that wait for their answer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from edge.telemetry.commands import Command
from edge.telemetry.topics import CommandTopic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from edge.control_room.board import SeenAlarm
    from edge.control_room.view import View
    from edge.control_room.watch.dialogs import Taken
    from edge.telemetry.commands import Response

ANSWER_S = 10.0
"""Time after which a box that has not answered counts as not reached."""
NO_ALARM = "no alarm stands"
"""What a box answers whose alarm is over."""


class Requests:
    """Makes commands to boxes, and knows which of them were answered. Nothing is sent here."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[View, str, datetime]] = {}

    def acknowledge(self, view: View, alarm_id: str, taken: Taken, now: datetime) -> tuple[CommandTopic, Command]:
        """Return the command by which somebody takes charge of an alarm; with minutes, its sound is off for so long."""
        silent = taken.minutes is not None
        transaction = secrets.token_hex(8)
        command = Command(
            transaction_id=transaction,
            utc=now,
            by=taken.by,
            reason=taken.reason or None,
            arguments={"minutes": taken.minutes} if silent else {"alarm_id": alarm_id},
        )
        self._waiting[transaction] = (view, alarm_id, now)
        return CommandTopic(view.site, view.device, "cmd", "silence" if silent else "acknowledge"), command

    def outcome(self, answer: Response, alarms: Iterable[SeenAlarm]) -> tuple[str, bool] | None:
        """Return a sentence about an answer, and whether all went well; None where nobody here waits for it.

        An alarm that has ended meanwhile needs nobody; a box may have another one by then.
        """
        waiting = self._waiting.pop(answer.transaction_id, None)
        if waiting is None:
            return None
        view, alarm_id, _ = waiting
        if answer.ok:
            return (f"{view.name} has acknowledged the alarm. Everybody sees it.", True)
        here = [alarm for alarm in alarms if (alarm.site, alarm.device) == (view.site, view.device)]
        if any(alarm.state == "stands" and alarm.id != alarm_id for alarm in here):
            return (f"Not acknowledged: {_named(view)} has another alarm by now. Read it and acknowledge it.", False)
        if answer.error == NO_ALARM or any(alarm.state == "cleared" and alarm.id == alarm_id for alarm in here):
            return (f"Not needed: the alarm of {_named(view)} is already over; see h.", True)
        return (f"{view.name} refuses: {answer.error or 'it does not say why'}", False)

    def overdue(self, now: datetime) -> list[str]:
        """Return a sentence for each command that was not answered in time."""
        late = [key for key, (*_, asked) in self._waiting.items() if (now - asked).total_seconds() > ANSWER_S]
        names = [self._waiting.pop(key)[0].name for key in late]
        return [f"{name} has not answered: its alarm is not acknowledged. Try again, or call." for name in names]


def _named(view: View) -> str:
    return f"{view.name}, {view.place}" if view.place else view.name
