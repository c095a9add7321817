"""Releases for tests: keys, manifests and envelopes, signed by securesystemslib and not by our own code."""

import ensurepip
import hashlib
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from edge.installer.box import BoxFacts, read_box
from edge.installer.envelope import PAYLOAD_TYPE
from edge.installer.manifest import Keys, Manifest, ReleaseFile, Target, manifest_bytes
from edge.installer.trust import Trust, key_id, save_trust
from firmware_config.archives import zip_bytes

PI_5 = BoxFacts("rpi5", "debian-12", "aarch64", "3.11")
CONTENT = {
    "gammabox-0.1.0-py3-none-any.whl": ("wheel", b"agent"),
    "pip-26.0-py3-none-any.whl": ("pip", b"pip"),
    "model.json": ("model", b"{}"),
    "model.tflite": ("model", b"network"),
    "gammabox-box.pyz": ("tool", b"tool"),
    "bom.cdx.json": ("bom", b"{ }"),
}


@dataclass(frozen=True)
class SigningKey:
    private: Ed25519PrivateKey
    public: str

    @classmethod
    def of(cls, number: int) -> "SigningKey":
        private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        return cls(private, private.public_key().public_bytes_raw().hex())


CURRENT, NEXT, AFTER_NEXT, STRANGER = (SigningKey.of(number) for number in (1, 2, 3, 4))
TRUST = Trust(CURRENT.public, NEXT.public)


def a_manifest(**changes) -> Manifest:
    files = tuple(
        ReleaseFile(name, kind, hashlib.sha256(content).hexdigest(), len(content))
        for name, (kind, content) in CONTENT.items()
    )
    manifest = Manifest(
        name="0.1.0-7",
        number=7,
        minimum=3,
        software="0.1.0",
        target=Target(("rpi4", "rpi5"), "debian-12", "aarch64", "3.11"),
        system_site_packages=True,
        system_packages=("python3-picamera2",),
        model_sha256=hashlib.sha256(b"network").hexdigest(),
        installed_bytes=1000,
        files=files,
        keys=Keys(CURRENT.public, NEXT.public),
    )
    return replace(manifest, **changes)


def enveloped(payload: bytes, *keys: SigningKey, payload_type: str = PAYLOAD_TYPE) -> bytes:
    envelope = Envelope(payload, payload_type, {})
    for key in keys:
        public = SSlibKey(key_id(key.public), "ed25519", "ed25519", {"public": key.public})
        envelope.sign(CryptoSigner(key.private, public))
    return json.dumps(envelope.to_dict()).encode()


def signed(manifest: Manifest, *keys: SigningKey) -> bytes:
    return enveloped(manifest_bytes(manifest), *(keys or (CURRENT,)))


def write_release(folder, manifest: Manifest, *keys: SigningKey) -> None:
    (folder / "blobs").mkdir(parents=True)
    (folder / "release.json").write_bytes(signed(manifest, *keys))
    for _, content in CONTENT.values():
        (folder / "blobs" / hashlib.sha256(content).hexdigest()).write_bytes(content)


# Stands in for the software in an environment that is really made: what the trial of a slot asks for, and no more.
STAND_IN = {
    "edge/__init__.py": "",
    "edge/agent.py": "",
    "edge/commands/__init__.py": "",
    "edge/commands/run.py": "",
    "edge/commands/cli.py": "def main():\n    print('0.1.0')\n",
    "edge/detect/__init__.py": "",
    "edge/detect/detector.py": "def Detector(bundle):\n    return bundle\n",
    "edge/bundle.py": (
        "import hashlib, pathlib, sys, types\n"
        "def shipped_bundle_path():\n    return pathlib.Path(sys.prefix) / 'model'\n"
        "def load_bundle(path):\n"
        "    digest = hashlib.sha256((path / 'model.tflite').read_bytes()).hexdigest()\n"
        "    return types.SimpleNamespace(manifest=types.SimpleNamespace(sha256=digest))\n"
    ),
}
HELPER = {"helper/__init__.py": "VALUE = 5\n"}


def a_wheel(name: str, version: str, sources: dict[str, str], script: str | None = None, needs=()) -> bytes:
    info = f"{name}-{version}.dist-info"
    files = {path: text.encode() for path, text in sources.items()}
    about = [
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        *(f"Requires-Dist: {need}\n" for need in needs),
    ]
    files[f"{info}/METADATA"] = "".join(about).encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if script is not None:
        files[f"{info}/entry_points.txt"] = f"[console_scripts]\n{script}\n".encode()
    record = "".join(f"{path},,\n" for path in files)
    return zip_bytes({**files, f"{info}/RECORD": record.encode()})


def pip_wheel() -> Path:
    """Return the wheel of pip that comes with the Python of the tests."""
    found = sorted(Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))
    if not found:
        pytest.skip("this Python has no wheel of pip (ensurepip)")
    return found[-1]


def this_target() -> Target:
    """Return this machine as a target, as `read_box` finds it below a root with its own os-release."""
    facts = read_box(Path("/"))
    return Target((facts.board,), facts.system, facts.machine, facts.python)


def installable(folder: Path, *keys: SigningKey, contents=(), **changes) -> Manifest:
    """Write a release with stand-ins that can be installed on this machine."""
    files = {
        "gammabox-0.1.0-py3-none-any.whl": (
            "wheel",
            a_wheel("gammabox", "0.1.0", STAND_IN, "gammabox-edge = edge.commands.cli:main"),
        ),
        "helper-1.0-py3-none-any.whl": ("wheel", a_wheel("helper", "1.0", HELPER)),
        pip_wheel().name: ("pip", pip_wheel().read_bytes()),
        "model.json": ("model", b"{}"),
        "model.tflite": ("model", b"network"),
        "gammabox-box.pyz": ("tool", b"tool"),
        "bom.cdx.json": ("bom", b"{ }"),
        **dict(contents),
    }
    (folder / "blobs").mkdir(parents=True)
    entries = []
    for name, (kind, content) in files.items():
        digest = hashlib.sha256(content).hexdigest()
        (folder / "blobs" / digest).write_bytes(content)
        entries.append(ReleaseFile(name, kind, digest, len(content)))
    about = {"target": this_target(), "system_site_packages": False, "files": tuple(entries), **changes}
    manifest = a_manifest(**about)
    (folder / "release.json").write_bytes(signed(manifest, *keys))
    return manifest


def a_root(folder: Path) -> Path:
    """Make a root folder of a box like this machine, that trusts the current and the next key."""
    base = folder / "opt/gammabox"
    base.mkdir(parents=True)
    save_trust(base / "trust.json", TRUST)
    (folder / "etc").mkdir()
    shutil.copyfile("/etc/os-release", folder / "etc/os-release")
    return folder


VERSIONS = {
    "ai_edge_litert": "2.1",
    "numpy": "1.26.4",
    "opencv_python_headless": "4.11.0",
    "paho_mqtt": "2.1",
    "pydantic": "2.9",
    "rich": "13.9",
    "ruamel_yaml": "0.18.6",
    "simplejpeg": "1.8",
    "typer": "0.20",
}


def stand_in_wheels(folder: Path) -> Path:
    """Write small wheels that fulfil, by name and version, what the software of a box requires; and pip's own."""
    folder.mkdir(parents=True)
    for name, version in VERSIONS.items():
        (folder / f"{name}-{version}-py3-none-any.whl").write_bytes(a_wheel(name, version, {f"{name}.py": "\n"}))
    shutil.copyfile(pip_wheel(), folder / pip_wheel().name)
    return folder
