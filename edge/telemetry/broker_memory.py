"""What the broker remembers of a box, read from the box's own retained messages at each connection.

A broker confirms messages before they are on its disk. One that has died meanwhile comes back with older retained
messages than the box has sent last: so the box knows what else was forgotten, and sends only that again.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.telemetry.outgoing import event_id_of, utc_s_of
from edge.telemetry.topics import Topic

if TYPE_CHECKING:
    import paho.mqtt.client as paho

    from edge.telemetry.messages import Stamp
    from edge.telemetry.topics import Kind

KINDS: tuple[Kind, ...] = ("status", "alarm", "health", "info")
PATIENCE_S = 3.0
"""A broker that has confirmed the greeting, and has not sent it back by then, does not let the box read it."""
MAX_HANG_UPS = 2
"""A broker that hangs up so often at the question is not asked at the next connection."""


class BrokerMemory:
    """Asks the broker for the retained messages of a box; the box's greeting, which comes back after them, ends it.

    Parameters
    ----------
    stamp : Stamp
        Names of site and device.

    Attributes
    ----------
    messages : dict of str to float or None
        The messages that the broker has: their times in seconds since 1970 by their event ids, None for a message
        without one. None until the broker has told all, and where it does not tell.

    """

    def __init__(self, stamp: Stamp) -> None:
        self._topics = [str(Topic(stamp.site, stamp.device, kind)) for kind in KINDS]
        # A greeting of a box that was killed before it could ask tells nothing: the broker may have died before it.
        self._greetings = self._topics[0]
        self._hang_ups = 0
        self.forget()

    def forget(self) -> None:
        """Begin anew, for another connection."""
        self.messages: dict[str, float | None] | None = None
        self._found: dict[str, float | None] = {}
        self._greeting: str | None = None
        self._asked = False
        self._confirmed_s: float | None = None

    @property
    def awaits_answer(self) -> bool:
        """Whether the broker was asked and may still answer."""
        late = self._confirmed_s is not None and time.monotonic() - self._confirmed_s >= PATIENCE_S
        return self._asked and self.messages is None and not late

    def ask(self, client: paho.Client, greeting: bytes) -> None:
        """Subscribe to the box's own topics. The greeting has to be published afterwards."""
        if self._hang_ups >= MAX_HANG_UPS:
            self._hang_ups -= 1
            return
        self._asked = True
        self._greeting = event_id_of(greeting)
        for topic in self._topics:
            client.message_callback_add(topic, self._on_message)
        client.subscribe([(topic, 0) for topic in self._topics])

    def greeted(self) -> None:
        """Note that the broker has confirmed the greeting."""
        self._confirmed_s = time.monotonic()

    def hung_up(self) -> None:
        """Note that the connection has ended, perhaps as the box may not read its own messages."""
        if self._asked:
            self._hang_ups = self._hang_ups + 1 if self.awaits_answer else 0

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        event_id = event_id_of(payload)
        if self.messages is not None or event_id is None:
            return
        if event_id == self._greeting:
            self.messages = self._found
            client.unsubscribe(self._topics)
        elif message.retain and message.topic != self._greetings:
            self._found[event_id] = utc_s_of(payload)
