"""What arrives for a box from the broker: kept by the thread of the link until the agent's thread takes it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.telemetry.subscription import Subscription

if TYPE_CHECKING:
    import paho.mqtt.client as paho
    from paho.mqtt.reasoncodes import ReasonCode

LIMIT = 64
MAX_BYTES = 8192
"""No command is larger. Of a larger message only its size is kept."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message as it arrived; `payload` is cut off after MAX_BYTES."""

    topic: str
    payload: bytes
    size_bytes: int
    retained: bool


class Inbox:
    """A bounded queue between the link, which subscribes to `filters`, and the agent."""

    def __init__(self, filters: tuple[str, ...]) -> None:
        self._subscription = Subscription([(each, 1) for each in filters])
        self._lock = threading.Lock()
        self._arrived: deque[Arrived] = deque()
        self._dropped = 0

    @property
    def faults(self) -> dict[str, str]:
        """What keeps commands from arriving, a sentence by name."""
        refused = ", ".join(self._subscription.refused)
        if not refused:
            return {}
        return {"rights to commands": f"the broker does not let this box read {refused}: check its access rights"}

    def attach(self, client: paho.Client) -> None:
        """Receive what a client receives."""
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def subscribe(self, client: paho.Client) -> None:
        """Subscribe at a connection."""
        self._subscription.begin(client)

    def tend(self, client: paho.Client) -> None:
        """Ask again for what the broker refuses, when it is time."""
        self._subscription.tend(client)

    def put(self, topic: str, payload: bytes, *, retained: bool) -> None:
        """Add a message. While the queue is full, messages are counted and dropped."""
        with self._lock:
            if len(self._arrived) >= LIMIT:
                self._dropped += 1
                return
            self._arrived.append(Arrived(topic, payload[:MAX_BYTES], len(payload), retained))

    def take(self) -> tuple[list[Arrived], int]:
        """Return what has arrived since the last call, and the number of messages that were dropped since then."""
        with self._lock:
            arrived, dropped = list(self._arrived), self._dropped
            self._arrived.clear()
            self._dropped = 0
        return arrived, dropped

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no topic of ours
            return
        self.put(topic, bytes(message.payload), retained=message.retain)

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._subscription.answered(mid, reasons)
