"""The command `gammabox-edge watch`: what the control room sees, as a live table, lines or JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.console import Console
from rich.live import Live
from rich.table import Table

from edge.control_room.board import Board, in_words
from edge.control_room.subscriber import Subscriber, Unreadable
from edge.errors import BrokerError
from edge.settings import MqttSettings, TlsSettings
from edge.yaml_faults import faults_of

if TYPE_CHECKING:
    from pathlib import Path

    from edge.control_room.board import Box
    from edge.control_room.subscriber import Received

REFRESH_S = 0.5


def broker_settings(
    broker: str, *, username: str | None = None, password_file: Path | None = None, ca_file: Path | None = None
) -> MqttSettings:
    """Make the settings of a connection from what a command line gives; `broker` is host:port, the port 1883 or 8883.

    Raises
    ------
    BrokerError
        It names no broker.

    """
    bracketed = re.fullmatch(r"\[(?P<host>[^]]+)\](:(?P<port>\d+))?|(?P<name>[^:]+)(:(?P<number>\d+))?", broker)
    if bracketed is None:
        raise BrokerError(f"broker {broker!r} names no broker; write host:port, an IPv6 address in brackets")
    port = bracketed["port"] or bracketed["number"] or (1883 if ca_file is None else 8883)
    given: dict[str, object] = {
        "host": bracketed["host"] or bracketed["name"],
        "port": int(port),
        "username": username,
        "password_file": password_file,
        "tls": None if ca_file is None else TlsSettings(ca_file=ca_file),
    }
    try:
        return MqttSettings.model_validate(given)
    except ValidationError as error:
        faults = faults_of(error, MqttSettings, given)
        raise BrokerError(f"broker {broker!r}: {'; '.join(sentence for _, sentence in faults)}") from error


def watch(settings: MqttSettings, site: str | None, *, as_json: bool, seconds: float | None) -> None:
    """Print what arrives until interrupted, or for `seconds`.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses the login.

    """
    deadline = None if seconds is None else time.monotonic() + seconds
    with Subscriber(settings, site) as subscriber:
        if sys.stdout.isatty() and not as_json:
            _live(subscriber, deadline)
        else:
            _lines(subscriber, deadline, as_json=as_json)


def as_json_line(arrived: Received | Unreadable) -> str:
    """Give a message as one JSON object: topic, retained and the message as it came, or why it is unreadable."""
    if isinstance(arrived, Unreadable):
        return json.dumps({"topic": str(arrived.topic), "unreadable": arrived.reason})
    message = arrived.message.model_dump(mode="json")
    return json.dumps({"topic": str(arrived.topic), "retained": arrived.retained, "message": message})


def table(board: Board, *, connected: bool) -> Table:
    """Lay the boxes out, alarms first."""
    title = "Gammabox" if connected else "Gammabox: the broker is away, this is how it was"
    laid = Table(title=title, expand=True)
    for name in ("site", "box", "state", "alarm", "hits/s", "sigma", "hits", "frames/s", "live", "waiting", "faults"):
        laid.add_column(name, overflow="fold")
    for box in sorted(board.boxes.values(), key=lambda box: (not box.alarm_state.startswith("ALARM"), box.site)):
        laid.add_row(*_row(box), style="bold red" if box.alarm_state.startswith("ALARM") else None)
    return laid


def _row(box: Box) -> tuple[str, ...]:
    detail = box.alarm.alarm if box.alarm is not None and box.alarm_state.startswith("ALARM") else None
    health = box.health
    measures = ("", "", "", box.fault or "")
    if health is not None:
        live = "" if health.live_fraction is None else f"{health.live_fraction:.0%}"
        faults = "; ".join((*health.faults, *([box.fault] if box.fault else [])))
        measures = (f"{health.fps:.1f}", live, str(health.outbox.depth), faults)
    return (
        box.site,
        box.device,
        box.state,
        box.alarm_state,
        f"{detail.rate_hz:.2f}" if detail else "",
        f"{detail.significance_sigma:.1f}" if detail else "",
        str(box.hits),
        *measures,
    )


def _lines(subscriber: Subscriber, deadline: float | None, *, as_json: bool) -> None:
    while deadline is None or time.monotonic() < deadline:
        for arrived in subscriber.poll(REFRESH_S):
            print(as_json_line(arrived) if as_json else in_words(arrived), flush=True)


def _live(subscriber: Subscriber, deadline: float | None) -> None:
    board = Board()
    with Live(table(board, connected=True), console=Console(), auto_refresh=False) as live:
        while deadline is None or time.monotonic() < deadline:
            for arrived in subscriber.poll(REFRESH_S):
                board.take(arrived)
            live.update(table(board, connected=subscriber.connected), refresh=True)
