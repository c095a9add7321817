"""Checks of the broker: can it be reached, trusted, logged in to, and do the rights of this box suffice."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from paho.mqtt.enums import MQTTErrorCode

from edge.doctor.certificates import end_of, ends_of_file
from edge.doctor.finding import fault, ok, skipped
from edge.telemetry.login import NAMES, V3, VERSIONS, Login, disconnect, reason_of, tls_context
from edge.telemetry.topics import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import paho.mqtt.client as paho
    from paho.mqtt.enums import MQTTProtocolVersion
    from paho.mqtt.reasoncodes import ReasonCode

    from edge.config.device import DeviceSettings, MqttSettings
    from edge.doctor.finding import Finding

REACH_S = 5.0
ANSWER_S = 5.0
RENEW = timedelta(days=30)
"""A certificate that ends sooner is a fault: there has to be time to renew it."""


def connection(settings: MqttSettings) -> Iterator[Finding]:
    """Check that the broker can be reached, and that both sides trust each other where TLS is used."""
    place = f"{settings.host}:{settings.port}"
    context = tls_context(settings)
    try:
        with socket.create_connection((settings.host, settings.port), REACH_S) as plain:
            yield ok("broker", f"{place} can be reached")
            if context is None:
                yield _unencrypted(settings)
                return
            with context.wrap_socket(plain, server_hostname=settings.host) as secured:
                der = secured.getpeercert(binary_form=True)
                yield ok("TLS", f"{secured.version()}, certificate of {settings.host} trusted")
    except ssl.SSLError as error:
        yield fault(
            "TLS",
            f"{place} and this box do not trust each other ({reason_of(error)})",
            "check mqtt.tls.ca_file, the clock, and that mqtt.host is the name in the broker's certificate",
        )
    except OSError as error:
        yield fault(
            "broker", f"{place} cannot be reached ({reason_of(error)})", "check network, host, port and firewall"
        )
    else:
        if der is not None:
            yield ending("broker's certificate", end_of(der), "renew it on the broker")


def _unencrypted(settings: MqttSettings) -> Finding:
    if settings.username is None or _is_local(settings.host):
        return skipped("TLS", "not used; mqtt.tls turns it on")
    return fault("TLS", "not used: the password crosses the network in the clear", "set mqtt.tls and the broker's port")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificates(settings: MqttSettings) -> Iterator[Finding]:
    """Check when the certificates on the box end."""
    tls = settings.tls
    if tls is None:
        return
    for name, path in (("authority", tls.ca_file), ("own certificate", tls.cert_file)):
        if path is None:
            continue
        try:
            yield ending(name, min(ends_of_file(path)), f"copy a renewed file to {path}")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            yield fault(name, f"{path}: {reason}", "copy the file again")


def ending(name: str, end: datetime, remedy: str) -> Finding:
    """Return whether a certificate lasts for long enough."""
    left = end - datetime.now(timezone.utc)
    if left.total_seconds() <= 0:
        return fault(name, f"ended on {end:%Y-%m-%d}", remedy)
    if left < RENEW:
        return fault(name, f"ends on {end:%Y-%m-%d}, in {left.days} days", remedy)
    return ok(name, f"lasts until {end:%Y-%m-%d}")


def login(settings: DeviceSettings) -> Iterator[Finding]:
    """Check that the broker takes the login, and that this box may publish and read its commands.

    The client has a name of its own, so that the agent stays connected. What it publishes lies below the topic of the
    box, is not retained, and is no message of the agent.
    """
    mqtt = settings.mqtt
    place = f"{mqtt.host}:{mqtt.port}"
    versions = VERSIONS[mqtt.protocol]
    conversation = None
    for version in versions:
        conversation = _Conversation(settings, version)
        if conversation.connect() or conversation.refusal is not None:
            break
    if conversation is None or not conversation.connected:
        reason = conversation.refusal if conversation is not None and conversation.refusal else "it hangs up"
        yield fault("login", f"{place} refuses {mqtt.username or 'a box without a user'} ({reason})", _LOGIN_REMEDY)
        return
    try:
        yield ok("login", f"{mqtt.username or 'without a user'} at {place}, MQTT {NAMES[conversation.version]}")
        yield from conversation.rights()
    finally:
        conversation.close()


_LOGIN_REMEDY = "check mqtt.username, mqtt.password_file and the users of the broker"
_RIGHTS_REMEDY = "give the user of this box the rights that gammabox-firmware renders in mosquitto/acl"


class _Conversation:
    """A short connection to the broker, in the thread of the caller."""

    def __init__(self, settings: DeviceSettings, version: MQTTProtocolVersion) -> None:
        self.version = version
        self.connected = False
        self.refusal: str | None = None
        self._settings = settings
        self._topic = f"{ROOT}/{settings.site}/{settings.device}"
        self._published: ReasonCode | None = None
        self._subscribed: list[ReasonCode] = []
        self._heard = False
        client_id = f"gammabox-{settings.site}-{settings.device}-doctor"
        self._client = Login(settings.mqtt).client(client_id, version)
        self._client.on_connect = self._on_connect
        self._client.on_publish = self._on_publish
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def connect(self) -> bool:
        """Connect, and return whether the broker took the login."""
        mqtt = self._settings.mqtt
        try:
            self._client.connect(mqtt.host, mqtt.port, mqtt.keepalive_s)
            self._loop_until(lambda: self.connected or self.refusal is not None)
        except OSError as error:
            self.refusal = reason_of(error)
        if not self.connected:
            self.close()
        return self.connected

    def rights(self) -> Iterator[Finding]:
        """Publish below the box's topic, and read that and its commands."""
        self._client.subscribe(f"{self._topic}/rsp/doctor")
        self._client.publish(f"{self._topic}/rsp/doctor", b'{"doctor":true}', qos=1)
        self._loop_until(lambda: self._published is not None)
        if self._published is None:
            yield fault("publish", f"no confirmation for a message below {self._topic}/", _RIGHTS_REMEDY)
        elif self._published.is_failure:
            yield fault("publish", f"refused below {self._topic}/ ({self._published})", _RIGHTS_REMEDY)
        elif self.version == V3:
            yield skipped("publish", "MQTT 3.1.1 does not tell whether a message was refused")
        else:
            yield ok("publish", f"allowed below {self._topic}/")
        if self._published is not None and not self._published.is_failure:
            yield self._own_messages()
        self._subscribed = []
        self._client.subscribe(f"{self._topic}/cmd/#", qos=1)
        self._loop_until(lambda: bool(self._subscribed))
        refused = [str(reason) for reason in self._subscribed if reason.is_failure]
        if not self._subscribed or refused:
            yield fault(
                "commands", f"cannot read {self._topic}/cmd/# ({', '.join(refused) or 'no answer'})", _RIGHTS_REMEDY
            )
        else:
            yield ok("commands", f"may read {self._topic}/cmd/#")

    def _own_messages(self) -> Finding:
        """Return whether the box may read what the broker keeps of it, which tells what a broker that died forgot."""
        self._loop_until(lambda: self._heard)
        if self._heard:
            return ok("own messages", f"may read {self._topic}/#")
        return fault("own messages", f"cannot read {self._topic}/#", _RIGHTS_REMEDY)

    def close(self) -> None:
        """Disconnect."""
        disconnect(self._client)

    def _loop_until(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + ANSWER_S
        while not is_done() and time.monotonic() < deadline:
            if self._client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, reason: ReasonCode, _properties: object
    ) -> None:
        self.connected = not reason.is_failure
        if reason.is_failure and reason.getName() != "Unsupported protocol version":
            self.refusal = str(reason)

    def _on_publish(
        self, _client: paho.Client, _data: object, _mid: int, reason: ReasonCode, _properties: object
    ) -> None:
        self._published = reason

    def _on_subscribe(
        self, _client: paho.Client, _data: object, _mid: int, reasons: list[ReasonCode], _properties: object
    ) -> None:
        self._subscribed = reasons

    def _on_message(self, _client: paho.Client, _data: object, _message: paho.MQTTMessage) -> None:
        self._heard = True
