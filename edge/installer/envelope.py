"""The signed envelope of a manifest: DSSE, checked against the keys that a box trusts."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

from edge.errors import ReleaseError
from edge.files import load_json, why
from edge.installer.ed25519 import is_signed
from edge.installer.manifest import MAX_BYTES, Manifest, parse_manifest
from edge.installer.trust import Trust, key_id
from edge.text import one_line

FILE = "release.json"
PAYLOAD_TYPE = "application/vnd.gammabox.release+json"
MAX_SIGNATURES = 16


@dataclass(frozen=True, slots=True)
class Verified:
    """A release whose manifest was signed by a trusted key.

    `sha256` is that of the manifest, the id of the release. `trust` is what the box trusts once it works with it.
    """

    manifest: Manifest
    sha256: str
    envelope: bytes
    trust: Trust


def pre_authentication(payload_type: str, payload: bytes) -> bytes:
    """Return the bytes that are signed. Source: DSSE, protocol.md, PAE.

    Examples
    --------
    >>> pre_authentication("http://example.com/HelloWorld", b"hello world")
    b'DSSEv1 29 http://example.com/HelloWorld 11 hello world'

    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def unverified_payload(envelope: bytes) -> bytes:
    """Return the payload of an envelope whose signatures were checked before. Raise ReleaseError without one."""
    return _parts(envelope)[0]


def verified(envelope: bytes, trust: Trust) -> Verified:
    """Check the signatures of an envelope and return the release; one by a trusted key is enough.

    Raises
    ------
    ReleaseError
        It is no envelope of a release, no trusted key has signed it, or its manifest cannot be used.

    """
    payload, signatures = _parts(envelope)
    message = pre_authentication(PAYLOAD_TYPE, payload)
    by_id: dict[str, list[bytes]] = {}
    for name, signature in signatures:
        by_id.setdefault(name, []).append(signature)
    signers = tuple(
        key
        for key in trust.accepted
        if any(is_signed(message, signature, bytes.fromhex(key)) for signature in by_id.get(key_id(key), ()))
    )
    if not signers:
        raise ReleaseError(_why_unsigned(set(by_id), trust))
    manifest = parse_manifest(payload)
    return Verified(manifest, hashlib.sha256(payload).hexdigest(), envelope, trust.after(manifest, signers))


def _why_unsigned(names: set[str], trust: Trust) -> str:
    if not names:
        return "the release is not signed; take one that gammabox-firmware release has made"
    if names & {key_id(key) for key in trust.accepted}:
        return "the signature of the release is not that of its manifest: it was altered; fetch it again"
    shown = ", ".join(sorted(one_line(name[:12]) for name in names))
    if names & {key_id(key) for key in trust.revoked}:
        return f"the release is signed by a key that was revoked ({shown}…); take a newer release"
    return f"the release is signed by a key that this box does not know ({shown}…); take one of this site's"


def _parts(envelope: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    try:
        return _read(envelope)
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(f"{FILE} is no envelope of a release ({why(error)}); fetch the release again") from error


def _read(envelope: bytes) -> tuple[bytes, list[tuple[str, bytes]]]:
    if len(envelope) > 2 * MAX_BYTES:
        raise ValueError("it is larger than an envelope is")
    content = load_json(envelope.decode())
    if content["payloadType"] != PAYLOAD_TYPE:
        raise ValueError(f"it holds {content['payloadType']!r:.60}")
    signatures = [(_name(each["keyid"]), _decoded(each["sig"])) for each in content["signatures"]]
    if len(signatures) > MAX_SIGNATURES:
        raise ValueError(f"it has {len(signatures)} signatures")
    return _decoded(content["payload"]), signatures


def _name(value: Any) -> str:  # noqa: ANN401 - whatever the envelope holds
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _decoded(value: Any) -> bytes:  # noqa: ANN401 - whatever the envelope holds
    try:
        return base64.b64decode(_name(value), validate=True)
    except binascii.Error:
        raise ValueError("a part of it is not Base64") from None
