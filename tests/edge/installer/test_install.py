import ensurepip
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from release_rig import AFTER_NEXT, CURRENT, NEXT, STRANGER, TRUST, a_manifest, a_root, installable, this_target

from edge.errors import ReleaseError
from edge.installer import install as installing
from edge.installer.install import Place, accepted, box_trust, csi_warnings, install, shown_state
from edge.installer.layout import active_slot
from edge.installer.manifest import Keys
from edge.installer.trust import Trust, load_trust, save_trust
from firmware_config.tool import tool_bytes

ROTATED = Keys(NEXT.public, AFTER_NEXT.public, (CURRENT.public,))


@pytest.fixture
def root(tmp_path):
    return a_root(tmp_path / "root")


@pytest.fixture
def _quick_slots(monkeypatch):
    """Fill slots with what names them: how a slot is made has tests of its own."""

    def fill(release, _blobs, slot, **_options):
        shutil.rmtree(slot, ignore_errors=True)
        slot.mkdir(parents=True)
        (slot / "release.json").write_bytes(release.envelope)
        (slot / "RELEASE").write_text(f"{release.manifest.name}\n")

    monkeypatch.setattr(installing, "install_slot", fill)


def given(folder: Path, root: Path, *keys, allow_older=False, **changes) -> list[str]:
    """Install a release below a root, and return what was said."""
    installable(folder, *keys, **changes)
    said: list[str] = []
    install(folder, Place(root), allow_older=allow_older, say=said.append)
    return said


@pytest.mark.usefixtures("_quick_slots")
def test_install_fills_one_slot_after_the_other(root, tmp_path) -> None:
    said = given(tmp_path / "7", root)
    assert said[-1] == "release 0.1.0-7 is installed in slot a"
    assert (root / "opt/gammabox/gammabox-box.pyz").read_bytes() == b"tool"
    given(tmp_path / "8", root, name="0.1.0-8", number=8)
    assert shown_state(root) == ("slot a: release 0.1.0-7, number 7\nslot b: release 0.1.0-8, number 8 (active)")


@pytest.mark.usefixtures("_quick_slots")
def test_install_keeps_the_files_for_updates(root, tmp_path, monkeypatch) -> None:
    given(tmp_path / "7", root)
    kept = root / "opt/gammabox/blobs"
    blobs = {path.name: path.read_bytes() for path in (tmp_path / "7/blobs").iterdir()}
    assert {path.name: path.read_bytes() for path in kept.iterdir()} == blobs

    def full(*_):
        raise OSError(28, "No space left on device")

    shutil.rmtree(kept)
    copyfile = shutil.copyfile
    monkeypatch.setattr(
        shutil, "copyfile", lambda source, target: (full if "blobs" in str(target) else copyfile)(source, target)
    )
    assert given(tmp_path / "8", root, name="0.1.0-8", number=8)[-1] == "release 0.1.0-8 is installed in slot b"
    assert list(kept.iterdir()) == []


@pytest.mark.usefixtures("_quick_slots")
def test_install_takes_over_keys_and_minimum(root, tmp_path) -> None:
    given(tmp_path / "7", root, NEXT, minimum=5, keys=ROTATED)
    assert load_trust(root / "opt/gammabox/trust.json") == Trust(NEXT.public, AFTER_NEXT.public, (CURRENT.public,), 5)
    with pytest.raises(ReleaseError, match="revoked"):
        given(tmp_path / "8", root, CURRENT, number=8)


@pytest.mark.usefixtures("_quick_slots")
@pytest.mark.parametrize(
    ("keys", "changes", "sentence"),
    [
        ((STRANGER,), {}, "signed by a key that this box does not know"),
        ((), {"target": replace(this_target(), boards=("jetson",))}, "is for a Jetson, and this box is a PC"),
        ((), {"target": replace(this_target(), python="3.9")}, "is for Python 3.9, and this box has Python"),
        ((), {"target": replace(this_target(), machine="riscv64")}, "is for processors of the kind riscv64"),
        ((), {"target": replace(this_target(), system="debian-3")}, "is for debian-3, and this box has"),
        ((), {"number": 6, "name": "0.1.0-6"}, "release 0.1.0-6 is older: its number 6 is below 7"),
        ((), {"number": 1, "name": "0.1.0-1", "minimum": 0}, "its number 1 is below 3, the lowest allowed"),
        ((), {"number": 8, "installed_bytes": 10**15}, "MiB are free"),
    ],
)
def test_install_refuses_and_leaves_the_active_slot(root, tmp_path, keys, changes, sentence) -> None:
    given(tmp_path / "7", root)
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*"))
    with pytest.raises(ReleaseError, match=sentence):
        given(tmp_path / "other", root, *keys, **changes)
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*")) == before
    assert active_slot(root / "opt/gammabox") == "a"


