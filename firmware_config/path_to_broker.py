"""Checks the way from this machine to the broker link by link: name, network, TLS, rights. The first fault ends it."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

from edge.control_room.subscriber import Subscriber
from edge.doctor.finding import Finding, fault, ok, skipped
from edge.errors import BrokerError
from edge.telemetry.login import reason_of, tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.config.device import MqttSettings

REACH_S = 10.0


def path_findings(settings: MqttSettings, site: str) -> Iterator[Finding]:
    """Yield a finding for each link to the broker, as the control room goes it; nothing comes after a fault."""
    yield from _until_fault((_name, _network, _tls, _rights), settings, site)


def _until_fault(steps: tuple[object, ...], settings: MqttSettings, site: str) -> Iterator[Finding]:
    for step in steps:
        finding: Finding = step(settings, site)  # type: ignore[operator]
        yield finding
        if finding.state == "fault":
            return


def _name(settings: MqttSettings, _site: str) -> Finding:
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return fault(
            "DNS",
            f"the name {settings.host} has no address ({reason_of(error)})",
            "check broker.host in the site file, the name server, or write the address instead of the name",
        )
    return ok("DNS", f"{settings.host} is {found[0][4][0]}")


def _network(settings: MqttSettings, _site: str) -> Finding:
    place = f"{settings.host}:{settings.port}"
    try:
        socket.create_connection((settings.host, settings.port), REACH_S).close()
    except ConnectionRefusedError:
        return fault(
            "network", f"{place} refuses the connection", "start the broker (run.sh in its folder); check broker.port"
        )
    except OSError as error:
        return fault(
            "network",
            f"{place} cannot be reached ({reason_of(error)})",
            "check cable or Wi-Fi, the broker's power, and firewalls on the way",
        )
    return ok("network", f"{place} can be reached")


def _tls(settings: MqttSettings, _site: str) -> Finding:
    if settings.tls is None:
        return skipped("TLS", "the site uses none")
    place = f"{settings.host}:{settings.port}"
    try:
        context = tls_context(settings)
        assert context is not None  # noqa: S101 - as there are settings of TLS
        with (
            socket.create_connection((settings.host, settings.port), REACH_S) as plain,
            context.wrap_socket(plain, server_hostname=settings.host) as secured,
        ):
            version = secured.version()
            # With TLS 1.3 a broker refuses a certificate after the handshake, and otherwise waits for the login.
            secured.settimeout(0.5)
            try:
                if secured.recv(1) == b"":
                    return _distrusted(place, "it hangs up after the handshake")
            except TimeoutError:
                pass
    except BrokerError as error:
        return fault("TLS", str(error), "make the certificates anew: gammabox-firmware credentials create")
    except (ssl.SSLError, OSError) as error:
        return _distrusted(place, reason_of(error))
    return ok("TLS", f"{version}, certificates trusted on both sides")


def _distrusted(place: str, reason: str) -> Finding:
    return fault(
        "TLS",
        f"{place} and this machine do not trust each other ({reason})",
        "check both clocks, see credentials list, and give the broker what gammabox-firmware broker writes now",
    )


def _rights(settings: MqttSettings, site: str) -> Finding:
    try:
        Subscriber(settings, site).close()
    except BrokerError as error:
        return fault("rights", str(error), "give the broker the acl and the users that gammabox-firmware writes")
    return ok("rights", f"the control room may read site {site}")
