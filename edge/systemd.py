"""Notifications of a service to systemd: READY, WATCHDOG and STOPPING (sd_notify(3) over a plain socket)."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


class Notifier:
    """Sends notifications to systemd, and does nothing where the process is no service.

    Parameters
    ----------
    environment : mapping
        Holds NOTIFY_SOCKET and WATCHDOG_USEC, as systemd sets them. It is os.environ by default.

    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        known = dict(os.environ) if environment is None else environment
        self._address = known.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _seconds(known.get("WATCHDOG_USEC", ""))

    def notify(self, state: str) -> None:
        """Send a line such as READY=1. A failure is only logged."""
        if not self._address:
            return
        # An address that begins with @ is in the abstract namespace of Linux, which starts with a zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto(state.encode(), address)
        except OSError as error:
            log.warning("cannot notify systemd at %s of %s (%s)", self._address, state, error)


def _seconds(microseconds: str) -> float | None:
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) > 0 else None
