import json

import pytest
from release_rig import CURRENT, a_manifest

from edge.errors import ReleaseError
from edge.installer.manifest import manifest_bytes, parse_manifest

MANIFEST = a_manifest()


def altered(**changes) -> bytes:
    return json.dumps({**json.loads(manifest_bytes(MANIFEST)), **changes}).encode()


def test_parse_manifest_reads_what_manifest_bytes_writes() -> None:
    assert parse_manifest(manifest_bytes(MANIFEST)) == MANIFEST
    assert manifest_bytes(MANIFEST) == manifest_bytes(parse_manifest(manifest_bytes(MANIFEST)))


def test_parse_manifest_leaves_out_unknown_fields() -> None:
    assert parse_manifest(altered(colour="blue")) == MANIFEST


FILES = json.loads(manifest_bytes(MANIFEST))["files"]
TARGET = json.loads(manifest_bytes(MANIFEST))["target"]
KEYS = json.loads(manifest_bytes(MANIFEST))["keys"]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "no JSON"),
        (b"\xff", "not UTF-8"),
        (b"[]", "no table"),
        (b" " * (2 << 20), "larger"),
        (altered(schema=2), "its schema is 2"),
        (altered(number="7"), "number is no whole number"),
        (altered(number=True), "number is no whole number"),
        (altered(number=0), "at least 1"),
        (altered(number=2 * 10**9), "above"),
        (altered(minimum=8), "minimum is 8, above its number 7"),
        (altered(minimum=-1), "at least 0"),
        (altered(name="../x"), "which cannot be"),
        (altered(name="a\nb"), "which cannot be"),
        (altered(software=None), "software is None"),
        (altered(target=[]), "target is no table"),
        (altered(target={**TARGET, "boards": "rpi4"}), "boards is of another kind"),
        (altered(target={**TARGET, "python": "2.7"}), "python is"),
        (altered(system_site_packages=1), "of another kind"),
        (altered(system_packages=["-y"]), "which cannot be"),
        (altered(model_sha256="0" * 64), "none of its files"),
        (altered(installed_bytes=-1), "at least 0"),
        (altered(files=None), "files is of another kind"),
        (altered(files=["x"]), "a file is no table"),
        (altered(files=[*FILES, FILES[0]]), "twice"),
        (altered(files=[file for file in FILES if file["kind"] != "pip"]), "0 files of the kind pip"),
        (altered(files=[{**file, "name": "a/b"} for file in FILES]), "the name of a file"),
        (altered(files=[{**file, "name": ".hidden"} for file in FILES]), "the name of a file"),
        (altered(files=[{**file, "kind": "script"} for file in FILES]), "the kind of"),
        (altered(files=[{**file, "sha256": "ab"} for file in FILES]), "the SHA-256 of"),
        (altered(files=[{**file, "size": 1.5} for file in FILES]), "the size of"),
        (altered(keys={**KEYS, "next": CURRENT.public}), "the same"),
        (altered(keys={**KEYS, "revoked": ["x"]}), "revoked keys"),
        (altered(keys={"current": CURRENT.public}), '"next" is missing'),
    ],
)
def test_parse_manifest_refuses_with_the_reason(payload, reason) -> None:
    with pytest.raises(ReleaseError, match="make the release again") as caught:
        parse_manifest(payload)
    assert reason in str(caught.value)
