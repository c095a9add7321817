"""The last step of the demonstration: what arrived, as a guard sees it on the screen of `gammabox-edge watch`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console

from edge.control_room.board import Board
from edge.control_room.watch.app import WatchApp
from edge.control_room.watch.feed import News
from edge.control_room.watch.still import still
from edge.telemetry.messages import AlarmMessage

if TYPE_CHECKING:
    from datetime import datetime

    from edge.control_room.arrivals import Received
    from edge.telemetry.commands import Command
    from edge.telemetry.topics import CommandTopic

OPEN_S = 60.0
PICTURE_COLUMNS = 110


def show(arrived: list[Received], site: str) -> None:
    """Show the view at the last moment of the alarm: on a terminal until q or for a minute, elsewhere as lines."""
    kept = until_alarm(arrived)
    if not kept:
        return
    now = kept[-1].message.utc
    if sys.stdin.isatty() and sys.stdout.isatty():
        app = WatchApp(Replay(kept), lambda: now, broker="the demonstration's broker", site=site, bell=False)
        app.end_after(OPEN_S)
        app.run()
        return
    board = Board()
    for received in kept:
        board.update(received, received.message.utc)
    console = Console(width=PICTURE_COLUMNS, highlight=False, soft_wrap=True)
    for line in still(board, now, PICTURE_COLUMNS):
        console.print(line)


def until_alarm(arrived: list[Received]) -> list[Received]:
    """Return what had arrived when the alarm last spoke; all where none stood."""
    standing = [
        place
        for place, received in enumerate(arrived)
        if isinstance(received.message, AlarmMessage) and received.message.state in {"raised", "updated", "changed"}
    ]
    return arrived[: standing[-1] + 1] if standing else arrived


class Replay:
    """What arrived, as a feed of the view, all at once."""

    def __init__(self, arrived: list[Received]) -> None:
        self._arrivals: tuple[tuple[datetime, Received], ...] = tuple((each.message.utc, each) for each in arrived)

    def take(self) -> News:
        """Return everything at the first call."""
        news = News(self._arrivals, (), connected=True)
        self._arrivals = ()
        return news

    def send(self, topic: CommandTopic, command: Command) -> None:
        """Send nothing: the agent of the demonstration has ended."""
