"""The command `gammabox-edge forget`: removes what a retired box has left behind at the broker."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from edge.commands.console import EXIT_CHECK_FAILED
from edge.control_room.conversation import Conversation
from edge.control_room.retired import remains_of, remove
from edge.errors import BrokerError
from edge.text import counted, one_line

if TYPE_CHECKING:
    from edge.config.device import MqttSettings


def run(settings: MqttSettings, device: str, site: str | None, *, yes: bool) -> int:
    """Show what a box has left behind, ask, and remove it. Return the exit code.

    Raises
    ------
    BrokerError
        The broker cannot be reached or refuses, the box is online, or boxes of several sites have this id.

    """
    with Conversation(settings) as conversation:
        found = remains_of(conversation, device, site)
        if not found:
            print(f"{device}: nothing of it stands at the broker")
            return 0
        if len(found) > 1:
            sites = ", ".join(each.site for each in found)
            raise BrokerError(f"boxes of several sites are called {device} ({sites}); choose one with --site")
        (remains,) = found
        if remains.online:
            raise BrokerError(f"{remains.site}/{device} is online and would send all again; switch it off first")
        for topic in remains.topics:
            print(one_line(topic))
        if not yes and not _confirmed(f"Remove {counted(len(remains.topics), 'retained message')}? [y/N] "):
            sys.stderr.write("nothing was removed; --yes removes without asking\n")
            return EXIT_CHECK_FAILED
        remove(conversation, remains)
    print(f"{remains.site}/{device}: {counted(len(remains.topics), 'retained message')} removed")
    return 0


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        return False
    return input(question).strip().lower() in {"y", "yes"}
