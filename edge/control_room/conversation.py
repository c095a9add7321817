"""A short conversation with a broker: subscribe, publish, read what comes, in the thread of the caller."""

from __future__ import annotations

import secrets
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode

from edge.errors import BrokerError
from edge.telemetry.login import NAMES, VERSIONS, Login, disconnect, reason_of

if TYPE_CHECKING:
    from types import TracebackType

    import paho.mqtt.client as paho
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.reasoncodes import ReasonCode
    from typing_extensions import Self

    from edge.config.device import MqttSettings

ANSWER_S = 10.0
LOOP_S = 0.05


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as it came."""

    topic: str
    payload: bytes
    retained: bool


class Conversation:
    """A connection that is used for a few messages and then closed.

    Parameters
    ----------
    settings : MqttSettings

    Raises
    ------
    BrokerError
        The broker cannot be reached, refuses the login, or is lost.

    """

    def __init__(self, settings: MqttSettings) -> None:
        self._place = f"{settings.host}:{settings.port}"
        self._login = Login(settings)
        self._heard: list[Heard] = []
        self._answers: dict[int, ReasonCode] = {}
        versions = VERSIONS[settings.protocol]
        refusal = None
        for version in versions:
            self._client, reason = self._opened(settings, version)
            if reason is not None and not reason.is_failure:
                return
            disconnect(self._client)
            refusal = reason or refusal
        tried = " and ".join(NAMES[version] for version in versions)
        problem = str(refusal or f"it hangs up on MQTT {tried}")
        raise BrokerError(f"broker {self._place} refuses the login ({problem}); check user, password and TLS")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        disconnect(self._client)

    def subscribe(self, filters: list[str]) -> None:
        """Subscribe. What is retained comes again with each call."""
        _, mid = self._client.subscribe([(each, 1) for each in filters])
        reason = self._answer(mid)
        if reason is not None and reason.is_failure:
            raise BrokerError(f"broker {self._place}: no right to read {', '.join(filters)} ({reason})")

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> str | None:
        """Publish and wait for the confirmation. Return why the broker refuses it; None where it does not.

        A broker of MQTT 3.1.1 does not say that it refuses.
        """
        mid = self._client.publish(topic, payload, qos=1, retain=retain).mid
        reason = self._answer(mid)
        return str(reason) if reason is not None and reason.is_failure else None

    def hear(self, patience_s: float) -> list[Heard]:
        """Return what has come, after waiting for the whole time unless something came before."""
        deadline = time.monotonic() + patience_s
        while not self._heard and time.monotonic() < deadline:
            self._loop()
        heard, self._heard = self._heard, []
        return heard

    def _opened(self, settings: MqttSettings, version: MQTTProtocolVersion) -> tuple[paho.Client, ReasonCode | None]:
        answers: list[ReasonCode] = []
        client = self._login.client(f"gammabox-room-{secrets.token_hex(6)}", version)
        client.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
        client.on_subscribe = lambda _client, _data, mid, reasons, _properties: self._note(mid, reasons)
        client.on_publish = lambda _client, _data, mid, reason, _properties: self._note(mid, [reason])
        client.on_message = self._on_message
        try:
            client.connect(settings.host, settings.port, settings.keepalive_s)
        except ssl.SSLError as error:
            raise BrokerError(f"broker {self._place}: no trusted TLS connection ({reason_of(error)})") from error
        except OSError as error:
            raise BrokerError(
                f"broker {self._place} cannot be reached ({reason_of(error)}); check host and port"
            ) from error
        deadline = time.monotonic() + ANSWER_S
        while not answers and time.monotonic() < deadline:
            if client.loop(LOOP_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                break
        return client, answers[0] if answers else None

    def _note(self, mid: int, reasons: list[ReasonCode]) -> None:
        self._answers[mid] = next((reason for reason in reasons if reason.is_failure), reasons[0])

    def _on_message(self, _client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no topic of ours
            return
        self._heard.append(Heard(topic, bytes(message.payload), message.retain))

    def _answer(self, mid: int | None) -> ReasonCode | None:
        deadline = time.monotonic() + ANSWER_S
        while mid is not None and mid not in self._answers:
            if time.monotonic() > deadline:
                raise BrokerError(f"broker {self._place} does not answer within {ANSWER_S:.0f} s")
            self._loop()
        return None if mid is None else self._answers.pop(mid)

    def _loop(self) -> None:
        if self._client.loop(LOOP_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise BrokerError(f"broker {self._place} was lost")
