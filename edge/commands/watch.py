"""The command `gammabox-edge watch`: what boxes report, as a live view, lines or JSON."""

from __future__ import annotations

import json
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from edge.control_room.arrivals import Received, Unreadable
from edge.control_room.board import Board
from edge.control_room.subscriber import Subscriber
from edge.control_room.watch.plain import Reporter
from edge.control_room.watch.rows import columns_for, counts_line, details, heading, row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.config.device import MqttSettings
    from edge.control_room.arrivals import Arrival

REFRESH_S = 0.5
AWAY = "broker: the connection is lost; what boxes report meanwhile is not known"
CONNECTED = "broker: connected again"


def watch(settings: MqttSettings, site: str | None, *, as_json: bool, seconds: float | None, hits: bool = True) -> None:
    """Show what arrives, for `seconds` or until interrupted.

    Single hits are left out of JSON where `hits` is False.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses the login.

    """
    deadline = None if seconds is None else time.monotonic() + seconds
    with Subscriber(settings, site) as subscriber:
        if as_json:
            _json_lines(subscriber, deadline, hits=hits)
        elif sys.stdout.isatty():
            _live(subscriber, deadline)
        else:
            _plain_lines(subscriber, deadline)


def as_json_line(arrived: Arrival) -> str:
    """Return an arrival as a JSON object: its topic, and the message, why it is unreadable, or that it is removed."""
    if isinstance(arrived, Unreadable):
        return json.dumps({"topic": str(arrived.topic), "unreadable": arrived.reason})
    if not isinstance(arrived, Received):
        return json.dumps({"topic": str(arrived.topic), "removed": True})
    message = arrived.message.model_dump(mode="json")
    return json.dumps({"topic": str(arrived.topic), "retained": arrived.retained, "message": message}, allow_nan=False)


def control_room_clock() -> Callable[[], datetime]:
    """Return a clock in UTC that a step of the machine's time does not disturb."""
    started, started_s = datetime.now(timezone.utc), time.monotonic()
    return lambda: started + timedelta(seconds=time.monotonic() - started_s)


def _json_lines(subscriber: Subscriber, deadline: float | None, *, hits: bool) -> None:
    for messages in _polls(subscriber, deadline):
        for arrived in messages:
            if hits or arrived.topic.kind != "hit":
                print(as_json_line(arrived), flush=True)


def _plain_lines(subscriber: Subscriber, deadline: float | None) -> None:
    board, reporter, clock = Board(), Reporter(), control_room_clock()
    due_s = time.monotonic() + REFRESH_S
    for messages in _polls(subscriber, deadline):
        for arrived in messages:
            board.update(arrived, clock())
        # What the broker keeps of a box arrives in any order, so a box is not judged by the first piece.
        if subscriber.connected and time.monotonic() >= due_s:
            due_s = time.monotonic() + REFRESH_S
            for line in reporter.lines(board, clock()):
                print(line, flush=True)


def _polls(subscriber: Subscriber, deadline: float | None) -> Iterator[list[Arrival]]:
    """Yield what has arrived, several times a second; the states of the connection go to stderr."""
    connected = True
    while deadline is None or time.monotonic() < deadline:
        yield subscriber.poll(REFRESH_S)
        if subscriber.connected != connected:
            connected = subscriber.connected
            print(CONNECTED if connected else AWAY, file=sys.stderr, flush=True)


def _live(subscriber: Subscriber, deadline: float | None) -> None:
    board, clock, console = Board(), control_room_clock(), Console()
    with Live(console=console, auto_refresh=False) as live:
        while deadline is None or time.monotonic() < deadline:
            for arrived in subscriber.poll(REFRESH_S):
                board.update(arrived, clock())
            live.update(_picture(board, clock(), console.width, connected=subscriber.connected), refresh=True)


def _picture(board: Board, now: datetime, width: int, *, connected: bool) -> Group:
    views = board.views(now)
    columns = columns_for(width, views)
    title = "Gammabox" if connected else "Gammabox: the broker is away; this was the last state"
    shown = [view for view in views if view.urgency != "calm"][:3]
    return Group(
        Text(title),
        counts_line(board.counts(views)),
        heading(columns),
        *(row(view, columns, now) for view in views),
        *(line for view in shown for line in details(view, now)),
    )
