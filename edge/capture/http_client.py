"""Opens HTTP addresses of cameras: as lenient as browsers, one attempt to log in, no login for another host."""

from __future__ import annotations

import errno
import http.client
import re
import secrets
import ssl
import urllib.error
import urllib.request
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from edge.capture.login import Login, Request, answer_to, as_header, challenges_in, is_stale
from edge.errors import SourceError

if TYPE_CHECKING:
    from email.message import Message
    from pathlib import Path

OTHER_NAME_CODES = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_HEADER_LINE = re.compile(rb"[!-9;-~]+[ \t]*:")
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
_UNRESERVED = "/%:;,=@&+$!*'()~?#[]"


MAX_LOGINS = 5
"""Places on the way to the stream that may ask for a login, each once; cameras lock out repeated attempts."""


class OtherHostError(OSError):
    """A login is asked for on another host than that of the address; it is not sent there."""


class HttpOpener:
    """Opens an HTTP address with the user and password in it.

    Parameters
    ----------
    url : str
        http:// or https://, possibly with user:password@ before the host.
    ca_file : Path or None
        PEM file with the camera's own certificate or that of its authority; those of the system where None.

    Raises
    ------
    SourceError
        The file of certificates cannot be used.

    """

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        split = urlsplit(url)
        self._address = _sendable(url)
        self._login: Login | None = None
        if split.username is not None:
            self._login = Login(unquote(split.username), unquote(split.password or ""))
        handlers: list[urllib.request.BaseHandler] = [
            _HttpHandler(),
            _Redirects(),
            urllib.request.HTTPCookieProcessor(),
        ]
        if split.scheme.lower() == "https" or ca_file is not None:
            handlers.append(_HttpsHandler(*_trust(ca_file)))
        self._urls = urllib.request.build_opener(*handlers)
        self._urls.addheaders = [("User-Agent", "gammabox"), ("Accept", "*/*")]

    @property
    def has_login(self) -> bool:
        """Whether the address holds a login."""
        return self._login is not None

    def open(self, timeout_s: float) -> http.client.HTTPResponse:
        """Request the address, and request it again with the login where the server asks for one.

        Raises
        ------
        HTTPError, OSError, HTTPException, ValueError
            As urllib raises them; a refused login is an HTTPError of code 401.
        OtherHostError
            The address refers to another host, which asks for a login.

        """
        request = urllib.request.Request(self._address)  # noqa: S310 - open_source lets only http and https come here
        answered: set[str] = set()
        for _ in range(MAX_LOGINS):
            response = self._response_to(request, timeout_s)
            if not isinstance(response, urllib.error.HTTPError):
                return response
            asking = response.url or self._address
            request = self._with_login(response, asking, is_first=asking not in answered)
            answered.add(asking)
            response.close()
        raise OSError(errno.ELOOP, "it asks for a login again and again")

    def _response_to(
        self, request: urllib.request.Request, timeout_s: float
    ) -> http.client.HTTPResponse | urllib.error.HTTPError:
        """Return the answer, or the refusal of a server that asks for a login."""
        try:
            return cast("http.client.HTTPResponse", self._urls.open(request, timeout=timeout_s))
        except urllib.error.HTTPError as refused:
            if refused.code != 401:
                raise
            return refused

    def _with_login(self, refused: urllib.error.HTTPError, asking: str, *, is_first: bool) -> urllib.request.Request:
        """Return the request with the login that a place asks for. Raise the refusal where there is none to send."""
        offers = challenges_in(refused.headers.get_all("WWW-Authenticate", []))
        if self._login is None or not (is_first or is_stale(offers)):
            raise refused
        if not _is_same_host(self._address, asking):
            refused.close()
            raise OtherHostError(urlsplit(asking).netloc)
        request = urllib.request.Request(asking)  # noqa: S310 - as above; _Redirects follows no other scheme
        answer = answer_to(offers, self._login, Request(request.selector, secrets.token_hex(8)))
        if answer is None:
            raise refused
        request.add_unredirected_header("Authorization", as_header(answer))
        return request


