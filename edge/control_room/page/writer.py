"""Writes the browser page of a control room for a broker. Any web server can serve it; it holds no secret."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from edge.arguments import as_path, takes
from edge.config.faults import shown_text
from edge.errors import BrokerError, OutputError
from edge.files import replace_file, why
from edge.output import is_page
from edge.redaction import without_login
from edge.telemetry.topics import of_site

if TYPE_CHECKING:
    from collections.abc import Iterator

STATIC = Path(__file__).with_name("static")
INDEX = "index.html"
DEFAULT_PATH = "/mqtt"
"""Most brokers take any path, and some only this one."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a broker's websockets, as browsers reach it.

    Attributes
    ----------
    origin : str
        Scheme, host and port: what the page may connect to.
    path : str

    """

    origin: str
    path: str = DEFAULT_PATH

    def __str__(self) -> str:
        return f"{self.origin}{self.path}"

    @property
    def is_encrypted(self) -> bool:
        """Whether passwords and alarms cross the network encrypted."""
        return self.origin.startswith("wss:")


@takes(text=str)
def parse_address(text: str) -> Address:
    """Return the address of a broker's websockets.

    Raises
    ------
    BrokerError
        It is none, or it holds a login, which everybody could read in the page.

    Examples
    --------
    >>> str(parse_address("wss://broker.example:8084"))
    'wss://broker.example:8084/mqtt'

    """
    shown = shown_text(without_login(text))
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    place = parts.netloc.rpartition("@")[2]
    host = place if port is None else place.removesuffix(f":{port}")
    if parts.scheme not in {"ws", "wss"} or not _HOST.fullmatch(host) or parts.query or parts.fragment:
        raise BrokerError(
            f"broker {shown} is no address of websockets; write it as wss://broker.example:8084, without TLS ws://"
        )
    if "@" in parts.netloc:
        raise BrokerError(
            f"broker {shown}: leave the login out; it is typed into the page, whose files anybody can read"
        )
    if parts.path and not _PATH.fullmatch(parts.path):
        raise BrokerError(f"broker {shown}: its path may hold letters, digits and . _ ~ / - only")
    return Address(f"{parts.scheme}://{place}", parts.path if parts.path.strip("/") else DEFAULT_PATH)


def page_files(address: Address, site: str | None) -> dict[str, bytes]:
    """Return the files of the page by their names, paths relative to its folder.

    Raises
    ------
    TopicError
        The site is no id.

    Examples
    --------
    >>> written = page_files(parse_address("wss://broker.example:8084"), "docks")
    >>> b"connect-src wss://broker.example:8084;" in written["index.html"], "app.js" in written
    (True, True)

    """
    of_site(site)
    content = {name: file.read_bytes() for name, file in _static()}
    filled = {"@CONNECT@": address.origin, "@BROKER@": str(address), "@SITE@": site or ""}
    index = content[INDEX].decode()
    for mark, value in filled.items():
        index = index.replace(mark, html.escape(value))
    return {**content, INDEX: index.encode()}


@takes(folder=as_path)
def write_page(folder: Path, address: Address, site: str | None = None, *, force: bool = False) -> list[Path]:
    """Write the page into a folder and return its files.

    Raises
    ------
    OutputError
        The folder holds files of somebody else and `force` is not given, or a file cannot be written.
    TopicError
        The site is no id.

    """
    content = page_files(address, site)
    if not force:
        _require_ours(folder)
    try:
        for name, data in content.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            replace_file(folder / name, data.decode())
    except OSError as error:
        raise OutputError(folder, f"cannot be written ({why(error)})", "name another folder") from error
    return [folder / name for name in content]


def _static() -> Iterator[tuple[str, Path]]:
    for file in sorted(STATIC.rglob("*")):
        if file.is_file():
            yield file.relative_to(STATIC).as_posix(), file


def _require_ours(folder: Path) -> None:
    """Raise OutputError where a folder is neither missing, nor empty, nor one that holds an earlier page."""
    try:
        if folder.exists() and not folder.is_dir():
            raise OutputError(folder, "is no folder", "name a new or empty folder")
        present = sorted(folder.iterdir()) if folder.is_dir() else []
        index = folder / INDEX
        is_earlier = index.is_file() and is_page(index.read_bytes()[: 1 << 16])
    except (OSError, ValueError) as error:
        raise OutputError(folder, f"cannot be read ({why(error)})", "name another folder") from error
    if present and not is_earlier:
        raise OutputError(
            folder,
            f"holds {shown_text(present[0].name)}, which this command did not write",
            "name a new or empty folder, or add --force",
        )
