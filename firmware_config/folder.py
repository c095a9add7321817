"""The folder of a site's credentials: what lies where, written in one step each and readable for its owner alone.

ca.crt  ca.key                     the authority; the key is missing where it lies with somebody else
crl.pem                            serial numbers that the broker refuses
ledger.json                        what was issued, and what became of it
broker/  control-room/             broker.crt, broker.key; control-room.crt, control-room.key
administrator/                     administrator.crt, administrator.key, to remove what retired boxes left behind
boxes/<device>/                    box.crt, box.key, and next.crt, next.key while a change is under way
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from edge.files import why
from edge.telemetry.login import NEXT_CERTIFICATE, NEXT_KEY
from firmware_config.certificates import Authority
from firmware_config.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from firmware_config.certificates import Role

AUTHORITY = "ca.crt"
AUTHORITY_KEY = "ca.key"
LIST = "crl.pem"
LOCK = ".lock"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the certificate and key of a name lie, and those of its next ones."""

    certificate: Path
    key: Path
    next_certificate: Path
    next_key: Path


def place_of(folder: Path, role: Role, name: str) -> Place:
    """Return where the files of a name lie."""
    own, stem = (folder / "boxes" / name, "box") if role == "box" else (folder / role, role)
    return Place(own / f"{stem}.crt", own / f"{stem}.key", own / NEXT_CERTIFICATE, own / NEXT_KEY)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder for one command at a time, made with rights for its owner alone where it is missing.

    Raises
    ------
    CredentialsError
        The folder cannot be made or written.

    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise CredentialsError(f"{folder}: {why(error)}; check its rights") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, in one step: it is never readable for others, not even for a moment.

    Raises
    ------
    CredentialsError
        It cannot be written.

    """
    part = path.with_name(path.name + ".part")
    try:
        for parent in (path.parent.parent, path.parent):
            parent.mkdir(mode=0o700, exist_ok=True)
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise CredentialsError(f"{path}: {why(error)}; check rights and free space") from error


def read_authority(folder: Path) -> Authority:
    """Read the authority of a folder.

    Raises
    ------
    CredentialsError
        A file is missing or damaged.

    """
    key_path = folder / AUTHORITY_KEY
    return Authority(read_certificate(folder / AUTHORITY), read_key(key_path) if key_path.exists() else None)


def read_certificate(path: Path) -> x509.Certificate:
    """Read the first certificate of a PEM file. Raise CredentialsError where there is none."""
    try:
        return x509.load_pem_x509_certificate(read_bytes(path))
    except ValueError:
        raise CredentialsError(
            f"{path}: holds no certificate as PEM; name a file that begins with BEGIN CERTIFICATE"
        ) from None


def read_key(path: Path, passphrase: bytes | None = None) -> ec.EllipticCurvePrivateKey:
    """Read a private key. Raise CredentialsError where there is none, or one of another kind."""
    try:
        key = serialization.load_pem_private_key(read_bytes(path), passphrase)
    except TypeError:
        need = "is encrypted; give its passphrase in a file" if passphrase is None else "is not encrypted"
        raise CredentialsError(f"{path}: {need}") from None
    except ValueError:
        raise CredentialsError(f"{path}: holds no key that can be read; check file and passphrase") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CredentialsError(f"{path}: holds no key on an elliptic curve; use one on P-256")
    return key


def read_bytes(path: Path) -> bytes:
    """Read a small file. Raise CredentialsError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(1 << 20)
    except OSError as error:
        raise CredentialsError(f"{path}: {why(error)}; name a file that can be read") from error
