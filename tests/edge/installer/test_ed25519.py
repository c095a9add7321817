import ctypes

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_rig import CURRENT, STRANGER

from edge.errors import ReleaseError
from edge.installer import ed25519
from edge.installer.ed25519 import is_signed

# RFC 8032, section 7.1: secret key is not needed to verify.
RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_is_signed_takes_the_vectors_of_rfc_8032(key, message, signature):
    assert is_signed(bytes.fromhex(message), bytes.fromhex(signature), bytes.fromhex(key))


@given(message=st.binary(max_size=200), bit=st.integers(0, 64 * 8 - 1))
def test_is_signed_refuses_every_other_signature(message, bit):
    key = bytes.fromhex(CURRENT.public)
    signature = CURRENT.private.sign(message)
    assert is_signed(message, signature, key)
    altered = bytearray(signature)
    altered[bit // 8] ^= 1 << bit % 8
    assert not is_signed(message, bytes(altered), key)
    assert not is_signed(message + b"x", signature, key)
    assert not is_signed(message, signature, bytes.fromhex(STRANGER.public))


@pytest.mark.parametrize(("signature", "key"), [(b"", bytes(32)), (bytes(63), bytes(32)), (bytes(64), bytes(31))])
def test_is_signed_refuses_what_is_no_signature_or_key(signature, key):
    assert not is_signed(b"message", signature, key)


def test_is_signed_refuses_keys_that_are_no_points():
    # RFC 8032, 5.1.3: y has to be below 2^255 - 19 and on the curve.
    assert not is_signed(b"message", CURRENT.private.sign(b"message"), b"\x02" + bytes(31))


def test_is_signed_names_what_is_missing(monkeypatch):
    def absent(name):
        raise OSError(name)

    ed25519._libcrypto.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", absent)
    with pytest.raises(ReleaseError, match=r"libcrypto\.so\.3 and libcrypto\.so\.1\.1"):
        is_signed(b"", bytes(64), bytes(32))
