"""Releases are made of the real software of the box, the model that ships, and stand-ins for other packages."""

import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest
from release_rig import stand_in_wheels
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

import edge
from edge.bundle import load_bundle, shipped_bundle_path
from edge.errors import BundleError, ReleaseError
from edge.installer.manifest import parse_manifest
from edge.installer.trust import key_id
from firmware_config import release_keys
from firmware_config.errors import CredentialsError, FirmwareError, OutputError
from firmware_config.release import Plan, check, make
from firmware_config.targets import chosen

BOOKWORM = chosen("rpi5", "bookworm")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("parts")
    stand_in_wheels(folder / "wheels")
    release_keys.create(folder / "keys")
    return folder


def plan(parts, number=7, minimum=3, **changes) -> Plan:
    values = {"wheels": parts / "wheels", "model": shipped_bundle_path(), "keys": parts / "keys", **changes}
    return Plan(BOOKWORM, number, minimum, **values)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_make_writes_a_folder_that_a_box_takes(parts, tmp_path) -> None:
    made = make(plan(parts), tmp_path / "release")
    manifest = made.manifest
    assert (manifest.name, manifest.number, manifest.minimum) == (f"{edge.__version__}-7", 7, 3)
    assert manifest.target == BOOKWORM.target
    assert manifest.system_site_packages
    assert manifest.model_sha256 == load_bundle(shipped_bundle_path()).manifest.sha256
    assert check(made.path, parts / "keys").manifest == manifest
    listed = {file.sha256: file.size for file in manifest.files}
    assert {path.name: path.stat().st_size for path in (made.path / "blobs").iterdir()} == listed
    assert sorted(path.name for path in made.path.iterdir()) == ["blobs", "release.json"]
    kinds = [file.kind for file in manifest.files]
    assert [kinds.count(kind) for kind in ("pip", "tool", "bom", "model")] == [1, 1, 1, 3]


def test_make_signs_an_envelope_that_others_verify(parts, tmp_path) -> None:
    made = make(plan(parts), tmp_path / "release")
    envelope = Envelope.from_dict(json.loads((made.path / "release.json").read_text()))
    public = release_keys.load(parts / "keys").current
    key = SSlibKey(key_id(public), "ed25519", "ed25519", {"public": public})
    assert list(envelope.verify([key], 1)) == [key_id(public)]
    assert parse_manifest(envelope.payload) == made.manifest
    assert hashlib.sha256(envelope.payload).hexdigest() == made.sha256


def test_make_has_the_same_bytes_from_another_folder(parts, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = make(plan(parts), tmp_path / "first.tar")
    other = tmp_path / "quite" / "another place"
    (tmp_path / "quite").mkdir()
    shutil.copytree(parts, other)
    for path in other.rglob("*"):
        os.utime(path, (5, 5))
    shutil.copytree(Path(edge.__file__).parent, other / "edge", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(edge, "__file__", str(other / "edge/__init__.py"))
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.chdir(other)
    old = os.umask(0o077)
    try:
        second = make(plan(other, model=other / "edge/models/alexnet_edge"), other / "second.tar")
    finally:
        os.umask(old)
    assert digest(first.path) == digest(second.path)
    assert first.sha256 == second.sha256
    assert str(tmp_path).encode() not in second.path.read_bytes()


def test_make_differs_with_its_input(parts, tmp_path) -> None:
    first = make(plan(parts), tmp_path / "first")
    assert make(plan(parts, number=8), tmp_path / "second").sha256 != first.sha256


def test_make_writes_an_archive_with_the_envelope_first(parts, tmp_path) -> None:
    made = make(plan(parts), tmp_path / "release.tar")
    with tarfile.open(made.path) as archive:
        names = archive.getnames()
    assert names[0] == "release.json"
    assert names[1:] == sorted(f"blobs/{file.sha256}" for file in made.manifest.files)
    assert check(made.path, parts / "keys").sha256 == made.sha256
    assert [path.name for path in tmp_path.iterdir()] == ["release.tar"]


def test_make_after_a_rotation_signs_with_both_keys(parts, tmp_path) -> None:
    shutil.copytree(parts / "keys", tmp_path / "keys")
    before = release_keys.load(tmp_path / "keys")
    release_keys.rotate(tmp_path / "keys")
    made = make(plan(parts, keys=tmp_path / "keys"), tmp_path / "release")
    names = {each["keyid"] for each in json.loads((made.path / "release.json").read_text())["signatures"]}
    assert names == {key_id(before.current), key_id(before.next)}
    assert made.manifest.keys.current == before.next
    # A box that has missed the change takes it, and its new keys.
    after = check(made.path, parts / "keys").trust
    assert (after.current, after.next) == (made.manifest.keys.current, made.manifest.keys.next)


@pytest.mark.parametrize(("number", "minimum"), [(3, 4), (3, -1), (0, 0)])
def test_make_refuses_wrong_numbers(parts, tmp_path, number, minimum) -> None:
    with pytest.raises(FirmwareError, match="the lowest number"):
        make(plan(parts, number, minimum), tmp_path / "release")


def test_make_leaves_what_is_there(parts, tmp_path) -> None:
    (tmp_path / "release.tar").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        make(plan(parts), tmp_path / "release.tar")
    assert (tmp_path / "release.tar").read_text() == "mine"


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        ({"wheels": "none"}, FirmwareError, "no whole set"),
        ({"model": "none"}, BundleError, "model.json is missing"),
        ({"keys": "none"}, CredentialsError, "make keys with"),
    ],
)
def test_make_leaves_nothing_when_a_part_is_missing(parts, tmp_path, changes, error, sentence) -> None:
    changes = {name: tmp_path / value for name, value in changes.items()}
    with pytest.raises(error, match=sentence):
        make(plan(parts, **changes), tmp_path / "release")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["envelope", "blob"])
def test_check_refuses_what_was_altered(parts, tmp_path, place) -> None:
    made = make(plan(parts), tmp_path / "release")
    path = made.path / ("release.json" if place == "envelope" else f"blobs/{made.manifest.files[0].sha256}")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(ReleaseError, match=r"altered|no envelope|damaged"):
        check(made.path, parts / "keys")


def test_check_refuses_the_keys_of_others(parts, tmp_path) -> None:
    made = make(plan(parts), tmp_path / "release")
    release_keys.create(tmp_path / "other")
    with pytest.raises(ReleaseError, match="a key that this box does not know"):
        check(made.path, tmp_path / "other")
