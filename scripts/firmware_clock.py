"""A time server for `make check-firmware`: it answers as SNTP (RFC 4330) asks for, with the clock of this machine."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time

SINCE_1900 = 2_208_988_800
PORT = 123


class TimeServer:
    """Answers requests for the time in a thread until it is closed; counts them, and notes when the first one came."""

    def __init__(self, host: str) -> None:
        self.answers, self.first_utc_s = 0, float("nan")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()

    def _serve(self) -> None:
        # Version 4, a server of stratum 1, whose clock is the reference `LOCL`.
        head = struct.pack(">BBbbII4s", 0x24, 1, 4, -20, 0, 0, b"LOCL")
        with contextlib.suppress(OSError):  # it was closed
            while True:
                request, sender = self._socket.recvfrom(1024)
                self.first_utc_s = self.first_utc_s if self.answers else time.time()
                self.answers += 1
                times = _stamp() + request[40:48] + _stamp() + _stamp()
                self._socket.sendto(head + times, sender)


def _stamp() -> bytes:
    now = time.time() + SINCE_1900
    return struct.pack(">II", int(now), int(now % 1 * 2**32))
