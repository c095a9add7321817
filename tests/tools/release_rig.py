"""Releases for tests: keys, manifests and envelopes, signed by securesystemslib and not by our own code."""

import hashlib
import json
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

from edge.installer.box import BoxFacts
from edge.installer.envelope import PAYLOAD_TYPE
from edge.installer.manifest import Keys, Manifest, ReleaseFile, Target, manifest_bytes
from edge.installer.trust import Trust, key_id

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
class TestKey:
    private: Ed25519PrivateKey
    public: str

    @classmethod
    def of(cls, number: int) -> "TestKey":
        private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        return cls(private, private.public_key().public_bytes_raw().hex())


CURRENT, NEXT, AFTER_NEXT, STRANGER = (TestKey.of(number) for number in (1, 2, 3, 4))
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


def enveloped(payload: bytes, *keys: TestKey, payload_type: str = PAYLOAD_TYPE) -> bytes:
    envelope = Envelope(payload, payload_type, {})
    for key in keys:
        public = SSlibKey(key_id(key.public), "ed25519", "ed25519", {"public": key.public})
        envelope.sign(CryptoSigner(key.private, public))
    return json.dumps(envelope.to_dict()).encode()


def signed(manifest: Manifest, *keys: TestKey) -> bytes:
    return enveloped(manifest_bytes(manifest), *(keys or (CURRENT,)))


def write_release(folder, manifest: Manifest, *keys: TestKey) -> None:
    (folder / "blobs").mkdir(parents=True)
    (folder / "release.json").write_bytes(signed(manifest, *keys))
    for _, content in CONTENT.values():
        (folder / "blobs" / hashlib.sha256(content).hexdigest()).write_bytes(content)
