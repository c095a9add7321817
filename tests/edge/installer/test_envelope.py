import base64
import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_rig import AFTER_NEXT, CURRENT, NEXT, STRANGER, TRUST, a_manifest, enveloped, signed

from edge.errors import ReleaseError
from edge.installer.envelope import unverified_payload, verified
from edge.installer.manifest import Keys, manifest_bytes
from edge.installer.trust import Trust

MANIFEST = a_manifest()


def test_verified_returns_the_signed_manifest() -> None:
    release = verified(signed(MANIFEST), TRUST)
    assert release.manifest == MANIFEST
    assert release.sha256 == hashlib.sha256(manifest_bytes(MANIFEST)).hexdigest()
    assert unverified_payload(release.envelope) == manifest_bytes(MANIFEST)


@pytest.mark.parametrize("keys", [(CURRENT,), (NEXT,), (STRANGER, NEXT), (CURRENT, STRANGER)])
def test_verified_takes_one_trusted_signature(keys) -> None:
    assert verified(signed(MANIFEST, *keys), TRUST).manifest == MANIFEST


@pytest.mark.parametrize(
    ("keys", "trust", "sentence"),
    [
        ((), TRUST, "is not signed"),
        ((STRANGER,), TRUST, "a key that this box does not know"),
        ((CURRENT,), replace(TRUST, current=AFTER_NEXT.public, revoked=(CURRENT.public,)), "a key that was revoked"),
        ((CURRENT,), replace(TRUST, revoked=(CURRENT.public,)), "a key that was revoked"),
    ],
    ids=["unsigned", "unknown", "revoked", "current-but-revoked"],
)
def test_verified_refuses_other_signatures(keys, trust, sentence) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        verified(enveloped(manifest_bytes(MANIFEST), *keys), trust)


def test_verified_refuses_an_altered_manifest() -> None:
    content = json.loads(signed(MANIFEST))
    other = manifest_bytes(replace(MANIFEST, number=8))
    content["payload"] = base64.b64encode(other).decode()
    with pytest.raises(ReleaseError, match="it was altered"):
        verified(json.dumps(content).encode(), TRUST)


def test_verified_refuses_a_signature_for_another_purpose() -> None:
    signature = json.loads(enveloped(manifest_bytes(MANIFEST), CURRENT, payload_type="text/plain"))["signatures"]
    content = {**json.loads(signed(MANIFEST)), "signatures": signature}
    with pytest.raises(ReleaseError, match="it was altered"):
        verified(json.dumps(content).encode(), TRUST)


@pytest.mark.parametrize(
    "envelope",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"payloadType": "text/plain", "payload": "", "signatures": []}',
        b'{"payloadType": "application/vnd.gammabox.release+json", "payload": "%", "signatures": []}',
        b'{"payloadType": "application/vnd.gammabox.release+json", "payload": 5, "signatures": []}',
        b'{"payloadType": "application/vnd.gammabox.release+json", "payload": "", "signatures": [{"keyid": 1}]}',
        b'{"payloadType": "application/vnd.gammabox.release+json", "payload": "", "signatures": '
        + json.dumps([{"keyid": "x", "sig": ""}] * 17).encode()
        + b"}",
        b"x" * (3 << 20),
    ],
)
def test_verified_refuses_what_is_no_envelope(envelope) -> None:
    with pytest.raises(ReleaseError, match="is no envelope of a release"):
        verified(envelope, TRUST)


def test_verified_shows_no_control_signs_of_a_key_id() -> None:
    content = json.loads(signed(MANIFEST, STRANGER))
    content["signatures"][0]["keyid"] = "\x1b[2J"
    with pytest.raises(ReleaseError, match=r"\\x1b\[2J"):
        verified(json.dumps(content).encode(), TRUST)


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_verified_never_returns_another_manifest(place, value) -> None:
    envelope = bytearray(signed(MANIFEST))
    envelope[place % len(envelope)] = value
    try:
        found = verified(bytes(envelope), TRUST).manifest
    except ReleaseError:
        return
    assert found == MANIFEST


ROTATED = replace(MANIFEST, keys=Keys(NEXT.public, AFTER_NEXT.public, (CURRENT.public,)))


def test_verified_rotates_keys_signed_by_the_next_key() -> None:
    after = verified(signed(ROTATED, NEXT), TRUST).trust
    assert after == Trust(NEXT.public, AFTER_NEXT.public, (CURRENT.public,), 3)
    with pytest.raises(ReleaseError, match="revoked"):
        verified(signed(MANIFEST, CURRENT), after)
    assert verified(signed(ROTATED, AFTER_NEXT), after).manifest == ROTATED


def test_verified_ignores_keys_that_the_current_key_names() -> None:
    stolen = replace(MANIFEST, minimum=5, keys=Keys(STRANGER.public, CURRENT.public, (NEXT.public,)))
    assert verified(signed(stolen, CURRENT), TRUST).trust == replace(TRUST, minimum=5)


def test_verified_never_forgets_revoked_keys_or_the_minimum() -> None:
    trust = replace(TRUST, revoked=(STRANGER.public,), minimum=6)
    after = verified(signed(ROTATED, NEXT), trust).trust
    assert set(after.revoked) == {CURRENT.public, STRANGER.public}
    assert after.minimum == 6
