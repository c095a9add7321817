"""The login of an MQTT client: protocol version, TLS, user and password."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.errors import BrokerError

if TYPE_CHECKING:
    from edge.config.device import MqttSettings

CONNECT_TIMEOUT_S = 10.0
MAX_PASSWORD_BYTES = 1 << 16  # of the whole file, as MQTT knows no longer password
V5 = MQTTProtocolVersion.MQTTv5
V3 = MQTTProtocolVersion.MQTTv311
NAMES = {V5: "5", V3: "3.1.1"}


class Login:
    """Makes MQTT clients with the user, the password and the certificates of the settings.

    Raises
    ------
    BrokerError
        The file of the password or of a certificate cannot be read.

    """

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._password = read_password(settings)
        self._tls = tls_context(settings)

    def client(self, client_id: str, protocol: MQTTProtocolVersion, *, keeps_session: bool = False) -> paho.Client:
        """Return a client that is not connected yet.

        With `keeps_session` the broker keeps messages while the client is away, and the client confirms each itself.
        """
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            protocol=protocol,
            clean_session=None if protocol == V5 else not keeps_session,
            manual_ack=keeps_session,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if self._settings.username is not None:
            client.username_pw_set(self._settings.username, self._password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        return client


def reason_of(error: Exception) -> str:
    """Return the reason of an error of the system or of TLS, without its numbers and names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def read_password(settings: MqttSettings) -> str | None:
    """Return the first line of the password file; None where the settings name no file."""
    if settings.password_file is None:
        return None
    path = settings.password_file
    try:
        with path.open("rb") as file:
            content = file.read(MAX_PASSWORD_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:
        # The name is not shown: the password itself may have been written in its place.
        raise BrokerError(
            "mqtt.password_file names a file that is not there; write the path of the file that holds the password"
        ) from error
    except OSError as error:
        raise BrokerError(f"password file {path} cannot be read ({reason_of(error)}); check it") from error
    if len(content) > MAX_PASSWORD_BYTES:
        raise BrokerError(f"password file {path} has more than {MAX_PASSWORD_BYTES} bytes; name that of the password")
    try:
        first = content.decode("utf-8-sig").partition("\n")[0].removesuffix("\r")
    except UnicodeDecodeError:
        raise BrokerError(f"password file {path} is not UTF-8; save it as UTF-8") from None
    if not first:
        raise BrokerError(f"password file {path} is empty; write the password in its first line")
    if "\0" in first:
        raise BrokerError(f"password file {path} holds no text; save it as UTF-8")
    return first


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Return the context of an encrypted connection; None where the settings have no `tls`."""
    tls = settings.tls
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ValueError) as error:
        names = [str(name) for name in (tls.ca_file, tls.cert_file, tls.key_file) if name is not None]
        raise BrokerError(f"TLS files {', '.join(names)} cannot be used ({reason_of(error)}); check them") from error
    return context
