"""The command `gammabox-edge watch`: what boxes report, as a live table, lines or JSON."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING

from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edge.config.device import MqttSettings, TlsSettings
from edge.config.faults import faults_of, shown_text
from edge.control_room.board import Board, as_line
from edge.control_room.subscriber import Subscriber, Unreadable
from edge.errors import BrokerError
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.control_room.board import Box
    from edge.control_room.subscriber import Received

REFRESH_S = 0.5
AWAY = "broker: the connection is lost; what boxes report meanwhile is not known"
CONNECTED = "broker: connected again"
STYLES = {"ALARM": "bold red", "OLD ALARM": "bold red", "CHANGED": "bold yellow"}
BACKLOG = 50  # messages that wait; fewer are normal


def broker_settings(
    broker: str, *, username: str | None = None, password_file: Path | None = None, ca_file: Path | None = None
) -> MqttSettings:
    """Return the settings of a connection. `broker` is host:port; the port is 1883 by default, 8883 with TLS.

    Raises
    ------
    BrokerError
        `broker` names no broker.

    """
    bracketed = re.fullmatch(r"\[(?P<host>[^]]+)\](:(?P<port>\d+))?|(?P<name>[^:]+)(:(?P<number>\d+))?", broker)
    if bracketed is None:
        raise BrokerError(f"broker {shown_text(broker)} names no broker; write host:port, an IPv6 address in brackets")
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
        raise BrokerError(f"broker {shown_text(broker)}: {'; '.join(sentence for _, sentence in faults)}") from error


def watch(settings: MqttSettings, site: str | None, *, as_json: bool, seconds: float | None, hits: bool = True) -> None:
    """Print the messages that arrive, for `seconds` or until interrupted.

    Single hits are left out of lines where `hits` is False.

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
            _lines(subscriber, deadline, as_json=as_json, hits=hits)


def as_json_line(arrived: Received | Unreadable) -> str:
    """Return a message as a JSON object: its topic, whether it is retained, and itself or why it is unreadable."""
    if isinstance(arrived, Unreadable):
        return json.dumps({"topic": str(arrived.topic), "unreadable": arrived.reason})
    message = arrived.message.model_dump(mode="json")
    return json.dumps({"topic": str(arrived.topic), "retained": arrived.retained, "message": message}, allow_nan=False)


def picture(board: Board, *, connected: bool) -> Group:
    """Return a table of the boxes, alarms first, then boxes that are away, with remarks below it."""
    title = "Gammabox" if connected else "Gammabox: the broker is away; this was the last state"
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("box", overflow="fold")
    table.add_column("state", overflow="fold")
    table.add_column("alarm")
    for name in ("hits", "frames/s", "live"):
        table.add_column(name, justify="right", no_wrap=True)
    remarks: list[Text] = []
    for box in sorted(board.boxes.values(), key=_urgency):
        style = STYLES.get(box.alarm_state, "" if box.is_online else "yellow")
        table.add_row(*_row(box), style=style)
        remarks += [Text(f"{_name(box)}: {one_line(remark)}", style) for remark in _remarks(box)]
    return Group(table, *remarks)


def _urgency(box: Box) -> tuple[bool, bool, str, str]:
    return (not box.alarms, box.is_online, box.site, box.device)


def _name(box: Box) -> str:
    return f"{box.site}/{box.device}"


def _row(box: Box) -> tuple[str, ...]:
    alarm = box.alarm_state
    detail = box.alarm.alarm if box.alarm is not None and box.alarms else None
    if detail is not None:
        now_hz = next((rate.rate_hz for rate in detail.recent if rate.rate_hz is not None), detail.rate_hz)
        least = "≥ " * detail.lower_limit
        alarm += (
            f" since {detail.raised_utc:%H:%M:%S}Z\n{least}{now_hz:.3g} hits/s, {detail.significance_sigma:.1f} sigma"
        )
    # The last measures of a box that is away are out of date.
    health = box.health if box.is_online else None
    fps = "" if health is None else f"{health.fps:.1f}"
    live = "" if health is None or health.live_fraction is None else f"{health.live_fraction:.0%}"
    return (_name(box), box.state, alarm, str(box.hits), fps, live)


def _remarks(box: Box) -> Iterator[str]:
    """Yield what weakens an alarm, or why there is no all-clear, then the problems of the box."""
    if box.alarm_state == "learning" and box.alarm is not None:
        yield from (f"no all-clear: {reason}" for reason in box.alarm.reasons)
    if box.alarms and box.alarm is not None and box.alarm.alarm is not None:
        if box.status is not None and box.status.boot_id != box.alarm.boot_id:
            yield "the alarm is from before a restart of the box; it is neither confirmed nor cleared since"
        yield from (f"alarm weakened by: {reason}" for reason in box.alarm.alarm.weakened_by)
    if box.health is not None and box.is_online:
        yield from box.health.faults
        if box.health.outbox.depth > BACKLOG:
            yield f"{box.health.outbox.depth} messages wait for the broker"
    if box.fault is not None:
        yield f"a message that cannot be read: {box.fault}"


def _lines(subscriber: Subscriber, deadline: float | None, *, as_json: bool, hits: bool) -> None:
    connected = True
    while deadline is None or time.monotonic() < deadline:
        messages = subscriber.poll(REFRESH_S)
        if subscriber.connected != connected:
            connected = subscriber.connected
            print(CONNECTED if connected else AWAY, file=sys.stderr, flush=True)
        for arrived in messages:
            if arrived.topic.kind == "hit" and not hits:
                continue
            print(as_json_line(arrived) if as_json else as_line(arrived), flush=True)


def _live(subscriber: Subscriber, deadline: float | None) -> None:
    board = Board()
    with Live(picture(board, connected=True), console=Console(), auto_refresh=False) as live:
        while deadline is None or time.monotonic() < deadline:
            for arrived in subscriber.poll(REFRESH_S):
                board.update(arrived)
            live.update(picture(board, connected=subscriber.connected), refresh=True)
