"""The command `gammabox-edge watch`: what boxes report, as a live view, lines or JSON."""

from __future__ import annotations

import importlib
import json
import sys
import time
from typing import TYPE_CHECKING

from edge.control_room.arrivals import Received, Unreadable
from edge.control_room.board import Board
from edge.control_room.subscriber import Subscriber
from edge.control_room.watch.alarm_command import AlarmCommand
from edge.control_room.watch.attention import Attention
from edge.control_room.watch.feed import Listener, control_room_clock
from edge.control_room.watch.outage import RETURN_S
from edge.control_room.watch.plain import Reporter
from edge.errors import GammaboxError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from edge.commands.broker import BrokerOptions
    from edge.commands.watch_options import WatchOptions
    from edge.control_room.arrivals import Arrival
    from edge.telemetry.topics import Kind

    Clock = Callable[[], datetime]

REFRESH_S = 0.5
AWAY = "broker: the connection is lost; what boxes report meanwhile is not known"
CONNECTED = "broker: connected again"
VIEW_KINDS: tuple[Kind, ...] = ("status", "info", "health", "alarm")
KEEPALIVE_S = 5
"""A view has to notice soon that the network is gone: after twice this time."""
COMMANDS_END_S = 5.0


def watch(broker: BrokerOptions, options: WatchOptions) -> None:
    """Show what arrives, until interrupted or for the seconds of the options.

    Raises
    ------
    GammaboxError
        The broker cannot be reached or refuses the login, the command for alarms cannot be used, or a package that the
        view needs is missing.

    """
    command = None if options.on_alarm is None else AlarmCommand(options.on_alarm)
    clock = control_room_clock()
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not options.as_json
    if on_terminal:
        require_view()
    kinds = None if options.as_json else VIEW_KINDS
    with Subscriber(broker.settings(), broker.site, kinds=kinds, keepalive_s=KEEPALIVE_S) as subscriber:
        if on_terminal:
            _view(subscriber, broker, options, command, clock)
        else:
            _lines(subscriber, options.seconds, options, command, clock)


def require_view() -> None:
    """Raise an error that names the extra, where the package for the view is missing."""
    try:
        importlib.import_module("textual")
    except ImportError:
        raise GammaboxError(
            "the view needs the package textual; install gammabox[control-room], or send the output through a pipe "
            "for a line for each alarm and fault"
        ) from None


def as_json_line(arrived: Arrival) -> str:
    """Return an arrival as a JSON object: its topic, and the message, why it is unreadable, or that it is removed."""
    if isinstance(arrived, Unreadable):
        return json.dumps({"topic": str(arrived.topic), "unreadable": arrived.reason})
    if not isinstance(arrived, Received):
        return json.dumps({"topic": str(arrived.topic), "removed": True})
    message = arrived.message.model_dump(mode="json")
    return json.dumps({"topic": str(arrived.topic), "retained": arrived.retained, "message": message}, allow_nan=False)


class _Announcer:
    """Runs the command of the control room for each new alarm and overload; what goes wrong with it goes to stderr."""

    def __init__(self, command: AlarmCommand | None) -> None:
        self._command = command
        self._attention = Attention()

    def look(self, board: Board, now: datetime) -> None:
        """Run the command for alarms and overloads that are new."""
        if self._command is None:
            return
        for view in self._attention.new_alarms(board.views(now)):
            self._command.start(view)
        for problem in self._command.problems():
            print(problem, file=sys.stderr, flush=True)


def _lines(
    subscriber: Subscriber, seconds: float | None, options: WatchOptions, command: AlarmCommand | None, clock: Clock
) -> None:
    """Print messages as JSON, or alarms and faults as lines; the states of the connection go to stderr."""
    board, reporter, announcer = Board(), Reporter(), _Announcer(command)
    deadline = None if seconds is None else time.monotonic() + seconds
    connected, due_s = True, time.monotonic() + REFRESH_S
    refusal: str | None = None
    while deadline is None or time.monotonic() < deadline:
        for arrived in subscriber.poll(REFRESH_S / 2):
            board.update(arrived, clock())
            if options.as_json and (options.hits or arrived.topic.kind != "hit"):
                print(as_json_line(arrived), flush=True)
        if subscriber.connected != connected:
            connected = subscriber.connected
            due_s = time.monotonic() + RETURN_S
            print(CONNECTED if connected else AWAY, file=sys.stderr, flush=True)
        if subscriber.refusal != refusal:
            refusal = subscriber.refusal
            if refusal is not None:
                print(f"broker: it {refusal}; start watch again", file=sys.stderr, flush=True)
        # What the broker keeps of a box arrives in any order, so a box is not judged by the first piece.
        if connected and time.monotonic() >= due_s:
            due_s = time.monotonic() + REFRESH_S
            announcer.look(board, clock())
            for line in () if options.as_json else reporter.lines(board, clock()):
                print(line, flush=True)
    if command is not None:
        command.wait(COMMANDS_END_S)


def _view(
    subscriber: Subscriber, broker: BrokerOptions, options: WatchOptions, command: AlarmCommand | None, clock: Clock
) -> None:
    from edge.control_room.watch.app import WatchApp

    listener = Listener(subscriber, clock)
    listener.start()
    try:
        app = WatchApp(listener, clock, broker=broker.broker, site=broker.site, on_alarm=command, bell=options.bell)
        if options.seconds is not None:
            app.end_after(options.seconds)
        app.run()
    finally:
        listener.close()
