"""A message as it arrived at the archive, and the time under which it is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.telemetry.messages import MessageError, decode
from edge.telemetry.topics import parse
from edge.text import one_line

if TYPE_CHECKING:
    from edge.telemetry.messages import Message
    from edge.telemetry.topics import Topic

KINDS = {"alarm": 1, "status": 1, "health": 0, "info": 0}
"""The kinds of messages that are kept, with the QoS of their subscription.

The broker keeps alarms and states for an archive that is away. Health and info are news only: they would push alarms
out of the broker's queue.
"""
LASTING = {kind for kind, qos in KINDS.items() if qos}
MAX_PAYLOAD = 1 << 20
MAX_PROBLEM = 300
MAX_AHEAD_S = 300.0
MAX_LATE_S = 40 * 86400.0
"""A message waits in an outbox for at most 30 days. A box whose time is further off has a wrong clock."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it arrived. Where it cannot be read, `message` is None and `problem` says why."""

    topic: Topic
    message: Message | None
    problem: str
    arrived_s: float
    retained: bool


def arrival_of(topic: str, payload: bytes, arrived_s: float, *, retained: bool = False) -> Arrival | None:
    """Return what arrived under a topic; None where it is nothing that an archive keeps.

    Examples
    --------
    >>> arrival_of("gammabox/docks/gate-1/alarm", b"{}", 0.0).problem
    'alarm message: event_id: Field required'
    >>> arrival_of("gammabox/docks/gate-1/hit", b"{}", 0.0) is None
    True

    """
    place = parse(topic)
    if place is None or place.kind not in KINDS or not payload:
        return None
    if len(payload) > MAX_PAYLOAD:
        return Arrival(place, None, f"{len(payload)} bytes, more than {MAX_PAYLOAD}", arrived_s, retained)
    try:
        message = decode(place.kind, payload)
    except MessageError as error:
        return Arrival(place, None, one_line(str(error), MAX_PROBLEM), arrived_s, retained)
    if (message.site, message.device) != (place.site, place.device):
        return Arrival(place, None, f"it names the box {message.site}/{message.device}", arrived_s, retained)
    return Arrival(place, message, "", arrived_s, retained)


def kept_time_s(utc_s: float, arrived_s: float) -> float:
    """Return the time under which a message is kept: the box's own, or that of the arrival where its clock is wrong.

    Examples
    --------
    >>> kept_time_s(1000.0, 1002.0), kept_time_s(0.0, 1e9)
    (1000.0, 1000000000.0)

    """
    return utc_s if arrived_s - MAX_LATE_S <= utc_s <= arrived_s + MAX_AHEAD_S else arrived_s


def fault_kind(text: str) -> str:
    """Return a sentence on a fault without its numbers, by which the same fault is known again.

    Examples
    --------
    >>> fault_kind("no frame analysed for 12 s: check the camera")
    'no frame analysed for # s: check the camera'

    """
    return re.sub(r"\d+(?:[.,]\d+)*", "#", text)
