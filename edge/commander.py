"""Carries out the commands of a control room in the agent's thread, and answers them."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from edge.telemetry import gate
from edge.telemetry.acknowledgements import taken
from edge.telemetry.commands import (
    AcknowledgeArguments,
    GetArguments,
    LogLevelArguments,
    SetArguments,
    SilenceArguments,
)
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from pydantic import JsonValue

    from edge.reporting import Reporter
    from edge.telemetry.command_file import CommandFile
    from edge.telemetry.inbox import Arrived

log = logging.getLogger(__name__)

STANDING = "standing"
"""Stands in `acknowledge` for the alarm that stands, for senders that cannot name it."""
LINES_A_MINUTE = 20
"""Most refusals a minute that are logged and answered. More are only counted."""


class CommandError(Exception):
    """A command that cannot be carried out now. Its text is the answer."""


class Actions(Protocol):
    """What the agent does for commands. Each raises CommandError where it cannot be done."""

    def health(self) -> dict[str, JsonValue]:
        """Send a health message and return it."""

    def recalibrate(self) -> None:
        """Learn the background anew."""

    def restart(self) -> None:
        """End the agent, so that its unit starts it again."""

    def setting_values(self) -> dict[str, JsonValue]:
        """Return the settings that may be read, by name."""

    def change_settings(self, values: dict[str, JsonValue]) -> None:
        """Change settings until the agent ends: all of them or none."""


@dataclass(slots=True)
class _Minute:
    """Counts what is logged within a minute, so that nobody fills the journal from outside."""

    began_s: float = -1e9
    lines: int = 0
    left_out: int = 0

    def allows(self, now_s: float) -> bool:
        if now_s - self.began_s >= 60:
            if self.left_out:
                log.warning("commands: %d more were refused", self.left_out)
            self.began_s, self.lines, self.left_out = now_s, 0, 0
        self.lines += 1
        allowed = self.lines <= LINES_A_MINUTE
        self.left_out += not allowed
        return allowed


class Commander:
    """Judges what has arrived, carries it out and answers.

    Parameters
    ----------
    allowed : collection of str
        Verbs that the settings allow.
    file : CommandFile
    reporter : Reporter
    actions : Actions

    """

    def __init__(self, allowed: Collection[str], file: CommandFile, reporter: Reporter, actions: Actions) -> None:
        self._allowed = frozenset(allowed)
        self._file = file
        self._reporter = reporter
        self._actions = actions
        self._minute = _Minute()

    def serve(self, arrived: list[Arrived], dropped: int, utc: datetime, now_s: float) -> None:
        """Carry out or refuse what has arrived. `dropped` is the number of commands that were too many to read."""
        if dropped and self._minute.allows(now_s):
            log.warning("commands: %d came at once and were dropped", dropped)
        for each in arrived:
            done = gate.recent(self._file.done, utc)
            verdict = gate.judge(each, self._allowed, done, utc)
            if isinstance(verdict, gate.Accepted):
                # Noted first: a command that ends the agent must not end it again and again.
                self._file.note_done({**done, verdict.command.transaction_id: verdict.command.utc})
                self._carry_out(verdict, utc)
            elif self._minute.allows(now_s):
                log.warning("command refused: %s", one_line(verdict.reason))
                if verdict.verb is not None and verdict.transaction_id is not None:
                    self._reporter.answer(verdict.verb, verdict.transaction_id, utc, error=verdict.reason)

    def _carry_out(self, accepted: gate.Accepted, utc: datetime) -> None:
        verb, command = accepted.verb, accepted.command
        reason = f" ({command.reason})" if command.reason else ""
        log.info("command %s of %s%s", verb, command.by, reason)
        try:
            result = self._result(accepted, utc)
        except CommandError as error:
            log.warning("command %s: %s", verb, one_line(str(error)))
            self._reporter.answer(verb, command.transaction_id, utc, error=str(error))
        except Exception as error:  # noqa: BLE001 - no command may end the agent
            text = one_line(f"{type(error).__name__}: {error}")
            log.error("command %s failed: %s", verb, text)  # noqa: TRY400
            self._reporter.answer(verb, command.transaction_id, utc, error=f"failed: {text}")
        else:
            self._reporter.answer(verb, command.transaction_id, utc, result=result)

    def _result(self, accepted: gate.Accepted, utc: datetime) -> dict[str, JsonValue]:
        """Carry out a command and return what the answer says."""
        arguments, actions = accepted.arguments, self._actions
        if isinstance(arguments, (AcknowledgeArguments, SilenceArguments)):
            return self._take_charge(accepted, arguments, utc)
        if isinstance(arguments, GetArguments):
            return {"values": _chosen(actions.setting_values(), arguments.names)}
        if isinstance(arguments, (SetArguments, LogLevelArguments)):
            values: dict[str, JsonValue] = (
                arguments.values if isinstance(arguments, SetArguments) else {"logging.level": arguments.level}
            )
            actions.change_settings(values)
            return {"values": _chosen(actions.setting_values(), tuple(values))}
        if accepted.verb == "health":
            return actions.health()
        (actions.recalibrate if accepted.verb == "recalibrate" else actions.restart)()
        return {}

    def _take_charge(
        self, accepted: gate.Accepted, arguments: AcknowledgeArguments | SilenceArguments, utc: datetime
    ) -> dict[str, JsonValue]:
        known = self._reporter.alarm_id
        wanted = arguments.alarm_id or STANDING
        if known is None and self._reporter.is_over(wanted):
            raise CommandError("no alarm stands")
        if known is None:
            raise CommandError("this box has had no alarm since it started")
        silences = isinstance(arguments, SilenceArguments)
        if (wanted == STANDING or silences) and not self._reporter.alarm_stands:
            raise CommandError("no alarm stands")
        if silences and wanted not in {known, STANDING}:
            raise CommandError(f"another alarm stands by now: {known}, not {wanted}")
        if wanted not in {known, STANDING}:
            raise CommandError(f"the alarm {wanted} is not the last one of this box, which is {known}")
        until = utc + timedelta(minutes=arguments.minutes) if isinstance(arguments, SilenceArguments) else None
        command = accepted.command
        acknowledgement = taken(self._file.acknowledged(known), command.by, utc, command.reason, until)
        self._file.acknowledge(known, acknowledgement)
        self._reporter.restate_alarm(utc)
        return {"alarm_id": known, "acknowledged": acknowledgement.model_dump(mode="json")}


def _chosen(values: dict[str, JsonValue], names: tuple[str, ...]) -> dict[str, JsonValue]:
    unknown = [name for name in names if name not in values]
    if unknown:
        raise CommandError(f"no setting {', '.join(unknown)}; there are {', '.join(values)}")
    return {name: values[name] for name in names or values}
