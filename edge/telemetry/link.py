"""The link to the broker: a thread that connects, publishes the status of the box and empties the outbox.

All of paho runs in this thread. An exception in a callback therefore surfaces here, is logged, and the link goes on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from paho.mqtt.enums import MQTTErrorCode

from edge.telemetry.broker_memory import BrokerMemory
from edge.telemetry.inbox import Inbox
from edge.telemetry.link_state import LinkState, State, distrusted
from edge.telemetry.login import NAMES, V3, V5, Login, disconnect, distrusts, expiring, reason_of
from edge.telemetry.messages import Status, encode
from edge.telemetry.outgoing import as_historical
from edge.telemetry.topics import Topic
from edge.text import one_line

if TYPE_CHECKING:
    import paho.mqtt.client as paho
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config.device import MqttSettings
    from edge.telemetry.messages import Stamp
    from edge.telemetry.outbox import Outbox
    from edge.telemetry.outgoing import Waiting

log = logging.getLogger(__name__)

POLL_S = 0.05
FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0
# An older message is historical when it is sent.
NEWS_S = 30.0
SLOW_S = 10.0
"""Time without an answer to the first connection after which that is a fault."""
LEAVE_S = 0.3
"""Time for the thread to end after its goodbye. One that hangs in a connection is left to itself."""
PROVEN_S = 30.0
"""A connection that lasted so long, or that confirmed a message, was a good one: the next pause is short again."""
TAKEOVERS = 3
TAKEOVER_WINDOW_S = 120.0
"""So many lost connections within this time, each of them good at first, point to another client with this id."""
PACKET_OVERHEAD = 64
"""Bytes of a packet besides topic and payload, at most."""


class Link:
    """Connects a box to its broker, again and again, and sends what waits in the outbox.

    Parameters
    ----------
    settings : MqttSettings
    stamp : Stamp
        Source of the status messages, and of the names of site and device.
    outbox : Outbox
        The messages to send. A message leaves the outbox when the broker confirms it.
    max_in_flight : int
        Most messages that wait for a confirmation.
    inbox : Inbox or None
        Receives what the box has subscribed to.

    Raises
    ------
    BrokerError
        The file of the password or of a certificate cannot be read.

    """

    def __init__(
        self,
        settings: MqttSettings,
        stamp: Stamp,
        outbox: Outbox,
        max_in_flight: int = 20,
        inbox: Inbox | None = None,
    ) -> None:
        self._settings = settings
        self._place = f"{settings.host}:{settings.port}"
        self._stamp = stamp
        self._client_id = f"gammabox-{stamp.site}-{stamp.device}"
        self._topic = str(Topic(stamp.site, stamp.device, "status"))
        self._outbox = outbox
        self._max_in_flight = max_in_flight
        self._inbox = inbox or Inbox(())
        self.login = Login(settings)
        self._protocol = V3 if settings.protocol == "3.1.1" else V5
        self._state = LinkState("starting", f"connecting to {settings.host}:{settings.port}")
        self._sessions = 0
        self._memory = BrokerMemory(stamp)
        self._suspects: set[int] = set()
        self._losses_s: deque[float] = deque(maxlen=TAKEOVERS)
        self._started_s = time.monotonic()
        self._patience_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._begin_session()

    @property
    def state(self) -> LinkState:
        """The present state of the link."""
        return self._state

    @property
    def sessions(self) -> int:
        """Number of connections so far. After each one the broker may have forgotten what it retained."""
        return self._sessions

    @property
    def faults(self) -> dict[str, str]:
        """Problems of the connection, a sentence by name."""
        faults = {}
        if self._state.state in {"refused", "away"}:
            faults["broker"] = self._state.text
        elif self._state.state == "starting" and (silent_s := time.monotonic() - self._started_s) > SLOW_S:
            faults["broker"] = f"broker {self._place} has not answered for {silent_s:.0f} s; going on without it"
        if self._refused:
            faults["rights at the broker"] = (
                f"broker {self._place} refuses messages: check the access rights of {self._client_id}"
            )
        return faults

    @property
    def refused(self) -> int:
        """Number of messages that the broker has refused on this connection. They stay in the outbox, set aside."""
        return len(self._refused)

    def start(self) -> None:
        """Start to connect in the thread."""
        self._started_s = time.monotonic()
        self._thread.start()

    def stop(self, patience_s: float = 2.0) -> None:
        """Publish `offline` and disconnect. Unconfirmed messages stay in the outbox.

        The broker has `patience_s` to confirm the goodbye. A thread that hangs in a connection is left to itself.
        """
        self._patience_s = patience_s
        self._stop.set()
        self._thread.join(patience_s + LEAVE_S)

    def flush(self, patience_s: float, patience_away_s: float, stop: threading.Event | None = None) -> bool:
        """Wait until the broker has confirmed all messages. Return whether it has.

        The wait ends after `patience_s`, after `patience_away_s` without a connection, when the login is refused, and
        when `stop` is set.
        """
        began_s = connected_s = time.monotonic()
        while self._outbox.depth:
            now_s = time.monotonic()
            online = self._state.state == "online"
            connected_s = now_s if online else connected_s
            given_up = now_s - began_s >= patience_s or (not online and now_s - connected_s >= patience_away_s)
            stopped = stop is not None and stop.is_set()
            if given_up or stopped or self._stop.is_set() or self._state.state == "refused":
                return False
            time.sleep(POLL_S / 2)
        return True

    def _begin_session(self) -> None:
        self._answered = self._connected = self._retry_at_once = False
        self._farewell = "connection closed"
        self._began_s = time.monotonic()
        self._proven = self._greeted = self._recalled = False
        self._memory.forget()
        self._max_packet: int | None = None
        self._birth: int | None = None
        self._sent: dict[int, int] = {}
        self._refused: set[int] = set()

    def _run(self) -> None:
        wait_s = FIRST_RETRY_S
        while not self._stop.is_set():
            self._begin_session()
            try:
                self._session()
            except OSError as error:
                if not distrusts(error):
                    text = f"broker {self._place} cannot be reached ({reason_of(error)}); going on without it"
                    self._change("away", text)
                elif not self.login.turn():
                    self._state = distrusted(self._place, reason_of(error))
            except Exception as error:  # noqa: BLE001 - paho raises many kinds on packets that are no MQTT
                log.error("the link failed (%s); it is built again", one_line(f"{type(error).__name__}: {error}"))  # noqa: TRY400
            self._memory.hung_up()
            if self._retry_at_once:
                continue
            proven = self._proven or (self._connected and time.monotonic() - self._began_s >= PROVEN_S)
            wait_s = FIRST_RETRY_S if proven else min(2 * wait_s, LONGEST_RETRY_S)
            self._stop.wait(wait_s)
        self._change("stopped", "disconnected")

    def _session(self) -> None:
        """Run one connection, from the first packet to its loss or to the goodbye."""
        client = self._client()
        client.connect(self._settings.host, self._settings.port, self._settings.keepalive_s)
        while not self._stop.is_set():
            if client.loop(POLL_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
            if self._connected:
                self._inbox.tend(client)
                self._pump(client)
        if self._connected and self._stop.is_set():
            self._say_goodbye(client)
        elif self._connected:
            self._change("away", f"broker {self._place} lost ({self._cause_of_loss()}); going on without it")
        elif not self._answered and not self._stop.is_set():
            self._closed_without_answer()

    def _cause_of_loss(self) -> str:
        """Return why a connection may have ended, and suspect the messages that were on their way.

        A broker may hang up on a message, for example one that is too large. After a loss the suspects are sent one by
        one: a message on which the connection ends twice is set aside.
        """
        now_s = time.monotonic()
        on_their_way = set(self._sent.values())
        if "taken over" in self._farewell.lower():  # whatever was on its way is innocent
            return f"another client connects as {self._client_id}: give each box an id of its own"
        if self._greeted and len(on_their_way) == 1 and "keep alive" not in self._farewell.lower():
            (number,) = on_their_way
            self._outbox.refuse(number, f"the broker hangs up on it: {self._farewell}")
        self._suspects |= on_their_way
        if not on_their_way and self._greeted:
            self._losses_s.append(now_s)
        if len(self._losses_s) == TAKEOVERS and now_s - self._losses_s[0] < TAKEOVER_WINDOW_S:
            return f"{self._farewell}; again and again, so perhaps another client connects as {self._client_id}"
        return self._farewell

    def _client(self) -> paho.Client:
        client = self.login.client(self._client_id, self._protocol)
        client.max_inflight_messages_set(self._max_in_flight + 1)
        client.will_set(self._topic, self._status("offline", "lost"), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        self._inbox.attach(client)
        return client

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered = True
        if not reason.is_failure:
            self._connected, self._sessions = True, self._sessions + 1
            self.login.accepted()
            self._max_packet = getattr(properties, "MaximumPacketSize", None)
            greeting = self._status("online", "connected")
            self._memory.ask(client, greeting)
            self._birth = client.publish(self._topic, greeting, qos=1, retain=True).mid
            self._inbox.subscribe(client)
            self._change("online", f"connected to {self._place} with MQTT {NAMES[self._protocol]}")
        elif reason.getName() == "Unsupported protocol version" and self._other_protocol():
            log.info("broker %s does not speak this MQTT version, trying %s", self._place, NAMES[self._protocol])
        else:
            text = f"broker {self._place} refuses the login: {reason}; check username and password_file"
            self._change("refused", text)

    def _on_disconnect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        # This is the reason that paho states for a connection that was closed without one.
        self._farewell = "connection closed" if reason.getName() == "Unspecified error" else str(reason)

    def _closed_without_answer(self) -> None:
        """Try the other MQTT version, then report a refusal: some brokers hang up without a reason."""
        if self.login.turn():
            return
        problem = f"broker {self._place} hangs up on the login with MQTT {NAMES[self._protocol]}"
        if not self._other_protocol() or self._state.state == "refused":
            self._change("refused", f"{problem}; check username, password_file, protocol and whether it wants TLS")

    def _other_protocol(self) -> bool:
        """Change to the other MQTT version if the settings allow it. Return whether it was not tried yet."""
        if self._settings.protocol != "auto":
            return False
        self._protocol = V3 if self._protocol == V5 else V5
        self._retry_at_once = self._protocol == V3
        return self._retry_at_once

    def _on_publish(
        self, _client: paho.Client, _data: object, mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        if mid == self._birth:
            self._greeted = True
            self._memory.greeted()
        number = self._sent.pop(mid, None)
        if number is None:
            return
        self._suspects.discard(number)
        if reason.is_failure:
            # Tried once more on the next connection: the rights at the broker may be corrected.
            self._refused.add(number)
            self._outbox.refuse(number, str(reason))
        else:
            self._proven = True
            self._outbox.confirm([number])

    def _pump(self, client: paho.Client) -> None:
        if not self._recalled and not self._memory.awaits_answer:
            self._recalled = True
            self._outbox.repeat(self._memory.messages)
        # After a loss the messages that may have caused it are sent one by one, once the broker has taken the birth.
        limit = self._max_in_flight if not self._suspects else int(self._greeted)
        room = limit - len(self._sent)
        if room <= 0 or not self._recalled:
            return
        in_flight = {*self._sent.values(), *self._refused}
        for waiting in self._outbox.next(room, in_flight):
            message = waiting.message
            if self._max_packet is not None and message.size_bytes + PACKET_OVERHEAD > self._max_packet:
                self._suspects.discard(waiting.id)
                reason = f"{message.size_bytes} bytes are too large for its packets of {self._max_packet}"
                self._outbox.refuse(waiting.id, reason, final=True)
                continue
            properties = expiring(message.expiry_s, self._protocol)
            payload = self._payload(waiting)
            info = client.publish(message.topic, payload, qos=1, retain=message.retain, properties=properties)
            self._sent[info.mid] = waiting.id
        if self._suspects and not self._sent:
            self._suspects.clear()  # those that are left were replaced or set aside

    def _payload(self, waiting: Waiting) -> bytes:
        payload, is_ours = waiting.message.payload, waiting.message.boot_id == self._stamp.boot_id
        return payload if is_ours and time.monotonic() - waiting.made_s < NEWS_S else as_historical(payload)

    def _say_goodbye(self, client: paho.Client) -> None:
        farewell = client.publish(self._topic, self._status("offline", "stopped"), qos=1, retain=True)
        deadline = time.monotonic() + self._patience_s
        while not farewell.is_published() and time.monotonic() < deadline:
            if client.loop(POLL_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
        disconnect(client)

    def _status(self, state: Literal["online", "offline"], reason: Literal["connected", "stopped", "lost"]) -> bytes:
        return encode(self._stamp.make(Status, datetime.now(timezone.utc), state=state, reason=reason))

    def _change(self, state: State, text: str) -> None:
        """Change the state. Problems are logged by the agent, which asks for `faults`."""
        if state == "online" and self._sessions == 1:
            log.info("%s", text)
        self._state = LinkState(state, text)
