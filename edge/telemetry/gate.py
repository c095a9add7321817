"""The gate for commands: decides which ones a box carries out, and says why it refuses the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from edge.clock import SET_SINCE
from edge.config.telemetry import VERBS, Verb
from edge.telemetry.commands import ARGUMENTS, Command
from edge.telemetry.fields import first_error
from edge.telemetry.topics import parse_command

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from edge.telemetry.fields import Part
    from edge.telemetry.inbox import Arrived

MAX_AGE_S = 120.0
MAX_AHEAD_S = 60.0
MEMORY = 500
"""Most commands within the time in which one could be replayed."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A command to be carried out."""

    verb: Verb
    command: Command
    arguments: Part


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that is not carried out. Where `verb` and `transaction_id` are known, the sender gets an answer."""

    reason: str
    verb: str | None = None
    transaction_id: str | None = None


def judge(
    arrived: Arrived, allowed: Collection[str], done: Mapping[str, datetime], utc: datetime
) -> Accepted | Refused:
    """Return what becomes of a message on a topic of commands.

    Parameters
    ----------
    arrived : Arrived
    allowed : collection of str
        Verbs that the settings allow.
    done : mapping of str to datetime
        Transactions that were carried out lately.
    utc : datetime
        Now.

    """
    topic = parse_command(arrived.topic)
    verb = None if topic is None else next((verb for verb in VERBS if verb == topic.verb), None)
    if topic is None or topic.direction != "cmd" or verb is None:
        return Refused(f"{arrived.topic} is no command; there are {', '.join(VERBS)}")
    if arrived.retained or arrived.size_bytes > len(arrived.payload):
        retained = "is retained, so it may be of any age; delete it at the broker"
        large = f"has {arrived.size_bytes:,} bytes; at most {len(arrived.payload):,} are read"
        return Refused(f"{verb} {retained if arrived.retained else large}")
    try:
        command = Command.model_validate_json(arrived.payload)
    except ValidationError as error:
        return Refused(f"{verb}: {first_error(error)}")
    name = command.transaction_id
    if name in done:
        # Whoever gave the command has an answer already, and the broker may deliver it twice.
        return Refused(f"{verb}: the transaction {name} was carried out before")
    try:
        arguments = ARGUMENTS[verb].model_validate(command.arguments)
    except ValidationError as error:
        return Refused(f"arguments: {first_error(error)}", verb, name)
    reason = _reason_to_refuse(verb, command, allowed, len(done), utc)
    return Accepted(verb, command, arguments) if reason is None else Refused(reason, verb, name)


def recent(done: Mapping[str, datetime], utc: datetime) -> dict[str, datetime]:
    """Return the transactions whose commands are not too old yet to be given again."""
    since = utc - timedelta(seconds=MAX_AGE_S)
    return {name: given for name, given in done.items() if given >= since}


def _reason_to_refuse(verb: Verb, command: Command, allowed: Collection[str], done: int, utc: datetime) -> str | None:
    if verb not in allowed:
        return f"the settings of this box do not allow {verb}; see commands.allow"
    if utc < SET_SINCE:
        return "the clock of this box is not set, so it cannot tell old commands from new ones"
    age_s = (utc - command.utc).total_seconds()
    if age_s > MAX_AGE_S:
        return f"the command is {age_s:,.0f} s old, at most {MAX_AGE_S:.0f} s are allowed; check both clocks"
    if age_s < -MAX_AHEAD_S:
        return f"the command is {-age_s:,.0f} s in the future; check both clocks"
    return f"more than {MEMORY} commands in {MAX_AGE_S + MAX_AHEAD_S:.0f} s" if done >= MEMORY else None
