"""Makes a release: the software of a box, its packages and a model, in a folder or archive with a signed manifest."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

import edge
from edge.bundle import MANIFEST_FILE, MODEL_FILE, SCREEN_FILE, load_bundle
from edge.files import sha256_of, why
from edge.installer.blobs import FOLDER as BLOBS
from edge.installer.blobs import opened
from edge.installer.envelope import FILE as ENVELOPE_FILE
from edge.installer.envelope import PAYLOAD_TYPE, Verified, verified
from edge.installer.manifest import Kind, Manifest, ReleaseFile, manifest_bytes
from edge.installer.trust import key_id
from firmware_config import release_keys
from firmware_config.archives import write_tar
from firmware_config.bom import NAME as BOM_NAME
from firmware_config.bom import bom_bytes
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.own_wheel import wheel_bytes, wheel_name
from firmware_config.tool import NAME as TOOL_NAME
from firmware_config.tool import tool_bytes
from firmware_config.wheels import PIP, Wheel, read_wheels, require_fit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from firmware_config.targets import Choice

ARCHIVE = ".tar"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a release is made of.

    `number` is that of the release, `minimum` the lowest that boxes take from then on. `wheels` is the folder of the
    wheels, `model` that of the bundle, `keys` that of the keys.
    """

    choice: Choice
    number: int
    minimum: int
    wheels: Path
    model: Path
    keys: Path

    @property
    def name(self) -> str:
        """The name of the release, as boxes say it."""
        return f"{edge.__version__}-{self.number}"

    @property
    def file_name(self) -> str:
        """How its folder or archive is called without another wish."""
        return f"gammabox-{self.name}-{self.choice.name}-py{self.choice.python}"


@dataclass(frozen=True, slots=True)
class Made:
    """A release that was made: where, its manifest, and the SHA-256 of the manifest, which is its id."""

    path: Path
    manifest: Manifest
    sha256: str


def make(plan: Plan, out: Path) -> Made:
    """Make a release as a folder, or as an archive where the name ends in .tar. The same plan gives the same bytes.

    Raises
    ------
    FirmwareError
        The wheels are no whole set or the numbers are wrong.
    CredentialsError
        The current key is missing.
    BundleError
        The model is damaged.
    OutputError
        Something is there already, or it cannot be written.

    """
    if not 0 <= plan.minimum <= plan.number or plan.number < 1:
        raise FirmwareError(f"the lowest number {plan.minimum} is not from 0 to that of the release, {plan.number}")
    if out.exists():
        raise OutputError(out, "is there already", "name another place, or remove it")
    ring = release_keys.load(plan.keys)
    private = release_keys.signers(plan.keys, ring)
    folder = out.with_name(out.name + ".part")
    try:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / BLOBS).mkdir(parents=True)
        manifest = _manifest(plan, ring, _Blobs(folder / BLOBS))
        payload = manifest_bytes(manifest)
        (folder / ENVELOPE_FILE).write_bytes(envelope_bytes(payload, private))
        if out.suffix == ARCHIVE:
            _archive(folder, out)
        else:
            folder.rename(out)
    except OSError as error:
        raise OutputError(out, f"cannot be written ({why(error)})", "check rights and free space") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Made(out, manifest, hashlib.sha256(payload).hexdigest())


def check(path: Path, keys: Path) -> Verified:
    """Check the signature and every file of a release as a new box with these keys would.

    Raises
    ------
    ReleaseError
        It is no release, or damaged, or signed by another key.
    CredentialsError
        There are no keys.

    """
    source = opened(path)
    found = verified(source.envelope, release_keys.load(keys).trust)
    with tempfile.TemporaryDirectory(prefix="gammabox-release-", dir=path.absolute().parent) as folder:
        source.checked(found.manifest, Path(folder) / BLOBS)
    return found


def envelope_bytes(payload: bytes, keys: list[Ed25519PrivateKey]) -> bytes:
    """Return the envelope of a manifest, signed by each of the keys. The same keys give the same bytes."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    for private in keys:
        public = release_keys.public_of(private)
        envelope.sign(CryptoSigner(private, SSlibKey(key_id(public), "ed25519", "ed25519", {"public": public})))
    return (json.dumps(envelope.to_dict(), sort_keys=True) + "\n").encode()


class _Blobs:
    """Takes the files of a release into its folder, each under its SHA-256."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.files: list[ReleaseFile] = []

    def add(self, name: str, kind: Kind, content: bytes | Path) -> ReleaseFile:
        sha256 = sha256_of(content) if isinstance(content, Path) else hashlib.sha256(content).hexdigest()
        path = self._folder / sha256
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_bytes(content)
        file = ReleaseFile(name, kind, sha256, path.stat().st_size)
        self.files.append(file)
        return file


def _manifest(plan: Plan, ring: release_keys.KeyRing, blobs: _Blobs) -> Manifest:
    wheels = read_wheels(plan.wheels)
    require_fit(plan.choice, wheels)
    bundle = load_bundle(plan.model)
    own = blobs.add(wheel_name(), "wheel", wheel_bytes())
    listed: list[tuple[Wheel, str]] = []
    for wheel in wheels:
        file = blobs.add(wheel.path.name, "pip" if wheel.name == PIP else "wheel", wheel.path)
        listed.append((wheel, file.sha256))
    names = [MANIFEST_FILE, MODEL_FILE, *([SCREEN_FILE] if bundle.screen is not None else [])]
    model = [blobs.add(name, "model", plan.model / name) for name in names]
    tool = blobs.add(TOOL_NAME, "tool", tool_bytes())
    blobs.add(BOM_NAME, "bom", bom_bytes(plan.name, plan.choice, listed, bundle.manifest))
    # Deflated text is a quarter of its size, and compiled once more; a tenth for blocks that are not full.
    kept = 8 * own.size + sum(wheel.installed_bytes for wheel in wheels if wheel.name != PIP)
    kept += sum(file.size for file in (*model, tool))
    return Manifest(
        name=plan.name,
        number=plan.number,
        minimum=plan.minimum,
        software=edge.__version__,
        target=plan.choice.target,
        system_site_packages=bool(plan.choice.system_packages),
        system_packages=plan.choice.system_packages,
        model_sha256=bundle.manifest.sha256,
        installed_bytes=kept * 11 // 10,
        files=tuple(sorted(blobs.files, key=lambda file: (file.kind, file.name))),
        keys=ring.keys,
    )


def _archive(folder: Path, out: Path) -> None:
    blobs = sorted((folder / BLOBS).iterdir())
    names = [(ENVELOPE_FILE, folder / ENVELOPE_FILE), *((f"{BLOBS}/{path.name}", path) for path in blobs)]
    part = out.with_name(out.name + ".writing")
    try:
        with part.open("wb") as file:
            write_tar(file, names)
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
