"""What systemd wants to hear from a service: READY, WATCHDOG, STOPPING (sd_notify(3), over a plain socket)."""

from __future__ import annotations

import logging
import os
import socket

log = logging.getLogger(__name__)


class Notifier:
    """Talks to systemd where it listens, and to nobody elsewhere.

    Parameters
    ----------
    environment : mapping
        NOTIFY_SOCKET and WATCHDOG_USEC as systemd sets them; os.environ by default.

    """

    def __init__(self, environment: dict[str, str] | None = None) -> None:
        known = dict(os.environ) if environment is None else environment
        self._address = known.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _seconds(known.get("WATCHDOG_USEC", ""))

    def tell(self, state: str) -> None:
        """Send one line such as READY=1; a systemd that does not listen is no reason to stop."""
        if not self._address:
            return
        # An address that begins with @ lies in Linux's abstract namespace, written with a leading zero byte.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                channel.sendto(state.encode(), address)
        except OSError as error:
            log.warning("systemd at %s cannot be told %s (%s)", self._address, state, error)


def _seconds(microseconds: str) -> float | None:
    return int(microseconds) / 1e6 if microseconds.isdecimal() and int(microseconds) > 0 else None
