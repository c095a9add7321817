"""The causes of failed connections in words, without addresses, which might hold a password."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
from typing import TYPE_CHECKING

from edge.capture.http_client import OTHER_NAME_CODES, OtherHostError
from edge.capture.login import challenges_in
from edge.capture.multipart import MultipartError

if TYPE_CHECKING:
    from collections.abc import Callable

_UNTRUSTED = "its certificate is not trusted"
_NOT_YET_VALID, _EXPIRED = 9, 10  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_CERTIFICATES = {
    _NOT_YET_VALID: "its certificate is not valid yet, or the clock of this machine is wrong",
    _EXPIRED: "its certificate has expired, or the clock of this machine is wrong",
    **dict.fromkeys(OTHER_NAME_CODES, "its certificate is for another name"),
}
_TLS = {
    "WRONG_VERSION_NUMBER": "it does not speak HTTPS on this port",
    "HTTP_REQUEST": "it does not speak HTTPS on this port",
    "UNSUPPORTED_PROTOCOL": "it offers only outdated encryption",
    "DH_KEY_TOO_SMALL": "it offers only outdated encryption",
    "CA_MD_TOO_WEAK": "its certificate uses outdated encryption",
    "EE_KEY_TOO_SMALL": "its certificate uses outdated encryption",
    "UNEXPECTED_EOF_WHILE_READING": "it ended the encrypted connection",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no common encryption was found",
}
_CHECK = "check address, cable and power"
_PATH = "check the path of the address"


def words_of(error: BaseException) -> str:
    """Return the cause of a failed connection in a few words.

    Examples
    --------
    >>> words_of(TimeoutError()), words_of(http.client.RemoteDisconnected())
    ('no answer in time', 'the connection was closed without an answer')

    """
    cause = _cause_of(error)
    if not isinstance(cause, BaseException):
        return "the address cannot be opened"
    for kind, words in _WORDS:
        if isinstance(cause, kind):
            return words if isinstance(words, str) else words(cause)
    return "the answer is not that of a camera"


def advice_for(error: BaseException) -> str:
    """Return what to do about a failed connection."""
    cause = _cause_of(error)
    if isinstance(cause, OtherHostError):
        return "the login is not sent there; name the address that the camera refers to"
    if isinstance(cause, ssl.SSLCertVerificationError):
        if cause.verify_code in {_NOT_YET_VALID, _EXPIRED}:
            return "set the clock, or renew the camera's certificate"
        return "save the camera's certificate and name its file as source.ca_file"
    if isinstance(cause, ssl.SSLError):
        return "try http:// instead of https://, or renew the camera's firmware"
    if isinstance(cause, http.client.InvalidURL | ValueError):
        return "check how the address is written"
    return _CHECK


def refusal(error: urllib.error.HTTPError, *, has_login: bool) -> tuple[str, str]:
    """Return what an HTTP error means and what to do."""
    status = f"the server answers {error.code} ({error.reason})"
    if 300 <= error.code < 400:
        return (
            f"the server answers {error.code} and refers to an address that cannot be followed",
            "open the address in a browser and name the one that it ends at",
        )
    if error.code == 401:
        kinds = {offer.scheme for offer in challenges_in(error.headers.get_all("WWW-Authenticate", []))}
        return _refused_login(status, kinds, has_login=has_login)
    if error.code == 403:
        return status, "put user:password@ before the host, or check them and what the user may see"
    if error.code in {429, 503}:
        return status, "the camera is busy: end other programs that watch it"
    return status, "restart the camera" if error.code >= 500 else _PATH


def _refused_login(status: str, kinds: set[str], *, has_login: bool) -> tuple[str, str]:
    if kinds and not kinds & {"basic", "digest"}:
        names = ", ".join(sorted(kind.capitalize() for kind in kinds))
        return f"{status} and asks for a login by {names}", "allow Digest or Basic in the camera's settings"
    if has_login:
        return f"{status}: it refuses the login", "put user:password@ before the host, or check them"
    return f"{status}: it asks for a login", "put user:password@ before the host"


def _cause_of(error: BaseException) -> BaseException | str:
    """Return the error within one of urllib's."""
    return error.reason if isinstance(error, urllib.error.URLError) else error


def _of_certificate(error: BaseException) -> str:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    return _CERTIFICATES.get(code, _UNTRUSTED)


def _of_tls(error: BaseException) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else ""
    return _TLS.get(reason or "", "the encrypted connection failed")


def _of_system(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "the connection failed"


_WORDS: tuple[tuple[type[BaseException], str | Callable[[BaseException], str]], ...] = (
    (OtherHostError, lambda error: f"it refers to another host, {error}, which asks for a login"),
    (TimeoutError, "no answer in time"),
    (ssl.SSLCertVerificationError, _of_certificate),
    (ssl.SSLError, _of_tls),
    (socket.gaierror, "no host of this name is known"),
    (http.client.RemoteDisconnected, "the connection was closed without an answer"),
    (http.client.BadStatusLine, "the answer is not HTTP"),
    (http.client.LineTooLong, "the answer has a header line that is too long"),
    (http.client.IncompleteRead, "the connection broke"),
    (http.client.InvalidURL, "the address is malformed"),
    (MultipartError, str),
    (OSError, _of_system),
    (http.client.HTTPException, "the answer is not HTTP"),
    (ValueError, "the address is malformed"),
)
