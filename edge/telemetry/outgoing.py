"""A message on its way to the broker, and the rules by which it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Keep = Literal["latest", "restated", "until_full", "always"]
PRIORITY: dict[Keep, int] = {"latest": 0, "until_full": 0, "restated": 1, "always": 1}
REPLACED = ("latest", "restated")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent.

    Attributes
    ----------
    topic, payload, retain
        Topic, payload and retain flag of MQTT.
    keep : {"latest", "restated", "until_full", "always"}
        latest: it replaces an older message of the same topic that still waits. restated: likewise, and every newer
        message of its topic replaces it. until_full: the oldest are dropped when the outbox is full. always: it is sent
        first and dropped last (alarms).
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
