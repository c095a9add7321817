"""Slots are really made, with the interpreter's venv and the pip of the release; only the packages are stand-ins."""

import os
import subprocess
from dataclasses import replace

import pytest
from release_rig import CURRENT, TRUST, a_wheel, installable

from edge.errors import ReleaseError
from edge.installer import slot as slots
from edge.installer.envelope import Verified, verified
from edge.installer.layout import slot_manifest
from edge.installer.slot import install_slot, require_space


def release_in(folder, **changes) -> Verified:
    installable(folder, CURRENT, **changes)
    return verified((folder / "release.json").read_bytes(), TRUST)


HOSTILE = "[global]\nno-binary = :all:\n[install]\ntarget = /nowhere\n"


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A slot in which a release was installed, while the environment told pip all kinds of things."""
    folder = tmp_path_factory.mktemp("filled")
    (folder / "pip").mkdir()
    (folder / "pip/pip.conf").write_text(HOSTILE)
    release = release_in(folder / "release")
    steps: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {
            "XDG_CONFIG_DIRS": str(folder),
            "XDG_CONFIG_HOME": str(folder),
            "PIP_CONFIG_FILE": str(folder / "pip/pip.conf"),
            "PIP_TARGET": "/nowhere",
            "PIP_NO_BINARY": ":all:",
            "PIP_REQUIRE_VIRTUALENV": "1",
            "PYTHONPATH": str(folder),
            "PYTHONHOME": "/nowhere",
        }.items():
            patched.setenv(name, value)
        install_slot(release, folder / "release/blobs", folder / "slots/a", say=steps.append)
    return release, folder / "slots/a", steps


def test_install_slot_fills_a_slot(filled) -> None:
    release, slot, steps = filled
    assert steps == ["environment", "model", "packages", "trial", "disk"]
    assert slot_manifest(slot) == release.manifest
    assert (slot / "RELEASE").read_text() == f"0.1.0-7\n{release.sha256}\n"
    assert (slot / "model/model.tflite").read_bytes() == b"network"
    assert not (slot / ".install").exists()
    assert {path.name for path in slot.glob("lib/python*/site-packages/*.dist-info")} == {
        "gammabox-0.1.0.dist-info",
        "helper-1.0.dist-info",
    }
    command = [slot / "bin/gammabox-edge", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True, env={}).stdout == "0.1.0\n"


def test_install_slot_replaces_what_was_there(tmp_path) -> None:
    slot = tmp_path / "slots/a"
    slot.mkdir(parents=True)
    for name in ("RELEASE", "old"):
        (slot / name).write_text("0.1.0-6\n")
    release = release_in(tmp_path / "release", system_site_packages=True)
    install_slot(release, tmp_path / "release/blobs", slot)
    assert not (slot / "old").exists()
    assert slot_manifest(slot) == release.manifest
    assert "include-system-site-packages = true" in (slot / "pyvenv.cfg").read_text()


def test_install_slot_hides_system_packages(filled) -> None:
    assert "include-system-site-packages = false" in (filled[1] / "pyvenv.cfg").read_text()


def test_install_slot_leaves_no_whole_release_when_a_step_fails(tmp_path) -> None:
    slot = tmp_path / "slot"
    slot.mkdir()
    (slot / "RELEASE").write_text("0.1.0-6\n")
    broken = {"gammabox-0.1.0-py3-none-any.whl": ("wheel", a_wheel("gammabox", "0.1.0", {"edge/__init__.py": ""}))}
    release = release_in(tmp_path / "broken", contents=broken)
    with pytest.raises(ReleaseError, match=r"what was installed does not work: .*No module named 'edge\.agent'"):
        install_slot(release, tmp_path / "broken/blobs", slot)
    assert not (slot / "RELEASE").exists()
    assert slot_manifest(slot) is None


def test_install_slot_refuses_a_wheel_that_was_exchanged(tmp_path) -> None:
    release = release_in(tmp_path / "release")
    helper = next(file for file in release.manifest.files if file.name.startswith("helper"))
    (tmp_path / "release/blobs" / helper.sha256).write_bytes(a_wheel("helper", "1.0", {"helper/__init__.py": "evil"}))
    with pytest.raises(ReleaseError, match=f"packages cannot be installed: .*Expected sha256 {helper.sha256}"):
        install_slot(release, tmp_path / "release/blobs", tmp_path / "slot")


@pytest.mark.parametrize("kind", ["pip", "model"])
def test_install_slot_checks_what_pip_does_not(tmp_path, kind) -> None:
    release = release_in(tmp_path / "release")
    file = release.manifest.of_kind(kind)[-1]
    (tmp_path / "release/blobs" / file.sha256).write_bytes(b"exchanged")
    with pytest.raises(ReleaseError, match="of the release is damaged"):
        install_slot(release, tmp_path / "release/blobs", tmp_path / "slot")


@pytest.mark.parametrize(
    ("model_sha256", "software", "sentence"),
    [
        ("0" * 64, "0.1.0", "it loads another model than that of release 0.1.0-7"),
        (None, "0.2.0", "it says version 0.1.0, and not 0.2.0"),
    ],
)
def test_install_slot_tries_model_and_version(filled, tmp_path, model_sha256, software, sentence) -> None:
    release, slot, _ = filled
    model = model_sha256 or release.manifest.model_sha256
    with pytest.raises(ReleaseError, match=sentence):
        slots._try(replace(release.manifest, model_sha256=model, software=software), slot, tmp_path)


def test_run_ends_what_hangs(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(slots, "PATIENCE_S", 0.1)
    with pytest.raises(ReleaseError, match="too long: sleep has not ended"):
        slots._run(("sleep", "60"), tmp_path, "too long")


def test_require_space_refuses_a_full_disk_and_changes_nothing(tmp_path) -> None:
    release = release_in(tmp_path / "release", installed_bytes=10**15)
    slot = tmp_path / "slots/a"
    slot.mkdir(parents=True)
    (slot / "RELEASE").write_text("0.1.0-6\n")
    with pytest.raises(ReleaseError, match=r"MiB are free, and release 0\.1\.0-7 needs .*Nothing was changed"):
        install_slot(release, tmp_path / "release/blobs", slot)
    assert (slot / "RELEASE").read_text() == "0.1.0-6\n"


def test_require_space_counts_what_is_in_the_slot_as_free(tmp_path, monkeypatch) -> None:
    release = release_in(tmp_path / "release", installed_bytes=10 << 20)
    monkeypatch.setattr(slots, "SPARE_BYTES", 0)
    disk = os.statvfs(tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: type("", (), {"f_bavail": 0, "f_frsize": disk.f_frsize}))
    slot = tmp_path / "slot"
    with pytest.raises(ReleaseError, match="0 MiB are free"):
        require_space(slot, release.manifest)
    slot.mkdir()
    (slot / "old").write_bytes(bytes(10 << 20))
    require_space(slot, release.manifest)
