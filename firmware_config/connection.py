"""The connection of a site's control room to its broker, with the certificate from the credentials."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.config.device import MqttSettings, TlsSettings
from edge.control_room.arrivals import Received
from edge.control_room.subscriber import Subscriber
from edge.telemetry.messages import Info
from firmware_config.errors import CredentialsError
from firmware_config.folder import AUTHORITY, place_of
from firmware_config.keyring import CONTROL_ROOM

if TYPE_CHECKING:
    from pathlib import Path

    from firmware_config.site import Site

QUIET_S = 1.0
"""Retained messages come at once after a subscription; so long a silence means that all have come."""


def control_room_settings(site: Site, credentials: Path, password_file: Path | None = None) -> MqttSettings:
    """Return the settings with which the control room of a site connects.

    Raises
    ------
    CredentialsError
        The site uses TLS and the control room's certificate is missing, or it does not and there is no password.

    """
    broker = site.broker
    if not broker.tls:
        if password_file is None:
            raise CredentialsError(f"site {site.site} uses no TLS; give the password of {CONTROL_ROOM} in a file")
        return MqttSettings(host=broker.host, port=broker.port, username=CONTROL_ROOM, password_file=password_file)
    place = place_of(credentials, "control-room", CONTROL_ROOM)
    for path in (credentials / AUTHORITY, place.certificate, place.key):
        if not path.exists():
            raise CredentialsError(f"{path}: is missing; make it with: gammabox-firmware credentials create")
    tls = TlsSettings(ca_file=credentials / AUTHORITY, cert_file=place.certificate, key_file=place.key)
    return MqttSettings(host=broker.host, port=broker.port, tls=tls)


def connected_certificates(settings: MqttSettings, site: str, patience_s: float = 10.0) -> dict[str, str]:
    """Return the SHA-256 of the certificate with which each box of a site has connected last, as the boxes say.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses the login.

    """
    prints: dict[str, str] = {}
    deadline = time.monotonic() + patience_s
    with Subscriber(settings, site) as subscriber:
        while time.monotonic() < deadline and (arrived := subscriber.poll(QUIET_S)):
            for each in arrived:
                if isinstance(each, Received) and isinstance(each.message, Info) and each.message.certificate_sha256:
                    prints[each.topic.device] = each.message.certificate_sha256
    return prints