@pytest.mark.usefixtures("_quick_slots")
def test_install_takes_an_older_release_when_asked(root, tmp_path) -> None:
    given(tmp_path / "7", root)
    given(tmp_path / "6", root, name="0.1.0-6", number=6, allow_older=True)
    assert "slot b: release 0.1.0-6, number 6 (active)" in shown_state(root)


@pytest.mark.usefixtures("_quick_slots")
def test_install_refuses_a_damaged_file(root, tmp_path) -> None:
    manifest = installable(tmp_path / "7")
    (tmp_path / "7/blobs" / manifest.model_sha256).write_bytes(b"netwerk")
    with pytest.raises(ReleaseError, match=r"model\.tflite of the release is damaged"):
        install(tmp_path / "7", Place(root), say=lambda _: None)
    assert active_slot(root / "opt/gammabox") is None


@pytest.mark.usefixtures("_quick_slots")
def test_install_says_where_an_environment_made_by_hand_went(root, tmp_path) -> None:
    (root / "opt/gammabox/venv").mkdir()
    assert any(line.endswith("venv.by-hand; remove it when all works") for line in given(tmp_path / "7", root))


@pytest.mark.parametrize(
    ("spec", "packages", "has_picamera2", "warns"),
    [
        ('"csi:0"', ("python3-picamera2",), False, True),
        ("csi:0", ("python3-picamera2",), True, False),
        ("csi:0", (), False, False),
        ("/dev/v4l/by-path/platform-csi", ("python3-picamera2",), False, False),
        (None, ("python3-picamera2",), False, False),
    ],
)
def test_csi_warnings_name_the_package_of_the_system(tmp_path, spec, packages, has_picamera2, warns) -> None:
    settings = tmp_path / "etc/gammabox/device.yaml"
    if spec is not None:
        settings.parent.mkdir(parents=True)
        settings.write_text(f"source:\n  spec: {spec}\n")
    python = tmp_path / "slot/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\nexit {0 if has_picamera2 else 1}\n")
    python.chmod(0o755)
    warnings = csi_warnings(tmp_path, tmp_path / "slot", a_manifest(system_packages=packages))
    expected = "its CSI camera needs packages of the system; give: sudo apt-get install python3-picamera2"
    assert warnings == ([expected] if warns else [])


def test_box_trust_prefers_what_the_box_knows(root, tmp_path) -> None:
    save_trust(tmp_path / "other.json", replace(TRUST, current=STRANGER.public))
    assert box_trust(Place(root, tmp_path / "other.json")) == TRUST
    (root / "opt/gammabox/trust.json").unlink()
    assert box_trust(Place(root, tmp_path / "other.json")).current == STRANGER.public
    with pytest.raises(ReleaseError, match="knows no keys of releases yet; give them with --trust"):
        accepted(b"", Place(root))


NO_NETWORK = ["unshare", "--net", "--mount"]
# Over the real /etc/pip.conf, in a mount namespace of its own; ensurepip is hidden, as where python3-venv is missing.
HOSTILE = """
set -e
mount -t tmpfs none "$2"
cp -a /etc "$1/etc" && mount --bind "$1/etc" /etc
printf '[global]\\nno-binary = :all:\\n[install]\\nuser = true\\n' > /etc/pip.conf
shift 2
exec "$@"
"""


def test_tool_needs_no_network_no_ensurepip_and_no_pip_conf(root, tmp_path) -> None:
    if subprocess.run([*NO_NETWORK, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("needs the right to make network and mount namespaces (unshare --net --mount)")
    installable(tmp_path / "release")
    (tmp_path / "box.pyz").write_bytes(tool_bytes())
    (tmp_path / "hostile").mkdir()
    command = [sys.executable, "-I", "-S", tmp_path / "box.pyz", "install", tmp_path / "release", "--root", root]
    hidden = Path(ensurepip.__file__).parent
    wrapped = [*NO_NETWORK, "sh", "-c", HOSTILE, "sh", tmp_path / "hostile", hidden, *command]
    ran = subprocess.run(wrapped, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith("release 0.1.0-7 is installed in slot a\n")
    agent = root / "opt/gammabox/venv/bin/gammabox-edge"
    said = subprocess.run([agent], capture_output=True, text=True, env={}, check=True)
    assert said.stdout == "0.1.0\n"
