"""Fetches files over HTTPS, each known by its hash. A download that was interrupted goes on where it ended."""

from __future__ import annotations

import http.client
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from edge.files import sha256_of, why
from edge.updater.errors import UpdaterError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typing_extensions import Self

    from edge.installer.manifest import ReleaseFile
    from edge.updater.disk import Disk

TIMEOUT_S = 30.0
BLOCK_BYTES = 1 << 18
PAUSES_S = (1.0, 5.0, 20.0)
"""Pauses before a lost connection is built again; afterwards the next run of the updater goes on."""
AGENT = "gammabox-updater"


@dataclass(frozen=True)
class Server:
    """How servers are trusted and how long they are waited for.

    Attributes
    ----------
    context : ssl.SSLContext
        The authorities that vouch for servers.
    timeout_s : float
        Longest silence.
    pauses_s : tuple of float
        Pauses before each further try.
    sleep : callable
        Waits for some seconds.

    """

    context: ssl.SSLContext
    timeout_s: float = TIMEOUT_S
    pauses_s: tuple[float, ...] = PAUSES_S
    sleep: Callable[[float], None] = field(default=time.sleep)


def context_of(authority: Path) -> ssl.SSLContext:
    """Return the authorities of the system, and that of the site where its file is there.

    Raises
    ------
    UpdaterError
        The file cannot be used.

    """
    context = ssl.create_default_context()
    if authority.exists():
        try:
            context.load_verify_locations(authority)
        except (OSError, ssl.SSLError) as error:
            raise UpdaterError(f"{authority}: cannot be used ({error})") from error
    return context


def get(url: str, server: Server, max_bytes: int) -> bytes:
    """Return a small file.

    Raises
    ------
    UpdaterError
        It cannot be fetched, or is larger than `max_bytes`.

    """
    with _Answer(url, server, 0) as answer:
        content = answer.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UpdaterError(f"{url}: has more than {max_bytes} bytes")
    return content


def size_at(url: str, server: Server) -> int | None:
    """Return the size of a file at a server in bytes; None where the server does not say.

    Raises
    ------
    UpdaterError
        It is not there, or the server cannot be asked.

    """
    with _Answer(url, server, 0, method="HEAD") as answer:
        return answer.size


def blob_url(url: str, sha256: str) -> str:
    """Return the address of a file of a release, beside that of its manifest.

    Examples
    --------
    >>> blob_url("https://releases.lan/gammabox/release.json", "ab12")
    'https://releases.lan/gammabox/blobs/ab12'

    """
    return urljoin(url, f"blobs/{sha256}")


def is_whole(path: Path, wanted: ReleaseFile) -> bool:
    """Return whether a file is there with the content that is wanted."""
    try:
        return path.stat().st_size == wanted.size and sha256_of(path) == wanted.sha256
    except OSError:
        return False


def fetch(url: str, path: Path, wanted: ReleaseFile, server: Server, disk: Disk) -> None:
    """Fetch a file to a path. What came of it before stays in a `.part` beside it, where the next call goes on.

    Raises
    ------
    UpdaterError
        It cannot be fetched now, or is not what is wanted.
    OSError
        It cannot be written.

    """
    part = path.with_name(path.name + ".part")
    for pause_s in (*server.pauses_s, None):
        try:
            _fetch_rest(url, part, wanted, server)
            break
        except UpdaterError:
            if pause_s is None:
                raise
            server.sleep(pause_s)
    if not is_whole(part, wanted):
        part.unlink(missing_ok=True)
        raise UpdaterError(f"{url}: is not the file that the manifest names; publish the release again")
    disk.flush_file(part)
    disk.rename(part, path)


def _fetch_rest(url: str, part: Path, wanted: ReleaseFile, server: Server) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have > wanted.size:
        part.unlink()
        have = 0
    if have == wanted.size:
        return
    with _Answer(url, server, have) as answer, part.open("ab" if answer.goes_on else "wb") as file:
        left = wanted.size - (have if answer.goes_on else 0)
        while left > 0:
            block = answer.read(min(left, BLOCK_BYTES))
            if not block:
                raise UpdaterError(f"{url}: the connection ended {left} bytes too early")
            file.write(block)
            left -= len(block)


class _Answer:
    """The answer to one request, from some byte on where the server can do that."""

    def __init__(self, url: str, server: Server, first: int, method: str = "GET") -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise UpdaterError(f"{url}: expected an address that begins with https://")
        self._url = url
        self._connection = http.client.HTTPSConnection(
            parts.hostname, parts.port, timeout=server.timeout_s, context=server.context
        )
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {
            "User-Agent": AGENT,
            "Accept-Encoding": "identity",
            **({"Range": f"bytes={first}-"} if first else {}),
        }
        try:
            self._connection.request(method, target, headers=headers)
            self._response = self._connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise UpdaterError(f"{url}: cannot be fetched ({_why(error)})") from error
        self.goes_on = bool(first) and self._response.status == http.client.PARTIAL_CONTENT
        begins = str(self._response.headers.get("Content-Range", "")).startswith(f"bytes {first}-")
        if self._response.status != http.client.OK and not (self.goes_on and begins):
            self._connection.close()
            raise UpdaterError(f"{url}: the server answers {self._response.status} {self._response.reason}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def size(self) -> int | None:
        """The size of the file in bytes, as the server says it."""
        given = str(self._response.headers.get("Content-Length", ""))
        return int(given) if given.isdecimal() else None

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most so many; none at the end."""
        try:
            return self._response.read(size)
        except (OSError, http.client.HTTPException) as error:
            raise UpdaterError(f"{self._url}: the connection was lost ({_why(error)})") from error


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    return why(error)
