"""The demonstration in a browser: film a source, run the agent on the film again and again, serve the browser page.

The broker is iotcore in a child process, with websockets. Run it with `make demo-page`, or
`python -m trainer.demo_page FOLDER`; it ends with Ctrl-C.
"""

from __future__ import annotations

import argparse
import functools
import signal
import subprocess
import threading
import webbrowser
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from iotcore import Broker

from edge.control_room.page.writer import parse_address, write_page
from trainer.demo import (
    LARGEST_MESSAGE_BYTES,
    SITE,
    film,
    free_port,
    prepare_agent,
    require_own,
    say,
    script,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_S = 10.0

_BROKER = """\
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 10485760
max_segment_count = 10
"""
_LISTENER = """\
[{kind}.1]
name = "{kind}"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[{kind}.1.connections]
connection_timeout_ms = 60000
max_payload_size = {largest}
max_inflight_count = 100
dynamic_filters = true
"""


def main() -> None:
    """Run the demonstration in a browser until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the film, the page and the agent's files go")
    parser.add_argument("--no-browser", action="store_true", help="only print the address of the page")
    arguments = parser.parse_args()
    folder: Path = arguments.folder
    require_own(folder)
    folder.mkdir(parents=True, exist_ok=True)
    film(folder, seed=1)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        run(folder, open_browser=not arguments.no_browser)
    except KeyboardInterrupt:
        print("\n   ended")


def run(folder: Path, *, open_browser: bool) -> None:
    """Run broker, web server and agent on the film in a folder, until the agent ends or a signal comes."""
    port, web_port = free_port(), free_port()
    write_page(folder / "page", parse_address(f"ws://127.0.0.1:{web_port}"), SITE, force=True)
    config = prepare_agent(folder, port, loop=True)
    broker = folder / "broker.toml"
    broker.write_text(broker_config(port, web_port), encoding="utf-8")
    say("2. Start an MQTT broker, a web server and the agent, which sees the film again and again")
    with (
        Broker(config_path=str(broker)),
        served(folder / "page") as address,
        (folder / "agent.log").open("w", encoding="utf-8") as log,
        subprocess.Popen([script("gammabox-edge"), "run", "--config", str(config)], stdout=log, stderr=log) as agent,
    ):
        try:
            print(f"   {address}", flush=True)
            print("   Press Connect there without a login; the alarm comes within a minute. Ctrl-C ends.", flush=True)
            if open_browser:
                webbrowser.open(address)
            agent.wait()
        finally:
            agent.terminate()
            agent.wait(STOP_S)
    raise SystemExit(f"error: the agent has ended: see {folder / 'agent.log'}")


def broker_config(port: int, web_port: int) -> str:
    """Return the configuration of iotcore: MQTT 3.1.1 for the agent, and on websockets for the page.

    iotcore 0.4 speaks no MQTT 5 on websockets, and hangs up on a reader there to whom it has to pass on a message with
    properties of MQTT 5.
    """
    listeners = {"v4": port, "ws": web_port}
    return _BROKER + "".join(
        _LISTENER.format(kind=kind, port=number, largest=LARGEST_MESSAGE_BYTES) for kind, number in listeners.items()
    )


class _QuietHandler(SimpleHTTPRequestHandler):
    # Browsers run modules of these types only, whatever the system calls the endings.
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, **dict.fromkeys((".js", ".mjs"), "text/javascript")}  # noqa: RUF012

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing of requests."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder to browsers on this machine and yield its address."""
    handler = functools.partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()
