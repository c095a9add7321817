"""The keys that sign releases: the current one, the next one, and those that no longer count.

keys.json                public keys, no secret
current.key, next.key    private keys as PEM; next.key belongs off the network, and is needed to rotate only
retired-<id>.key         keys that were replaced and not revoked: they sign on for boxes that have missed the change
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.files import load_json, why
from edge.installer.manifest import Keys
from edge.installer.trust import Trust, key_id
from firmware_config.errors import CredentialsError
from firmware_config.folder import locked, read_bytes, write_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "keys.json"
CURRENT = "current.key"
NEXT = "next.key"
_SCHEMA = 1


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The public keys of releases, in hexadecimal."""

    current: str
    next: str
    retired: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()

    @property
    def keys(self) -> Keys:
        """What a manifest says of the keys."""
        return Keys(self.current, self.next, self.revoked)

    @property
    def trust(self) -> Trust:
        """What a new box trusts."""
        return Trust(self.current, self.next, self.revoked)


def create(folder: Path) -> KeyRing:
    """Make the two keys in a new folder.

    Raises
    ------
    CredentialsError
        There are keys already, or they cannot be written.

    """
    with locked(folder):
        if (folder / FILE).exists() or (folder / CURRENT).exists():
            raise CredentialsError(f"{folder}: has keys of releases already; boxes trust them. Name another folder")
        ring = KeyRing(_new(folder / CURRENT), _new(folder / NEXT))
        _save(folder, ring)
        return ring


def load(folder: Path) -> KeyRing:
    """Read the public keys.

    Raises
    ------
    CredentialsError
        There are none, or the file is damaged.

    """
    path = folder / FILE
    if not path.exists():
        raise CredentialsError(f"{path}: is missing; make keys with: gammabox-firmware release keys {folder}")
    try:
        return _ring(load_json(read_bytes(path)))
    except (ValueError, KeyError, TypeError) as error:
        raise CredentialsError(f"{path}: is damaged ({why(error)}); restore it from a copy") from error


def signers(folder: Path, ring: KeyRing) -> list[Ed25519PrivateKey]:
    """Return the private keys that sign a release: the current one, and retired ones that are still there.

    Raises
    ------
    CredentialsError
        The current one is missing or is another key.

    """
    paths = {public: folder / _retired(public) for public in ring.retired}
    present = {public: path for public, path in paths.items() if path.exists()}
    return [_private(path, public) for public, path in {ring.current: folder / CURRENT, **present}.items()]


def rotate(folder: Path, *, revoke: bool = False) -> KeyRing:
    """Make the next key the current one, and a new next key. The releases made from now on tell it to the boxes.

    Parameters
    ----------
    folder : Path
        The keys. `next.key` has to be there.
    revoke : bool
        Whether the old key is revoked, such as after a theft; boxes that have this change refuse it. Else it signs on,
        so that boxes that miss this change and another one still take releases.

    Raises
    ------
    CredentialsError
        The next key is missing or is another one, or a file cannot be written.

    """
    with locked(folder):
        ring = load(folder)
        _private(folder / NEXT, ring.next)
        old, name = ring.current, _retired(ring.current)
        # Each step leaves keys that sign: a command that was cut short is given again, or the folder restored.
        if revoke:
            changed = replace(ring, revoked=tuple(sorted({*ring.revoked, old})))
        else:
            changed = replace(ring, retired=(*ring.retired, old))
            _move(folder / CURRENT, folder / name)
        _move(folder / NEXT, folder / CURRENT)
        changed = replace(changed, current=ring.next, next=_new(folder / NEXT))
        _save(folder, changed)
        return changed


def revoke_retired(folder: Path, beginning: str) -> KeyRing:
    """Revoke a retired key, named by the beginning of its id; its private key is removed.

    Raises
    ------
    CredentialsError
        It is none of the retired ones. To revoke the current one, rotate.

    """
    with locked(folder):
        ring = load(folder)
        found = [public for public in ring.retired if beginning and key_id(public).startswith(beginning)]
        if len(found) != 1:
            known = ", ".join(key_id(public)[:12] for public in ring.retired) or "there is none"
            raise CredentialsError(f"{beginning}: names no retired key ({known}); the current one: rotate --revoke")
        retired = tuple(public for public in ring.retired if public != found[0])
        changed = replace(ring, retired=retired, revoked=tuple(sorted({*ring.revoked, found[0]})))
        _save(folder, changed)
        (folder / _retired(found[0])).unlink(missing_ok=True)
        return changed


def public_of(private: Ed25519PrivateKey) -> str:
    """Return the raw public key of a private one, in hexadecimal."""
    raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return raw.hex()


def _new(path: Path) -> str:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(path, pem.decode("ascii"))
    return public_of(private)


def _private(path: Path, public: str) -> Ed25519PrivateKey:
    if not path.exists():
        raise CredentialsError(f"{path}: is missing; bring it from where you keep it")
    try:
        private = serialization.load_pem_private_key(read_bytes(path), None)
    except (ValueError, TypeError):
        raise CredentialsError(f"{path}: holds no key that can be read; restore it from a copy") from None
    if not isinstance(private, Ed25519PrivateKey) or public_of(private) != public:
        raise CredentialsError(f"{path}: is not the key that {FILE} names; restore both from one copy")
    return private


def _save(folder: Path, ring: KeyRing) -> None:
    write_private(folder / FILE, json.dumps({"schema": _SCHEMA, **asdict(ring)}, indent=2) + "\n")


def _ring(content: dict[str, Any]) -> KeyRing:
    if content["schema"] != _SCHEMA:
        raise ValueError("it is of another version")
    ring = KeyRing(content["current"], content["next"], tuple(content["retired"]), tuple(content["revoked"]))
    for public in _all(ring):
        if len(bytes.fromhex(public)) != len(key_id("")) // 2:
            raise ValueError("a key in it is no key")
    return ring


def _all(ring: KeyRing) -> Iterator[str]:
    yield from (ring.current, ring.next, *ring.retired, *ring.revoked)


def _retired(public: str) -> str:
    return f"retired-{key_id(public)[:12]}.key"


def _move(source: Path, path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        source.replace(path)
