"""Logins to cameras over HTTP (Basic or Digest), with a single attempt, as cameras lock out repeated ones."""

from __future__ import annotations

import base64
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from http.client import HTTPResponse


class HttpOpener:
    """Opens an HTTP address with the user and password in it.

    Parameters
    ----------
    url : str
        http:// or https://, possibly with user:password@ before the host.

    """

    def __init__(self, url: str) -> None:
        split = urlsplit(url)
        self._address = urlunsplit((split.scheme, split.netloc.rpartition("@")[2], split.path, split.query, ""))
        self._login: tuple[str, str] | None = None
        if split.username is not None:
            self._login = unquote(split.username), unquote(split.password or "")

    def open(self, timeout_s: float) -> HTTPResponse:
        """Request the address, and request it again with the login where the server asks for one.

        Raises
        ------
        HTTPError, OSError, HTTPException, ValueError
            As urllib raises them; a refused login is an HTTPError of code 401.

        """
        request = urllib.request.Request(self._address)  # noqa: S310 - open_source lets only http and https come here
        try:
            return _open(request, timeout_s)
        except urllib.error.HTTPError as refused:
            answer = self._answer_to(refused, request) if refused.code == 401 else None
            if answer is None:
                raise
            refused.close()
        request.add_unredirected_header("Authorization", answer)
        return _open(request, timeout_s)

    def _answer_to(self, refused: urllib.error.HTTPError, request: urllib.request.Request) -> str | None:
        """Return the Authorization header that the server asks for. Digest comes first, as Basic shows the password."""
        if self._login is None:
            return None
        challenges = {
            scheme.lower(): rest
            for scheme, _, rest in (line.partition(" ") for line in refused.headers.get_all("WWW-Authenticate", []))
        }
        if "digest" in challenges:
            logins = urllib.request.HTTPPasswordMgrWithDefaultRealm()
            logins.add_password(None, self._address, *self._login)
            fields = urllib.request.parse_keqv_list(
                [field for field in urllib.request.parse_http_list(challenges["digest"]) if "=" in field]
            )
            # urllib's own handler would try six times.
            computed = urllib.request.HTTPDigestAuthHandler(logins).get_authorization(request, fields)
            if computed:
                return f"Digest {computed}"
        if "basic" in challenges:
            return "Basic " + base64.b64encode(":".join(self._login).encode()).decode("ascii")
        return None


def _open(request: urllib.request.Request, timeout_s: float) -> HTTPResponse:
    response: HTTPResponse = urllib.request.urlopen(request, timeout=timeout_s)  # noqa: S310 - as above
    return response
