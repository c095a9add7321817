"""A TCP proxy for check_delivery.py whose connections can be cut, stalled, swallowed or refused."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Literal

Mode = Literal["pass", "stall", "swallow", "refuse"]
TICK_S = 0.02


class ChaosProxy:
    """Listens on a port and passes bytes to another, as long as `mode` lets it.

    Attributes
    ----------
    mode : {"pass", "stall", "swallow", "refuse"}
        stall: bytes wait. swallow: bytes are lost, so the connection has to be cut afterwards. refuse: new connections
        are closed at once.

    """

    def __init__(self, to_port: int) -> None:
        self.mode: Mode = "pass"
        self._to_port = to_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        threading.Thread(target=self._serve, daemon=True).start()
        self._ready.wait(10)

    def cut(self) -> None:
        """Close all connections."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in self._tasks])

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._accept, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        far = None
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if self.mode != "refuse":
                far_reader, far = await asyncio.open_connection("127.0.0.1", self._to_port)
                ways = [asyncio.ensure_future(way) for way in (self._pipe(reader, far), self._pipe(far_reader, writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                    # What the other side has sent before it died still arrives.
                    await asyncio.wait(ways, timeout=0.2)
                finally:
                    for way in ways:
                        way.cancel()
        for end in (writer, far):
            if end is not None:
                end.transport.abort()
        if task is not None:
            self._tasks.discard(task)

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            while self.mode == "stall":  # noqa: ASYNC110 - the mode is set by another thread
                await asyncio.sleep(TICK_S)
            if self.mode != "swallow":
                writer.write(data)
                await writer.drain()
