"""The subscriber of a control room: receives the messages of a site as models."""

from __future__ import annotations

import contextlib
import secrets
import ssl
import time
from collections import deque
from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode
from pydantic import ValidationError

from edge.control_room.arrivals import Arrival, Received, Removed, Unreadable
from edge.errors import BrokerError
from edge.telemetry.commands import Command, Response
from edge.telemetry.login import NAMES, VERSIONS, Login, disconnect, reason_of
from edge.telemetry.messages import MessageError, decode
from edge.telemetry.subscription import Subscription
from edge.telemetry.topics import CommandTopic, Kind, Topic, of_answers, of_kind, of_site, parse, parse_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    import paho.mqtt.client as paho
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.reasoncodes import ReasonCode
    from typing_extensions import Self

    from edge.config.device import MqttSettings

ANSWER_S = 10.0
RETRY_S = 1.0
MAX_ANSWERS = 1000


class Subscriber:
    """A connection to the broker for reading, in the thread of the caller. It reconnects by itself after a loss.

    Parameters
    ----------
    settings : MqttSettings
    site : str or None
        Site whose boxes are followed; None for all sites.
    kinds : sequence of Kind or None
        Kinds of messages that are wanted; None for all.
    keepalive_s : int or None
        Longest silence on the connection, instead of that of the settings: a view has to notice a loss soon.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses the login. It is raised by the first connection only.

    """

    def __init__(
        self,
        settings: MqttSettings,
        site: str | None = None,
        *,
        kinds: Sequence[Kind] | None = None,
        keepalive_s: int | None = None,
    ) -> None:
        self._settings = settings
        self._keepalive_s = keepalive_s or settings.keepalive_s
        self._filters = (
            [of_site(site)] if kinds is None else [*(of_kind(kind, site) for kind in kinds), of_answers(site)]
        )
        self._subscription = Subscription([(each, 1) for each in self._filters])
        self._login = Login(settings)
        self._client_id = f"gammabox-watch-{secrets.token_hex(6)}"
        self._inbox: deque[Arrival] = deque()
        self._answers: deque[Response] = deque(maxlen=MAX_ANSWERS)
        self._subscribed = False
        self._refusal: str | None = None
        self._client = self._first_client()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the subscription is active."""
        return self._subscribed

    @property
    def refusal(self) -> str | None:
        """What the broker does when it is tried, and what to do about it; None where it refuses nothing."""
        return self._refusal

    def poll(self, patience_s: float) -> list[Arrival]:
        """Return the messages that have arrived. Waits up to `patience_s` for the first one."""
        deadline = time.monotonic() + patience_s
        while not self._inbox:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            if self._client.loop(min(left_s, 0.2)) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                self._reconnect(min(left_s, RETRY_S))
            else:
                self._subscription.tend(self._client)
        arrived = list(self._inbox)
        self._inbox.clear()
        return arrived

    def answers(self) -> list[Response]:
        """Return the answers of boxes to commands that have arrived since the last call."""
        answers = list(self._answers)
        self._answers.clear()
        return answers

    def command(self, topic: CommandTopic, command: Command) -> None:
        """Send a command to a box, once. While the broker is away it is not sent, and no answer comes."""
        if self._subscribed:
            self._client.publish(str(topic), command.model_dump_json().encode(), qos=1)

    def __iter__(self) -> Iterator[Arrival]:
        """Yield messages for ever."""
        while True:
            yield from self.poll(1.0)

    def close(self) -> None:
        """Disconnect."""
        disconnect(self._client)

    def _first_client(self) -> paho.Client:
        versions = VERSIONS[self._settings.protocol]
        place = f"{self._settings.host}:{self._settings.port}"
        for version in versions:
            try:
                client = self._connect(version)
            except ssl.SSLError as error:
                raise BrokerError(
                    f"broker {place}: no trusted TLS connection ({reason_of(error)}); check the port, the file of the "
                    "authority, and that the broker is named as in its certificate"
                ) from error
            except OSError as error:
                raise BrokerError(
                    f"broker {place} cannot be reached ({reason_of(error)}); check host and port"
                ) from error
            if self._subscribed:
                return client
            if self._subscription.refused:
                break  # the broker speaks this version, and has said what it does not grant
        if self._refusal is not None:
            raise BrokerError(f"broker {place} {self._refusal}")
        tried = " and ".join(NAMES[version] for version in versions)
        raise BrokerError(
            f"broker {place} refuses the login (it hangs up on MQTT {tried}); check user, password and TLS"
        )

    def _connect(self, version: MQTTProtocolVersion) -> paho.Client:
        client = self._login.client(self._client_id, version)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect(self._settings.host, self._settings.port, self._keepalive_s)
        deadline = time.monotonic() + ANSWER_S
        while not self._subscribed and not self._subscription.refused and time.monotonic() < deadline:
            if client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        if not self._subscribed:
            disconnect(client)
        return client

    def _reconnect(self, pause_s: float) -> None:
        self._subscribed = False
        time.sleep(pause_s)
        try:
            self._client.reconnect()
        except OSError:
            # The caller can see it in `connected`, and the next poll tries again.
            self._refusal = None

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        if reason.is_failure:
            self._refusal = f"refuses the login, check user and password ({reason})"
        else:
            self._subscription.begin(client)

    def _on_subscribe(
        self, _client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        if not self._subscription.answered(mid, reasons):
            return
        refused = self._subscription.refused
        self._refusal = None
        if refused:
            reason = next(iter(refused.values()))
            self._refusal = f"gives no right to read {', '.join(refused)}, ask the technician ({reason})"
        self._subscribed = not refused

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            name = message.topic
        except UnicodeDecodeError:  # no topic of Gammabox
            return
        topic = parse(name)
        if topic is not None:  # else a foreign topic below the same root
            self._inbox.append(arrival_of(topic, bytes(message.payload), retained=message.retain))
            return
        answered = parse_command(name)
        if answered is not None and answered.direction == "rsp":
            # An answer that cannot be read is none: whoever waits for it is told so after a while.
            with contextlib.suppress(ValidationError):
                self._answers.append(Response.model_validate_json(bytes(message.payload)))


def arrival_of(topic: Topic, payload: bytes, *, retained: bool) -> Arrival:
    """Return what a payload under a topic of a box is: a message, the removal of one, or unreadable.

    Examples
    --------
    >>> arrival_of(Topic("docks", "gate-1", "alarm"), b"", retained=False)
    Removed(topic=Topic(site='docks', device='gate-1', kind='alarm'))

    """
    if not payload:
        return Removed(topic)
    try:
        message = decode(topic.kind, payload)
    except MessageError as error:
        return Unreadable(topic, str(error))
    if (message.site, message.device) != (topic.site, topic.device):
        return Unreadable(topic, f"it names the box {message.site}/{message.device}")
    return Received(topic, message, retained)
