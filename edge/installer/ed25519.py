"""Checks Ed25519 signatures with the libcrypto that comes with TLS for Python: nothing has to be installed."""

from __future__ import annotations

import ctypes
from functools import cache

from edge.errors import ReleaseError

KEY_BYTES = 32
SIGNATURE_BYTES = 64
# OpenSSL 3 (Debian 12, Ubuntu 22.04 and newer) and 1.1.1; older ones know no Ed25519.
LIBRARIES = ("libcrypto.so.3", "libcrypto.so.1.1")
_EVP_PKEY_ED25519 = 1087  # openssl/obj_mac.h: NID_ED25519


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    """Return whether a signature is that of a message by a key, as RFC 8032 defines it.

    Parameters
    ----------
    message : bytes
        What was signed.
    signature : bytes
        64 bytes; others are no signature.
    key : bytes
        The raw public key, 32 bytes; others are no key.

    Raises
    ------
    ReleaseError
        This system has no libcrypto that knows Ed25519.

    """
    if len(signature) != SIGNATURE_BYTES or len(key) != KEY_BYTES:
        return False
    crypto = _libcrypto()
    context = crypto.EVP_MD_CTX_new()
    public = crypto.EVP_PKEY_new_raw_public_key(_EVP_PKEY_ED25519, None, key, len(key))
    try:
        if not context or not public:
            return False
        if crypto.EVP_DigestVerifyInit(context, None, None, None, public) != 1:
            return False
        return bool(crypto.EVP_DigestVerify(context, signature, len(signature), message, len(message)) == 1)
    finally:
        # Both take NULL.
        crypto.EVP_PKEY_free(public)
        crypto.EVP_MD_CTX_free(context)


@cache
def _libcrypto() -> ctypes.CDLL:
    for name in LIBRARIES:
        try:
            crypto = ctypes.CDLL(name)
            # docs.openssl.org, man3: EVP_PKEY_new, EVP_DigestInit, EVP_DigestVerifyInit
            pointer, size, text = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p
            for function, result, arguments in (
                ("EVP_MD_CTX_new", pointer, []),
                ("EVP_MD_CTX_free", None, [pointer]),
                ("EVP_PKEY_new_raw_public_key", pointer, [ctypes.c_int, pointer, text, size]),
                ("EVP_PKEY_free", None, [pointer]),
                ("EVP_DigestVerifyInit", ctypes.c_int, [pointer, pointer, pointer, pointer, pointer]),
                ("EVP_DigestVerify", ctypes.c_int, [pointer, text, size, text, size]),
            ):
                declared = getattr(crypto, function)
                declared.restype, declared.argtypes = result, arguments
        except (OSError, AttributeError):
            continue
        return crypto
    raise ReleaseError(
        f"no library can check signatures here (looked for {' and '.join(LIBRARIES)}); install Debian's libssl3"
    )
