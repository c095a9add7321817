"""Keeps logins out of everything that is shown: addresses of cameras and brokers, however they are mis-written."""

from __future__ import annotations

import logging
import re
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "…"
MAX_PORT = 65535

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):(?P<slashes>[/\\]+)")
_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]*)(?P<port>:\d{1,5})?(?P<path>[/\\][^?#]*)?(?P<query>[?#].*)?")
# Without a scheme, a colon before an @ tells a login from a file's name.
_BARE_LOGIN = re.compile(r"[^'\"(]*:.*@")
_ADVICE = re.compile(r"[\"'(]*user:password@[\"'),.;:]*")
_NAMED = re.compile(
    r"(?P<name>[\w.-]*?(?:user|usr|login|pass|pwd|psw|token|secret|auth|credential)[\w.-]*?)=(?!=).+", re.IGNORECASE
)
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:\[\]@%]+)(?P<port>:\d{0,5})?")
_NAMES = {" ": "blank", "\t": "tab", "\n": "line end", "\r": "line end"}
_IN_QUERY = re.compile(r"[?&;/][\w.-]+=")
_SUSPICIOUS = re.compile(r"[=@:&;|%]")
_END = re.compile(r"[:;,.)\"']*$")
_PIECE = re.compile(r"[^\W_]+")
_PIECES = re.compile(r"([^\W_]+)")
_BLANK = "\ue000"  # stands for blanks while an address is looked at as a whole


def without_login(address: str) -> str:
    """Return an address for messages: without a login and without its query; other names are returned as they are.

    The whole text counts as the address. A login may hold any sign: what stands before the last @ is left out. Parts
    that may belong to a login are left out, too.

    Examples
    --------
    >>> without_login("rtsp://admin:s3cr/et@10.0.0.7:554/ch1?pwd=x")
    'rtsp://10.0.0.7:554/ch1?…'
    >>> [without_login(name) for name in ("rtsp://admin:s3cret", "admin:s3cret@10.0.0.7", "films/gate.avi")]
    ['rtsp://…', '…@10.0.0.7', 'films/gate.avi']

    """
    if not re.search(r"[@=?]|:[/\\]", address):
        return address
    return _word(re.sub(r"\s", _BLANK, address)).replace(_BLANK, " ")


def redacted(text: str) -> str:
    """Return sentences without the logins of the addresses in them.

    Examples
    --------
    >>> redacted("http://admin:s3cr#et@10.0.0.7/v: does not answer; check user and password")
    'http://10.0.0.7/v: does not answer; check user and password'
    >>> redacted("rtsp://10.0.0.7/user=admin&password=s3cret: does not answer")
    'rtsp://10.0.0.7/…: does not answer'

    """
    if not re.search(r"[@=]|:[/\\]", text):
        return text
    return "\n".join(re.sub(r"\S+", lambda word: _word(word[0]), _joined(line)) for line in text.split("\n"))


def without_logins_of(words: Iterable[str], text: str) -> str:
    """Return a text without the logins of given words, such as those of a command line, whatever signs they hold."""
    for word in words:
        for given in (word, word.partition("=")[2], word.partition(":")[2]):
            shown = without_login(given)
            if shown == given:
                continue
            for form in (given, str(PurePath(given)), repr(given)[1:-1], repr(str(PurePath(given)))[1:-1]):
                text = text.replace(form, shown)
            # A list may have been taken apart at its commas, or a line end have become a blank or its code.
            pieces = {*_PIECE.findall(given), *_PIECE.findall(repr(given))} - {*_PIECE.findall(shown)}
            hidden = {piece for piece in pieces if len(piece) > 1}
            text = "".join(HIDDEN if piece in hidden else piece for piece in _PIECES.split(text))
    return redacted(text)


def redacted_values(value: object) -> object:
    """Return a value for a message with the texts in it redacted; lists and mappings are gone through."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, (tuple, list)):
        return type(value)(redacted_values(item) for item in value)
    if isinstance(value, dict):
        return {key: redacted_values(item) for key, item in value.items()}
    return value


class RedactingFormatter(logging.Formatter):
    """Formats records of a log without logins, whatever library wrote them."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return redacted(super().format(record))


