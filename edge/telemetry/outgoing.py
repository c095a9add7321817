"""A message on its way to the broker, and the rules by which it waits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Keep = Literal["evidence", "latest", "restated", "until_full", "always"]
PRIORITY: dict[Keep, int] = {"evidence": -1, "latest": 0, "until_full": 0, "restated": 1, "always": 1}
REPLACED = ("latest", "restated")
_EVENT_ID = re.compile(rb'"event_id":"([^"\\]{1,200})"')
_UTC = re.compile(rb'"utc":"([0-9T:.+-]{1,40})Z?"')
_HEAD = 600
"""Event id and time stand in the first bytes of a message."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent.

    Attributes
    ----------
    topic, payload, retain
        Topic, payload and retain flag of MQTT.
    keep : {"evidence", "latest", "restated", "until_full", "always"}
        latest: it replaces an older message of the same topic that still waits. restated: likewise, and every newer
        message of its topic replaces it. until_full: the oldest are dropped when the outbox is full. always: it is sent
        first and dropped last (alarms). evidence: it is sent last and dropped first, and few wait.
    expiry_s : int or None
        Seconds after which the broker drops it (MQTT 5).
    boot_id : str
        Run of the agent that made it.

    """

    topic: str
    payload: bytes
    retain: bool
    keep: Keep
    boot_id: str
    expiry_s: int | None = None

    @property
    def size_bytes(self) -> int:
        """Bytes of topic and payload."""
        return len(self.topic) + len(self.payload)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox: its number there, and the monotonic time at which it was put in."""

    id: int
    message: Outgoing
    made_s: float


def replaces(new: Outgoing, old: Outgoing) -> bool:
    """Return whether a newer message makes one that waits superfluous."""
    if new.topic != old.topic or old.keep not in REPLACED:
        return False
    return new.keep in REPLACED or (new.retain and old.keep == "restated")


def as_historical(payload: bytes) -> bytes:
    """Return a message that is marked as one that has waited.

    Examples
    --------
    >>> as_historical(b'{"seq":1,"historical":false}')
    b'{"seq":1,"historical":true}'

    """
    return payload.replace(b'"historical":false', b'"historical":true', 1)


def event_id_of(payload: bytes) -> str | None:
    """Return the event id of an encoded message; None where it has none.

    Examples
    --------
    >>> event_id_of(b'{"schema_version":1,"event_id":"b1-7"}')
    'b1-7'

    """
    found = _EVENT_ID.search(payload[:_HEAD])
    return None if found is None else found[1].decode("utf-8", "replace")


def utc_s_of(payload: bytes) -> float | None:
    """Return the time of an encoded message in seconds since 1970; None where it names none.

    Examples
    --------
    >>> utc_s_of(b'{"event_id":"b1-7","utc":"1970-01-02T00:00:00.500000Z"}')
    86400.5

    """
    found = _UTC.search(payload[:_HEAD])
    try:
        return None if found is None else datetime.fromisoformat(f"{found[1].decode('ascii')}+00:00").timestamp()
    except ValueError:
        return None
