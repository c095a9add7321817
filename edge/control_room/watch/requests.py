"""The commands of a guard that wait for their answer."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from edge.telemetry.commands import Command
from edge.telemetry.topics import CommandTopic

if TYPE_CHECKING:
    from datetime import datetime

    from edge.control_room.view import View
    from edge.control_room.watch.dialogs import Taken
    from edge.telemetry.commands import Response

ANSWER_S = 10.0
"""Time after which a box that has not answered counts as not reached."""


class Requests:
    """Makes commands to boxes, and knows which of them were answered. Nothing is sent here."""

    def __init__(self) -> None:
        self._waiting: dict[str, tuple[str, datetime]] = {}

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
        self._waiting[transaction] = (view.name, now)
        return CommandTopic(view.site, view.device, "cmd", "silence" if silent else "acknowledge"), command

    def outcome(self, answer: Response) -> tuple[str, bool] | None:
        """Return a sentence about an answer, and whether all went well; None where nobody here waits for it."""
        waiting = self._waiting.pop(answer.transaction_id, None)
        if waiting is None:
            return None
        if answer.ok:
            return (f"{waiting[0]} has acknowledged the alarm. Everybody sees it.", True)
        return (f"{waiting[0]} refuses: {answer.error or 'it does not say why'}", False)

    def overdue(self, now: datetime) -> list[str]:
        """Return a sentence for each command that was not answered in time."""
        late = [key for key, (_, asked) in self._waiting.items() if (now - asked).total_seconds() > ANSWER_S]
        names = [self._waiting.pop(key)[0] for key in late]
        return [f"{name} has not answered: its alarm is not acknowledged. Try again, or call." for name in names]
