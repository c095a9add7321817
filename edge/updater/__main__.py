"""The tool of a box with the commands of the updater, which systemd starts: parses, calls, prints."""

from __future__ import annotations

import logging
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.installer import __main__ as installer
from edge.updater.disk import Disk
from edge.updater.download import Server, context_of
from edge.updater.errors import UpdaterError
from edge.updater.layout import Layout
from edge.updater.machine import Surroundings
from edge.updater.report import read_report
from edge.updater.run import Updater, locked
from edge.updater.service import Systemd
from edge.updater.state import load_state

if TYPE_CHECKING:
    import argparse

REACH_S = 3.0


def main() -> None:
    """Entry point of the tool."""
    logging.basicConfig(level="INFO", format="%(message)s", stream=sys.stderr)
    parser, adding = installer.commands()
    for name, call, words in (
        ("update", _update, "take up the release that is offered, or go on with the one on trial"),
        ("recover", _recover, "bring slots in order at the start of the box, before the agent starts"),
        ("status", _status, "show how it stands with updates"),
    ):
        command = adding.add_parser(name, help=words)
        command.add_argument("--root", type=Path, default=Path("/"), help="folder to work below, instead of /")
        command.set_defaults(call=call)
    adding.choices["install"].set_defaults(call=_install)
    installer.call(parser)


def _update(options: argparse.Namespace) -> None:
    _updater(options.root).run()


def _recover(options: argparse.Namespace) -> None:
    _updater(options.root).recover()


def _status(options: argparse.Namespace) -> None:
    layout = Layout(options.root.absolute())
    state, report = load_state(layout.own), read_report(layout.own)
    if state is None:
        print("no update so far")
        return
    print(f"slot {state.active} is good; phase {state.phase}")
    if report is not None:
        reason = f": {report.reason}" if report.reason else ""
        print(f"release {report.release} is {report.step.replace('_', ' ')} since {report.utc}{reason}")


def _install(options: argparse.Namespace) -> None:
    """Install by hand, but not while a release is on trial: its slot would be taken from it."""
    layout = Layout(options.root.absolute())
    with locked(layout, Disk()):
        state = load_state(layout.own)
        if state is not None and state.phase != "idle":
            raise UpdaterError("a release is on trial on this box; wait for its end: gammabox-box.pyz status")
        installer.install_command(options)


def _updater(root: Path) -> Updater:
    layout = Layout(root.absolute())
    around = Surroundings(Systemd(), reachable=is_reachable)
    return Updater(layout, Disk(), around, Server(context_of(layout.authority)))


def is_reachable(broker: tuple[str, int]) -> bool:
    """Return whether a server at a host and port takes connections."""
    try:
        with socket.create_connection(broker, timeout=REACH_S):
            return True
    except (OSError, UnicodeError):
        return False


if __name__ == "__main__":
    main()
