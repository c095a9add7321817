"""The login of an MQTT client: protocol version, TLS, user and password."""

from __future__ import annotations

import hashlib
import re
import ssl
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from edge.errors import BrokerError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config.device import MqttSettings, TlsSettings

CONNECT_TIMEOUT_S = 10.0
GOODBYE_S = 0.1
MAX_PASSWORD_BYTES = 1 << 16  # of the whole file, as MQTT knows no longer password
NEXT_CERTIFICATE = "next.crt"
NEXT_KEY = "next.key"
V5 = MQTTProtocolVersion.MQTTv5
V3 = MQTTProtocolVersion.MQTTv311
NAMES = {V5: "5", V3: "3.1.1"}
VERSIONS = {"auto": (V5, V3), "5": (V5,), "3.1.1": (V3,)}
"""The versions of MQTT to try one after the other, by `MqttSettings.protocol`."""


class Login:
    """Makes MQTT clients with the user, the password and the certificates of the settings.

    A new certificate, `next.crt` and `next.key` beside the one of the settings, is tried first. Where the broker
    refuses it, the old one is used, and the other way round. So certificates can be changed without a visit.

    Raises
    ------
    BrokerError
        The file of the password or of a certificate cannot be read.

    """

    def __init__(self, settings: MqttSettings) -> None:
        self._settings = settings
        self._password = read_password(settings)
        self._tls = tls_context(settings)
        self._old = False
        self._turned = False
        self.certificate_sha256: str | None = None

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
            client.tls_set_context(self._context())
        return client

    def accepted(self) -> None:
        """Note that the broker has taken the login with the present certificate."""
        self._turned = False

    def turn(self) -> bool:
        """Use the other certificate after a refusal. Return False where there is none, or where both were refused."""
        if self._turned or next_pair(self._settings) is None:
            self._turned = False
            return False
        self._turned, self._old = True, not self._old
        return True

    def _context(self) -> ssl.SSLContext | None:
        """Return the context with the certificate to try. That of the next one is read when it is needed."""
        pair = None if self._old else next_pair(self._settings)
        context = self._tls
        if pair is not None and self._settings.tls is not None:
            try:
                context = tls_context(self._settings.model_copy(update={"tls": pair}))
            except BrokerError:  # half copied, perhaps; the old one still works
                pair = None
        used = pair or self._settings.tls
        self.certificate_sha256 = None if used is None or used.cert_file is None else fingerprint(used.cert_file)
        return context


def disconnect(client: paho.Client) -> None:
    """Take leave of the broker, and close the connection as soon as that is sent."""
    client.disconnect()
    client.loop(GOODBYE_S)


def expiring(expiry_s: int | None, protocol: MQTTProtocolVersion) -> Properties | None:
    """Return the properties of a message that the broker drops after a time; None where it does not, as in 3.1.1."""
    if expiry_s is None or protocol != V5:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.MessageExpiryInterval = expiry_s
    return properties


def next_pair(settings: MqttSettings) -> TlsSettings | None:
    """Return the TLS settings with the next certificate of the box; None where none lies beside the present one."""
    tls = settings.tls
    if tls is None or tls.cert_file is None:
        return None
    pair = {"cert_file": tls.cert_file.with_name(NEXT_CERTIFICATE), "key_file": tls.cert_file.with_name(NEXT_KEY)}
    return tls.model_copy(update=pair) if all(path.is_file() for path in pair.values()) else None


def fingerprint(path: Path) -> str | None:
    """Return the SHA-256 of the first certificate in a PEM file; None where it cannot be read."""
    try:
        block = re.search(
            r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", path.read_text("ascii"), re.DOTALL
        )
    except (OSError, ValueError):
        return None
    return None if block is None else hashlib.sha256(ssl.PEM_cert_to_DER_cert(block[0])).hexdigest()


def reason_of(error: Exception) -> str:
    """Return the reason of an error of the system or of TLS, without its numbers and names."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).lower().replace("_", " ")
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)


def distrusts(error: Exception) -> bool:
    """Return whether two ends do not trust each other. A connection that is cut within the handshake is none of it.

    Examples
    --------
    >>> distrusts(ssl.SSLCertVerificationError("expired")), distrusts(ssl.SSLEOFError("cut"))
    (True, False)

    """
    return isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError)


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


class _ClosingSocket(ssl.SSLSocket):
    """Closes itself when the handshake fails, which paho leaves to whoever collects the garbage."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as the library has it
        try:
            super().do_handshake(block)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise  # it goes on later
        except OSError:
            self.close()
            raise


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """Return a context for clients of MQTT that trusts an authority, or those of the system.

    A connection whose handshake fails is closed. Raises OSError where the file cannot be used.
    """
    context = ssl.create_default_context(cafile=ca_file)
    context.sslsocket_class = _ClosingSocket
    return context


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Return the context of an encrypted connection; None where the settings have no `tls`."""
    tls = settings.tls
    if tls is None:
        return None
    try:
        context = trusting(tls.ca_file)
        if tls.cert_file is not None:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ValueError) as error:
        names = [str(name) for name in (tls.ca_file, tls.cert_file, tls.key_file) if name is not None]
        raise BrokerError(f"TLS files {', '.join(names)} cannot be used ({reason_of(error)}); check them") from error
    return context