def fault_of_address(address: str) -> str | None:
    """Return what is wrong with the login or the host in the address of a stream, and what to write; None if nothing.

    Examples
    --------
    >>> fault_of_address("rtsp://admin:s3cr/et@10.0.0.7/v")
    'its login holds a "/"; write it as %2F'
    >>> fault_of_address("rtsp://admin:s3cr%2Fet@10.0.0.7/v")

    """
    scheme = _SCHEME.match(address)
    if scheme is None:
        return None
    after = address[scheme.end() :]
    odd = next((sign for sign in after.rpartition("@")[0] if sign.isspace() or not sign.isprintable()), None)
    if odd is not None:
        return f"its login holds a {_NAMES.get(odd, 'control sign')}; write it as {quote(odd)}"
    authority = re.split(r"[/?#\\]", after, maxsplit=1)[0]
    login, _, place = authority.rpartition("@")
    bracket = next((sign for sign in login if sign in "[]"), None)
    if bracket is not None:
        return f'its login holds a "{bracket}"; write it as {quote(bracket)}'
    host = _HOST.fullmatch(place)
    if host is not None and int((host["port"] or ":0")[1:] or 0) <= MAX_PORT:
        return None
    if "@" in after[len(authority) :]:
        sign = next((sign for sign in place if sign in "[]"), after[len(authority)])
        return f'its login holds a "{sign}"; write it as {quote(sign, safe="")}'
    return "it names no host with a port up to 65535; check how the address is written"


def may_hold_login(address: str) -> bool:
    """Return whether an @ behind the host of an address may end a login that holds a / or the like."""
    scheme = _SCHEME.match(address)
    parts = [] if scheme is None else re.split(r"[/?#\\]", address[scheme.end() :], maxsplit=1)
    return "@" in "".join(parts[1:])


def _joined(line: str) -> str:
    """Return a line in which an address whose login holds blanks is one word."""
    address = _SCHEME.search(line)
    if address is None or "@" not in line[address.end() :]:
        return line
    word = re.split(r"\s", line[address.end() :], maxsplit=1)[0]
    if "@" in word or not _place(word).startswith(HIDDEN):
        return line
    last = line.rindex("@")
    return f"{line[: address.end()]}{HIDDEN}@{line[last + 1 :]}"


def _word(word: str) -> str:
    address = _SCHEME.search(word)
    if _ADVICE.fullmatch(word):
        return word
    if address is not None and ":" in word[: address.start()] and "@" in word[address.end() :]:
        address = None  # a login such as user:x:/y@host, whose password only looks like a scheme
    if address is None:
        bare = _BARE_LOGIN.search(word)
        if bare is not None:
            return f"{word[: bare.start()]}{HIDDEN}@{_place(word[bare.end() :])}"
        return _NAMED.sub(lambda named: f"{named['name']}={HIDDEN}", word)
    login, at, place = word[address.end() :].rpartition("@")
    scheme = f"{word[: address.start()]}{address['scheme']}:{address['slashes']}"
    # An @ may also stand in a path or in a query, whose other parts may be a login as well.
    unclear = at and (_IN_QUERY.search(login) or (":" not in login and re.search(r"[/\\?#]", login)))
    return scheme + (HIDDEN if unclear else _place(place))


def _place(text: str) -> str:
    """Return host, port and path of an address as far as they plainly are such, and the marks that follow it."""
    end = _END.search(text)
    marks = end[0] if end is not None else ""
    place = _PLACE.fullmatch(text.removesuffix(marks))
    if place is None or int((place["port"] or ":0")[1:]) > MAX_PORT:
        return HIDDEN + marks
    path, odd = place["path"] or "", _SUSPICIOUS.search(place["path"] or "")
    if odd is not None:
        path = f"{path[: path.rfind('/', 0, odd.start()) + 1]}{HIDDEN}"
    query = f"{place['query'][0]}{HIDDEN}" if place["query"] else ""
    return f"{place['host']}{place['port'] or ''}{path}{query}{marks}"
