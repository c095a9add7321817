"""The options of a connection to the broker, shared by the commands of the control room."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer
from pydantic import ValidationError

from edge.config.device import MqttSettings
from edge.config.faults import faults_of, shown_text
from edge.errors import BrokerError


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Where the broker is, and who logs in there."""

    panel: ClassVar[str] = "Broker"

    broker: Annotated[str, typer.Option(help="The broker as host:port; the port is 1883, with TLS 8883.")] = "localhost"
    site: Annotated[str | None, typer.Option(help="Only this site; all sites by default.")] = None
    username: Annotated[str | None, typer.Option(help="User name at the broker.")] = None
    password_file: Annotated[Path | None, typer.Option(help="File whose first line is the password.")] = None
    ca_file: Annotated[
        Path | None, typer.Option(help="PEM file of the broker's certificate authority. It turns TLS on.")
    ] = None
    cert_file: Annotated[Path | None, typer.Option(help="PEM file of the client's certificate, with TLS.")] = None
    key_file: Annotated[Path | None, typer.Option(help="PEM file of the client's key.")] = None

    def settings(self) -> MqttSettings:
        """Return the settings of the connection.

        Raises
        ------
        BrokerError
            `broker` names no broker, or the login is not whole.

        """
        return broker_settings(
            self.broker,
            username=self.username,
            password_file=self.password_file,
            ca_file=self.ca_file,
            cert_file=self.cert_file,
            key_file=self.key_file,
        )


def broker_settings(
    broker: str,
    *,
    username: str | None = None,
    password_file: Path | None = None,
    ca_file: Path | None = None,
    cert_file: Path | None = None,
    key_file: Path | None = None,
) -> MqttSettings:
    """Return the settings of a connection. `broker` is host:port; the port is 1883 by default, 8883 with TLS.

    Raises
    ------
    BrokerError
        `broker` names no broker, or the login is not whole.

    Examples
    --------
    >>> settings = broker_settings("broker.example:2000")
    >>> settings.host, settings.port
    ('broker.example', 2000)

    """
    bracketed = re.fullmatch(r"\[(?P<host>[^]]+)\](:(?P<port>\d+))?|(?P<name>[^:]+)(:(?P<number>\d+))?", broker)
    if bracketed is None:
        raise BrokerError(f"broker {shown_text(broker)} names no broker; write host:port, an IPv6 address in brackets")
    if ca_file is None and (cert_file is not None or key_file is not None):
        raise BrokerError("a client's certificate needs TLS; name the broker's authority with --ca-file as well")
    port = bracketed["port"] or bracketed["number"] or (1883 if ca_file is None else 8883)
    tls = None if ca_file is None else {"ca_file": ca_file, "cert_file": cert_file, "key_file": key_file}
    given: dict[str, object] = {
        "host": bracketed["host"] or bracketed["name"],
        "port": int(port),
        "username": username,
        "password_file": password_file,
        "tls": tls,
    }
    try:
        return MqttSettings.model_validate(given)
    except ValidationError as error:
        faults = faults_of(error, MqttSettings, given)
        raise BrokerError(f"broker {shown_text(broker)}: {'; '.join(sentence for _, sentence in faults)}") from error
