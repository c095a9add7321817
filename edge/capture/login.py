"""Answers to the login that a camera asks for over HTTP: Basic, and Digest with MD5, SHA-256 or SHA-512/256."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.request import parse_http_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_DIGESTS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}  # RFC 7616, the weakest first
_AS_IT_CAME = "surrogateescape"  # bytes of the server that are no UTF-8
_SCHEME = re.compile(r"([A-Za-z][\w.+-]*)(?:\s+(?!=)(.*))?", re.DOTALL)
_PARAMETER = re.compile(r"([\w*.-]+)\s*=\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Login:
    """User and password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Challenge:
    """A way to log in that a server offers: its scheme in lower case, and its parameters by name in lower case."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for: method, path with query, and a random text of the client's for Digest."""

    uri: str
    cnonce: str
    method: str = "GET"


def challenges_in(lines: Iterable[str]) -> list[Challenge]:
    """Return the challenges in the WWW-Authenticate lines of an answer, as `http.client` reads them.

    A line may hold several. Texts are taken for UTF-8.

    Examples
    --------
    >>> [challenge.scheme for challenge in challenges_in(['Digest realm="cam, 1", nonce="a", Basic realm="cam"'])]
    ['digest', 'basic']

    """
    found: list[tuple[str, dict[str, str]]] = []
    for line in lines:
        text = line.encode("latin-1", "replace").decode("utf-8", _AS_IT_CAME)
        for item in parse_http_list(text):
            parameter = _PARAMETER.fullmatch(item.strip())
            scheme = None if parameter else _SCHEME.fullmatch(item.strip())
            if scheme is not None:
                found.append((scheme[1].lower(), {}))
                parameter = _PARAMETER.fullmatch(scheme[2] or "")
            if parameter is not None and found:
                found[-1][1][parameter[1].lower()] = _unquoted(parameter[2])
    return [Challenge(scheme, parameters) for scheme, parameters in found]


def answer_to(challenges: Sequence[Challenge], login: Login, request: Request) -> str | None:
    """Return the Authorization header for the strongest challenge; None where none of them is known.

    Digest comes before Basic, which shows the password to everybody on the way. A server that asks for a login without
    an offer gets Basic, as from curl. Texts are sent in UTF-8; what comes from the server goes back as it came.
    """
    digests = [challenge for challenge in challenges if challenge.scheme == "digest" and _is_known(challenge)]
    if digests:
        strengths = list(_DIGESTS)
        return _digest(max(digests, key=lambda challenge: strengths.index(_hash_of(challenge))), login, request)
    if not challenges or any(challenge.scheme == "basic" for challenge in challenges):
        return "Basic " + base64.b64encode(f"{login.user}:{login.password}".encode()).decode("ascii")
    return None


def as_header(answer: str) -> str:
    """Return an answer in the form in which `http.client` sends the bytes that are meant."""
    return answer.encode(errors=_AS_IT_CAME).decode("latin-1")


def is_stale(challenges: Iterable[Challenge]) -> bool:
    """Return whether a server refuses only the nonce, which has grown old, and not the login."""
    return any(challenge.parameters.get("stale", "").lower() == "true" for challenge in challenges)


def _hash_of(challenge: Challenge) -> str:
    return challenge.parameters.get("algorithm", "MD5").upper().removesuffix("-SESS")


def _is_known(challenge: Challenge) -> bool:
    name = _DIGESTS.get(_hash_of(challenge))
    has_nonce = "nonce" in challenge.parameters
    return has_nonce and name in hashlib.algorithms_available and _qop_of(challenge) != ""


def _qop_of(challenge: Challenge) -> str | None:
    """Return the quality of protection to use; None where the server names none, "" where none of its is known."""
    offered = [offer.strip().lower() for offer in challenge.parameters.get("qop", "").split(",") if offer.strip()]
    if not offered:
        return None
    return next((known for known in ("auth", "auth-int") if known in offered), "")


def _digest(challenge: Challenge, login: Login, request: Request) -> str:
    """Return the answer to a Digest challenge, RFC 7616 section 3.4."""
    given = challenge.parameters
    algorithm, qop = given.get("algorithm"), _qop_of(challenge)
    realm, nonce = given.get("realm", ""), given["nonce"]

    def hashed(text: str) -> str:
        return hashlib.new(
            _DIGESTS[_hash_of(challenge)], text.encode(errors=_AS_IT_CAME), usedforsecurity=False
        ).hexdigest()

    secret = hashed(f"{login.user}:{realm}:{login.password}")
    if (algorithm or "").upper().endswith("-SESS"):
        secret = hashed(f"{secret}:{nonce}:{request.cnonce}")
    asked = f"{request.method}:{request.uri}" + (f":{hashed('')}" if qop == "auth-int" else "")
    counted = f"{nonce}:00000001:{request.cnonce}:{qop}" if qop else nonce
    by_hash = given.get("userhash", "").lower() == "true"
    quoted = {
        "username": hashed(f"{login.user}:{realm}") if by_hash else login.user,
        "realm": realm,
        "nonce": nonce,
        "uri": request.uri,
        "response": hashed(f"{secret}:{counted}:{hashed(asked)}"),
    }
    if "opaque" in given:
        quoted["opaque"] = given["opaque"]
    if qop or (algorithm or "").upper().endswith("-SESS"):
        quoted["cnonce"] = request.cnonce
    bare = {} if algorithm is None else {"algorithm": algorithm}
    if qop:
        bare |= {"qop": qop, "nc": "00000001"}
    if by_hash:
        bare["userhash"] = "true"
    fields = [f'{name}="{_escaped(text)}"' for name, text in quoted.items()]
    return "Digest " + ", ".join(fields + [f"{name}={text}" for name, text in bare.items()])


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
