"""The manifest of a release: what is in it, for which boxes, and which keys may sign the next one."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, get_args

from edge.errors import ReleaseError
from edge.files import load_json, why

SCHEMA = 1
MAX_BYTES = 1 << 20
MAX_NUMBER = 10**9

Kind = Literal["wheel", "pip", "model", "tool", "bom"]
KINDS: tuple[str, ...] = get_args(Kind)
ONE_OF_EACH = ("pip", "tool", "bom")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]{0,199}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{1,99}")


@dataclass(frozen=True, slots=True)
class Target:
    """The boxes that a release is for.

    `boards` as in the site file; `system` is ID and VERSION_ID of /etc/os-release, such as debian-12; `machine` is the
    processor as `uname -m` names it; `python` is that of the system, such as 3.11.
    """

    boards: tuple[str, ...]
    system: str
    machine: str
    python: str


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """A file of a release. Its content lies under its SHA-256; `name` is what it is called when it is used."""

    name: str
    kind: Kind
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The raw public keys of Ed25519, in hexadecimal: which signs now, which comes next, which no longer count."""

    current: str
    next: str
    revoked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release holds.

    `number` grows from release to release. A box that has taken this release takes none below `minimum` any more.
    `system_packages` are Debian packages that boxes with a CSI camera need. `installed_bytes` is what a slot takes.
    """

    name: str
    number: int
    minimum: int
    software: str
    target: Target
    system_site_packages: bool
    system_packages: tuple[str, ...]
    model_sha256: str
    installed_bytes: int
    files: tuple[ReleaseFile, ...]
    keys: Keys

    def of_kind(self, kind: Kind) -> tuple[ReleaseFile, ...]:
        """Return the files of a kind."""
        return tuple(file for file in self.files if file.kind == kind)


def manifest_bytes(manifest: Manifest) -> bytes:
    """Return the canonical text of a manifest, which is signed: the same manifest always has the same bytes."""
    content = {"schema": SCHEMA, **asdict(manifest)}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_manifest(payload: bytes) -> Manifest:
    """Read a manifest. Fields that are not known here are left out: a later release may have more.

    Raises
    ------
    ReleaseError
        It is no manifest of this schema, or a value in it is of another kind or out of range.

    """
    try:
        return _manifest(payload)
    except (ValueError, KeyError) as error:
        raise ReleaseError(f"the release's manifest cannot be used ({why(error)}); make the release again") from error


def _manifest(payload: bytes) -> Manifest:
    if len(payload) > MAX_BYTES:
        raise ValueError("it is larger than a manifest is")
    content = _table(load_json(payload.decode()), "the manifest")
    if content.get("schema") != SCHEMA:
        raise ValueError(f"its schema is {content.get('schema')!r:.20}, and this box knows {SCHEMA}")
    target, keys = _table(content["target"], "target"), _table(content["keys"], "keys")
    number = _whole(content["number"], "number", 1)
    minimum = _whole(content["minimum"], "minimum", 0)
    if minimum > number:
        raise ValueError(f"minimum is {minimum}, above its number {number}")
    manifest = Manifest(
        name=_text(content["name"], "name", _NAME),
        number=number,
        minimum=minimum,
        software=_text(content["software"], "software", _NAME),
        target=Target(
            boards=_texts(target["boards"], "boards", _NAME),
            system=_text(target["system"], "system", _NAME),
            machine=_text(target["machine"], "machine", _NAME),
            python=_text(target["python"], "python", re.compile(r"3\.[0-9]{1,2}")),
        ),
        system_site_packages=_kind(content["system_site_packages"], "system_site_packages", bool),
        system_packages=_texts(content["system_packages"], "system_packages", _PACKAGE),
        model_sha256=_text(content["model_sha256"], "model_sha256", _DIGEST),
        installed_bytes=_whole(content["installed_bytes"], "installed_bytes", 0),
        files=tuple(_file(_table(each, "a file")) for each in _kind(content["files"], "files", list)),
        keys=Keys(
            current=_text(keys["current"], "the current key", _DIGEST),
            next=_text(keys["next"], "the next key", _DIGEST),
            revoked=_texts(keys["revoked"], "revoked keys", _DIGEST),
        ),
    )
    _require_whole_set(manifest)
    return manifest


def _file(entry: dict[str, Any]) -> ReleaseFile:
    name = _text(entry["name"], "the name of a file", _NAME)
    kind = _text(entry["kind"], f"the kind of {name}", re.compile("|".join(KINDS)))
    size = _whole(entry["size"], f"the size of {name}", 0)
    return ReleaseFile(name, cast("Kind", kind), _text(entry["sha256"], f"the SHA-256 of {name}", _DIGEST), size)


def _require_whole_set(manifest: Manifest) -> None:
    names = [file.name for file in manifest.files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"it names {twice[0]} twice")
    for kind in ONE_OF_EACH:
        if len(manifest.of_kind(cast("Kind", kind))) != 1:
            raise ValueError(f"it has {len(manifest.of_kind(cast('Kind', kind)))} files of the kind {kind}, not 1")
    if "model.json" not in {file.name for file in manifest.of_kind("model")}:
        raise ValueError("it has no model")
    if not any(file.sha256 == manifest.model_sha256 for file in manifest.of_kind("model")):
        raise ValueError("model_sha256 is that of none of its files")
    if manifest.keys.current == manifest.keys.next:
        raise ValueError("its current key and its next one are the same")


def _table(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no table")  # noqa: TRY004 - one kind of error for whatever is wrong with it
    return value


def _kind(value: object, what: str, kind: type) -> Any:  # noqa: ANN401 - of that kind
    if not isinstance(value, kind):
        raise ValueError(f"{what} is of another kind")  # noqa: TRY004
    return value


def _whole(value: object, what: str, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value:
        raise ValueError(f"{what} is no whole number of at least {least}")
    if what in {"number", "minimum"} and value > MAX_NUMBER:
        raise ValueError(f"{what} is above {MAX_NUMBER:,}")
    return value


def _text(value: object, what: str, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError(f"{what} is {value!r:.40}, which cannot be")
    return value


def _texts(value: object, what: str, pattern: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(_text(each, what, pattern) for each in _kind(value, what, list))