def _sendable(url: str) -> str:
    """Return an address without login and fragment, with the signs that HTTP does not allow written as %XX."""
    split = urlsplit(url)
    host = split.netloc.rpartition("@")[2]
    return urlunsplit(
        (split.scheme.lower(), host, quote(split.path, _UNRESERVED) or "/", quote(split.query, _UNRESERVED), "")
    )


def _is_same_host(known: str, asking: str) -> bool:
    """Return whether a login for one address may be sent to another: same host, port and scheme, or its HTTPS."""
    from_split, to_split = urlsplit(known), urlsplit(asking)
    if (from_split.hostname or "").lower() != (to_split.hostname or "").lower():
        return False
    ports = {"http": 80, "https": 443}
    origins = [
        (split.scheme, split.port if split.port is not None else ports.get(split.scheme))
        for split in (from_split, to_split)
    ]
    return origins[0] == origins[1] or origins == [("http", 80), ("https", 443)]


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects as browsers do, without a login that stands in the new address."""

    def http_error_308(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:  # noqa: ANN401
        """Follow a permanent redirect, which Python 3.10 does not know."""
        return self.http_error_302(req, fp, code, msg, headers)

    def redirect_request(  # noqa: PLR0917 - the signature of urllib's
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        return super().redirect_request(
            req, fp, 302 if code == 308 else code, msg, cast("Any", headers), _sendable(newurl)
        )


class _Head:
    """A connection whose header lines without a name are skipped, as curl and browsers do."""

    def __init__(self, plain: IO[bytes]) -> None:
        self._plain = plain
        self._is_first = True

    def readline(self, limit: int = -1) -> bytes:
        while True:
            line = self._plain.readline(limit)
            is_first, self._is_first = self._is_first, not line.strip()
            if is_first:
                return line.replace(b"ICY", b"HTTP/1.0", 1) if line.startswith(b"ICY ") else line
            if not line.strip() or line[:1] in b" \t" or _HEADER_LINE.match(line):
                return line

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._plain, name)


class _Response(http.client.HTTPResponse):
    def begin(self) -> None:
        plain = self.fp
        self.fp = cast("Any", _Head(plain))
        try:
            super().begin()
        finally:
            if self.fp is not None:
                self.fp = plain


class _Connection(http.client.HTTPConnection):
    response_class = _Response


class _SecureConnection(http.client.HTTPSConnection):
    """Accepts a certificate that is in the file of certificates itself under any name, as cameras know no name."""

    response_class = _Response
    pinned: frozenset[bytes] = frozenset()

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLCertVerificationError as error:
            if error.verify_code not in OTHER_NAME_CODES or not self.pinned:
                raise
            self.sock.close()  # and not the connection, whose request is under way
            self._connect_to_pinned(error)

    def _connect_to_pinned(self, otherwise: ssl.SSLCertVerificationError) -> None:
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        context.check_hostname = False
        try:
            super().connect()
            if self.sock.getpeercert(binary_form=True) not in self.pinned:
                self.close()
                raise otherwise
        finally:
            context.check_hostname = True


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, trusted: ssl.SSLContext, pinned: frozenset[bytes]) -> None:
        super().__init__(context=trusted)
        self._trusted = trusted
        self._pinned = pinned

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **options: Any) -> _SecureConnection:  # noqa: ANN401
            made = _SecureConnection(host, context=self._trusted, **options)
            made.pinned = self._pinned
            return made

        return self.do_open(cast("Any", connection), req)


def _trust(ca_file: Path | None) -> tuple[ssl.SSLContext, frozenset[bytes]]:
    """Return the certificates that are trusted, and those that are trusted under any name."""
    if ca_file is None:
        return ssl.create_default_context(), frozenset()
    try:
        text = ca_file.read_text(encoding="latin-1")
        pinned = frozenset(ssl.PEM_cert_to_DER_cert(pem) for pem in _CERTIFICATE.findall(text))
        context = ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ValueError) as error:
        no_file = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
        problem = f"cannot be read ({error.strerror})" if no_file else "holds no certificate in PEM form"  # type: ignore[union-attr]
        raise SourceError(
            ca_file, problem, "name the camera's certificate, or that of its authority, as source.ca_file"
        ) from None
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # certificates that cameras make themselves lack key usage
    return context, pinned
