"""The releases that check_update.py and check_firmware.py roll out, what has to come of each, and a server for them."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from ssl import PROTOCOL_TLS_SERVER, SSLContext
from typing import TYPE_CHECKING

from edge.bundle import shipped_bundle_path
from firmware_config import own_wheel, release, release_keys
from firmware_config.archives import zip_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from firmware_config.targets import Choice

KEYS, STRANGER = "release-keys", "stranger"
CRASHES, NEVER_CONNECTS = 3, 4
BUGS = {
    CRASHES: ("edge/commands/run.py", b"\nrun = run_agent = main = lambda *_, **__: 1 / 0\n"),
    NEVER_CONNECTS: ("edge/telemetry/link.py", b"\nLink._session = lambda self: self._stop.wait(1)\n"),
}
"""What is added to a file of the release's own wheel, by the number of the release."""


@dataclass(frozen=True)
class Case:
    """A release, the keys that sign it, and how its roll-out to one box has to end: exit code and words."""

    number: int
    what: str
    keys: str
    code: int
    words: str


CASES = (
    Case(2, "a good update", KEYS, 0, "1 done of 1 box"),
    Case(CRASHES, "an update that crashes", KEYS, 1, "rolled back: the agent ended by itself"),
    Case(NEVER_CONNECTS, "an update that never connects", KEYS, 1, "rolled back: no connection for 90 s"),
    Case(
        5,
        "an update signed by a stranger",
        STRANGER,
        1,
        "refused: the release is signed by a key that",
    ),
)
RUNS_AFTERWARDS = 2
"""Number of the release that runs after each of the cases."""


def make_keys(folder: Path) -> None:
    """Make the keys of the site's releases, where they are missing, and those of a stranger."""
    for name in (KEYS, STRANGER):
        if not (folder / name).exists():
            release_keys.create(folder / name)


def make_release(choice: Choice, number: int, wheels: Path, keys: Path, folder: Path) -> Path:
    """Make a release, with its bug where it has one, and return its archive."""
    path = folder / f"release-{number}.tar"
    good = own_wheel.wheel_bytes()
    release.wheel_bytes = lambda: with_bug(good, *BUGS[number]) if number in BUGS else good
    try:
        release.make(release.Plan(choice, number, 0, wheels, shipped_bundle_path(), keys), path)
    finally:
        release.wheel_bytes = own_wheel.wheel_bytes
    return path


def with_bug(wheel: bytes, name: str, added: bytes) -> bytes:
    """Return a wheel with something added to one of its files."""
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    record = next(each for each in files if each.endswith("/RECORD"))
    kept = [line for line in files[record].decode().splitlines() if not line.startswith(f"{name},")]
    files[name] += added
    files[record] = "".join(f"{line}\n" for line in [*kept, f"{name},,"]).encode()
    return zip_bytes(files)


def web_server(folder: Path, credentials: Path, host: str = "127.0.0.1") -> tuple[ThreadingHTTPServer, str]:
    """Serve a folder with the certificate of the broker; return the server and its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    folder.mkdir(exist_ok=True)
    server = ThreadingHTTPServer((host, 0), partial(Quiet, directory=str(folder)))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(credentials / "broker/broker.crt", credentials / "broker/broker.key")
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"https://{host}:{server.server_address[1]}/"
