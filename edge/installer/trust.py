"""What a box trusts: the keys that may sign its releases, and the lowest number that it still takes."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edge.errors import ReleaseError
from edge.files import load_json, read_text, replace_file, why

if TYPE_CHECKING:
    from pathlib import Path

    from edge.installer.manifest import Manifest

SCHEMA = 1
FILE = "trust.json"
_KEY = re.compile(r"[0-9a-f]{64}")


def key_id(key: str) -> str:
    """Return the name of a key in a signature: the SHA-256 of the raw public key, both in hexadecimal."""
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()


@dataclass(frozen=True, slots=True)
class Trust:
    """The raw public keys that a box knows, in hexadecimal, and the lowest number of a release that it takes."""

    current: str
    next: str
    revoked: tuple[str, ...] = ()
    minimum: int = 0

    @property
    def accepted(self) -> tuple[str, ...]:
        """The keys whose signature is enough."""
        return tuple(key for key in (self.current, self.next) if key not in self.revoked)

    def after(self, manifest: Manifest, signers: tuple[str, ...]) -> Trust:
        """Return what a box trusts once it works with a release.

        Parameters
        ----------
        manifest : Manifest
            That of the release.
        signers : tuple of str
            The accepted keys that have signed it. Only the next key, which lies off the network, changes the keys: who
            steals the current one cannot lock out its owner.

        """
        minimum = max(self.minimum, manifest.minimum)
        if self.next not in signers:
            return Trust(self.current, self.next, self.revoked, minimum)
        revoked = tuple(sorted({*self.revoked, *manifest.keys.revoked}))
        return Trust(manifest.keys.current, manifest.keys.next, revoked, minimum)


def trust_text(trust: Trust) -> str:
    """Return the content of a file of trust."""
    return json.dumps({"schema": SCHEMA, **asdict(trust)}, indent=2) + "\n"


def save_trust(path: Path, trust: Trust) -> None:
    """Write what a box trusts, in one step. Raise OSError where that fails; the old file is untouched then."""
    replace_file(path, trust_text(trust))


def load_trust(path: Path) -> Trust:
    """Read what a box trusts.

    Raises
    ------
    ReleaseError
        The file is missing or damaged.

    """
    try:
        content = load_json(read_text(path))
        return _trust(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReleaseError(
            f"{path}: the keys of releases cannot be read ({why(error)}); install a release over ssh again"
        ) from error


def _trust(content: Any) -> Trust:  # noqa: ANN401 - whatever the file holds
    if content["schema"] != SCHEMA:
        raise ValueError(f"its schema is {content['schema']!r:.20}, and {SCHEMA} is expected")
    revoked, minimum = content["revoked"], content["minimum"]
    keys = [content["current"], content["next"], *revoked]
    if not all(isinstance(key, str) and _KEY.fullmatch(key) for key in keys):
        raise ValueError("a key in it is no key")
    if not isinstance(minimum, int) or isinstance(minimum, bool) or minimum < 0:
        raise ValueError("minimum is no whole number")
    return Trust(keys[0], keys[1], tuple(revoked), minimum)
