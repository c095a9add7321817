"""What a control room has heard of one box: the latest message of each kind, and what only a sequence shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.control_room.arrivals import Received, Removed
from edge.telemetry.messages import AlarmMessage, Health, Info, Status

if TYPE_CHECKING:
    from datetime import datetime

    from edge.control_room.arrivals import Arrival
    from edge.telemetry.messages import Message
    from edge.telemetry.topics import Kind

MAX_RATES = 60
"""Rates that are kept of a box, one a health message: ten minutes at the default interval."""
RATE_WINDOW_S = 10
MAX_SPACINGS = 3
MAX_BOOTS = 4
MAX_RETURNS = 3


@dataclass(frozen=True, slots=True)
class Box:
    """The latest messages of a box, None where none has arrived.

    Attributes
    ----------
    site, device : str
    status, info, health, alarm : Message or None
    heard : datetime or None
        When the box last sent anything. A retained message counts from the time that it names, and a last will not at
        all, as the broker sends it.
    rates : tuple of float or None
        Hits per live second over 10 seconds, one for each health message, the newest last; None without live time.
    spacings_s : tuple of float
        Seconds between the last health messages of one run.
    boots : tuple of str
        The last runs of the agent, in the order in which they were heard.
    returns : tuple of datetime
        When an earlier run was heard again after a later one. No single agent does that: two send as this box.
    faulty_since : datetime or None
        When a health message first named a fault, after one that named none; None where the last one names none.
    faulty_before : bool
        Whether the first health message that was heard named a fault, so that it may have begun earlier.
    unreadable : tuple of (kind, reason)
        Kinds whose last payload is no message.

    """

    site: str
    device: str
    status: Status | None = None
    info: Info | None = None
    health: Health | None = None
    alarm: AlarmMessage | None = None
    heard: datetime | None = None
    rates: tuple[float | None, ...] = ()
    spacings_s: tuple[float, ...] = ()
    boots: tuple[str, ...] = ()
    returns: tuple[datetime, ...] = ()
    faulty_since: datetime | None = None
    faulty_before: bool = False
    unreadable: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is kept of the box, as after its topics were cleared."""
        return all(part is None for part in (self.status, self.info, self.health, self.alarm)) and not self.unreadable


def updated(box: Box, arrival: Arrival, now: datetime) -> Box:
    """Return the box after an arrival. Repeated, late and historical messages do no harm.

    Parameters
    ----------
    box : Box
    arrival : Received, Unreadable or Removed
    now : datetime
        Time of the arrival on the control room's clock.

    """
    kind = arrival.topic.kind
    others = tuple(entry for entry in box.unreadable if entry[0] != kind)
    if isinstance(arrival, Removed):
        return _without(replace(box, unreadable=others), kind)
    if not isinstance(arrival, Received):
        return replace(box, unreadable=(*others, (kind, arrival.reason)), heard=_latest(box.heard, now))
    message = arrival.message
    box = replace(box, unreadable=others, heard=_heard(box, arrival, now))
    if not arrival.retained and not message.historical and not _is_will(message):
        box = _with_boot(box, message.boot_id, now)
    return _with_message(box, message, min(message.utc, now) if arrival.retained else now)


def _without(box: Box, kind: Kind) -> Box:
    """Return the box without its message of a kind."""
    return replace(
        box,
        status=None if kind == "status" else box.status,
        info=None if kind == "info" else box.info,
        health=None if kind == "health" else box.health,
        alarm=None if kind == "alarm" else box.alarm,
    )


def _with_message(box: Box, message: Message, at: datetime) -> Box:
    if isinstance(message, Status) and _is_newer(message, box.status):
        return replace(box, status=message)
    if isinstance(message, Info) and _is_newer(message, box.info):
        return replace(box, info=message)
    if isinstance(message, Health) and _is_newer(message, box.health):
        return _with_health(box, message, at)
    if isinstance(message, AlarmMessage) and _is_newer(message, box.alarm):
        return replace(box, alarm=message)
    return box


def _heard(box: Box, arrival: Received, now: datetime) -> datetime | None:
    if _is_will(arrival.message):
        return box.heard
    return _latest(box.heard, min(arrival.message.utc, now) if arrival.retained else now)


def _latest(known: datetime | None, new: datetime) -> datetime:
    return new if known is None else max(known, new)


def _is_will(message: Message) -> bool:
    return isinstance(message, Status) and message.reason == "lost"


def _is_newer(message: Message, known: Message | None) -> bool:
    """Return whether a message replaces the known one of its kind.

    Within a run the numbers decide, as clocks step. The last will of a run has an early number, and says nothing of a
    later run. A message that has waited in the outbox since an earlier run is older than what the present run has said.
    """
    if known is None or _is_will(known):
        return True
    if _is_will(message):
        return message.boot_id == known.boot_id
    if message.boot_id == known.boot_id:
        return message.seq > known.seq
    return not message.historical or message.utc >= known.utc


def _with_boot(box: Box, boot_id: str, now: datetime) -> Box:
    if box.boots and box.boots[-1] == boot_id:
        return box
    returns = (*box.returns, now)[-MAX_RETURNS:] if boot_id in box.boots else box.returns
    boots = (*(boot for boot in box.boots if boot != boot_id), boot_id)[-MAX_BOOTS:]
    return replace(box, boots=boots, returns=returns)


def _with_health(box: Box, message: Health, at: datetime) -> Box:
    known = box.health
    if not message.faults:
        box = replace(box, faulty_since=None, faulty_before=False)
    elif box.faulty_since is None:
        box = replace(box, faulty_since=at, faulty_before=known is None)
    spacings_s = box.spacings_s
    if known is None or known.boot_id != message.boot_id:
        spacings_s = ()
    else:
        passed_s = abs((message.utc - known.utc).total_seconds())
        spacings_s = (*spacings_s, passed_s)[-MAX_SPACINGS:]
    rate_hz = next((rate.rate_hz for rate in message.recent if rate.window_s == RATE_WINDOW_S), None)
    return replace(box, health=message, spacings_s=spacings_s, rates=(*box.rates, rate_hz)[-MAX_RATES:])
