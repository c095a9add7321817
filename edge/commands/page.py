"""The command `gammabox-edge page`: writes the browser page of a control room and says how to serve it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.control_room.page.writer import parse_address, write_page
from edge.files import shown_name
from edge.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from edge.control_room.page.writer import Address

_TLS_LINES = """\
        certfile /etc/mosquitto/gammabox/server.crt
        keyfile /etc/mosquitto/gammabox/server.key
"""
_HELP = """\
Serve it with any web server, under https where the broker has TLS; no program of ours runs there. To try it here:

    python3 -m http.server --directory {folder} --bind 127.0.0.1 8000

The broker needs websockets at {origin}. For Mosquitto, beside the listener of the boxes:

        listener {port}
        protocol websockets
{tls}
Mosquitto itself cannot serve the page (http_dir): it names no types of files, and browsers want them.
The login is typed into the page and stays in the browser; no file here holds one.
"""


def run(folder: Path, broker: str, site: str | None, *, force: bool, as_json: bool) -> None:
    """Write the page and print what to do with it.

    Raises
    ------
    BrokerError, OutputError, TopicError
        The address, the folder or the site cannot be used.

    """
    address = parse_address(broker)
    written = write_page(folder, address, site, force=force)
    size = sum(path.stat().st_size for path in written)
    if as_json:
        content = {"folder": shown_name(str(folder)), "broker": str(address), "site": site, "files": len(written)}
        print(json.dumps({**content, "bytes": size}))
        return
    print(f"{shown_name(str(folder))}: {counted(len(written), 'file')}, {size / 1e6:.1f} MB, for {address}\n")
    print(help_text(folder, address), end="")


def help_text(folder: Path, address: Address) -> str:
    """Return how to serve the page, and what the broker needs."""
    port = address.origin.rpartition(":")[2]
    known = port if port.isdecimal() else "443" if address.is_encrypted else "80"
    tls = _TLS_LINES if address.is_encrypted else ""
    return _HELP.format(folder=shown_name(str(folder)), origin=address.origin, port=known, tls=tls)
