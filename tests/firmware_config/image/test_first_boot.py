"""The first boot in a folder that stands for the root: keys leave the boot partition; steps can be done again."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edge.installer import layout, setup, trust
from firmware_config.image import first_boot
from firmware_config.image.first_boot import FOLDER, KEY, REQUEST, STATUS

PROGRAM = Path(first_boot.__file__)
KEY_LINE = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg"
SECRET = f"-----BEGIN PRIVATE KEY-----\n{KEY_LINE}\n-----END PRIVATE KEY-----\n"
FILES = {"device.yaml": "site: docks\n", "ca.crt": "authority", "box.crt": "certificate", "box.key": SECRET}

# Stands for the tool of a release, whose own tests install real ones: it takes what it is given, or fails.
TOOL = """
import pathlib, shutil, sys
words = sys.argv[1:]
root = pathlib.Path(words[words.index("--root") + 1])
box = pathlib.Path(words[words.index("--box") + 1])
assert words[0] == "install" and pathlib.Path(words[-1]).name == "release.tar", words
assert pathlib.Path(words[words.index("--trust") + 1]).is_file()
failure = root / "fail"
if failure.exists():
    sys.stderr.write("something\\nerror: " + failure.read_text() + "\\n")
    raise SystemExit(2)
(root / "etc/gammabox").mkdir(parents=True, exist_ok=True)
for path in box.iterdir():
    shutil.copy(path, root / "etc/gammabox")
slot = root / "opt/gammabox/venv"
slot.mkdir(parents=True, exist_ok=True)
count = root / "installations"
count.write_text(count.read_text() + "x" if count.exists() else "x")
(slot / "RELEASE").write_text("0.1.0-7\\n")
"""


class BoxRoot:
    """A folder that stands for the root of a box whose card was just written."""

    def __init__(self, folder: Path, *, with_key: bool = True) -> None:
        self.root, self.boot = folder / "root", folder / "root/boot/firmware"
        self.folder = self.root / FOLDER
        for path in (self.folder, self.boot / "gammabox", self.root / "etc"):
            path.mkdir(parents=True)
        shutil.copy(PROGRAM, self.folder / first_boot.PROGRAM)
        with zipfile.ZipFile(self.folder / first_boot.TOOL, "w") as tool:
            tool.writestr("__main__.py", TOOL)
        for name in (first_boot.RELEASE, first_boot.TRUST):
            (self.folder / name).write_text(name, encoding="utf-8")
        (self.root / "etc/hosts").write_text("127.0.0.1\tlocalhost\n127.0.1.1\traspberrypi\n", encoding="utf-8")
        self.settings(login=None, login_key=None)
        for name, text in FILES.items():
            if with_key or name in {"device.yaml", "ca.crt"}:
                (self.boot / "gammabox" / name).write_text(text, encoding="utf-8")

    def settings(self, **more: str | None) -> None:
        known = {"device": "gate_1", "site": "docks", "boot": "/boot/firmware", "has_tls": True}
        (self.folder / first_boot.SETTINGS).write_text(json.dumps({**known, **more}), encoding="utf-8")

    def start(self) -> subprocess.CompletedProcess[str]:
        """Run the program as the unit does."""
        words = [sys.executable, "-I", self.folder / first_boot.PROGRAM, "--root", self.root]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    @property
    def status(self) -> str:
        return (self.boot / STATUS).read_bytes().decode()

    def everything_on_boot(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.boot.rglob("*") if path.is_file())


@pytest.fixture
def box(tmp_path: Path) -> BoxRoot:
    return BoxRoot(tmp_path)


def test_first_boot_installs_and_goes(box: BoxRoot) -> None:
    ran = box.start()
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (box.root / "etc/gammabox/box.key").read_text(encoding="utf-8") == SECRET
    assert not box.folder.exists()
    assert not (box.boot / "gammabox").exists()
    assert "Release 0.1.0-7 is installed" in box.status
    assert box.status.startswith("gate_1 of docks, 20")
    assert box.status.count("\r\n") == box.status.count("\n")
    assert (box.root / "etc/hostname").read_text(encoding="utf-8") == "gate-1\n"
    assert (box.root / "etc/hosts").read_text(encoding="utf-8") == "127.0.0.1\tlocalhost\n127.0.1.1\tgate-1\n"


def test_installation_is_readable_whatever_the_umask(box: BoxRoot) -> None:
    before = os.umask(0o077)
    try:
        assert box.start().returncode == 0
    finally:
        os.umask(before)
    assert (box.root / "opt/gammabox/venv").stat().st_mode & 0o777 == 0o755
    assert (box.root / "opt/gammabox/venv/RELEASE").stat().st_mode & 0o777 == 0o644


def test_no_secret_stays_on_the_boot_partition(box: BoxRoot) -> None:
    box.start()
    assert KEY_LINE.encode() not in box.everything_on_boot()


def test_secret_is_overwritten_before_it_is_removed(box: BoxRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    path = box.boot / "gammabox/box.key"
    removed = []
    monkeypatch.setattr(Path, "unlink", lambda self, **_: removed.append(self.read_bytes()))
    first_boot.wipe(path)
    assert removed == [bytes(len(SECRET))]


@pytest.mark.parametrize("failure", ["the release is not for this box", f"key {SECRET}", "//ann:pw12345678@host away"])
def test_failure_leaves_a_plain_status(box: BoxRoot, failure: str) -> None:
    (box.root / "fail").write_text(failure.replace("\n", " "), encoding="utf-8")
    ran = box.start()
    assert ran.returncode == 1
    assert "It failed: " in box.status
    assert "The next start of the box tries again." in box.status
    for secret in (KEY_LINE, "pw12345678"):
        assert secret not in box.status
    assert not (box.boot / "gammabox").exists()
    (box.root / "fail").unlink()
    assert box.start().returncode == 0
    assert "is installed" in box.status


def test_box_makes_its_key_and_waits(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    box = BoxRoot(tmp_path, with_key=False)
    ran = box.start()
    assert ran.returncode == 0, ran.stdout
    assert "waits for its certificate" in box.status
    request = (box.boot / "gammabox" / REQUEST).read_bytes()
    key = box.folder / "box" / KEY
    assert key.stat().st_mode & 0o777 == 0o600
    from firmware_config.certificates import key_of_request

    key_of_request(request, "gate_1")
    kept = key.read_bytes()
    assert box.start().returncode == 0
    assert (key.read_bytes(), (box.boot / "gammabox" / REQUEST).read_bytes()) == (kept, request)
    (box.boot / "gammabox/box.crt").write_text("certificate", encoding="utf-8")
    assert box.start().returncode == 0
    assert (box.root / "etc/gammabox/box.key").read_bytes() == kept
    assert (box.root / "etc/gammabox/box.crt").read_text(encoding="utf-8") == "certificate"
    assert not (box.boot / "gammabox").exists()
    assert kept not in box.everything_on_boot()


class PowerCutError(BaseException):
    """The end of everything, at a flush."""


def test_power_cut_at_any_step_is_made_good(box: BoxRoot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is stopped at each of its flushes in turn; the start after it finishes the work."""
    left = 0

    def flush(*_: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise PowerCutError

    monkeypatch.setattr(first_boot.os, "fsync", flush)
    monkeypatch.setattr(first_boot.os, "sync", flush)
    monkeypatch.setattr("sys.argv", ["gammabox-firstboot", "--root", str(box.root)])
    original = tmp_path / "original"
    shutil.copytree(box.root, original)
    for cuts in range(200):
        shutil.rmtree(box.root)
        shutil.copytree(original, box.root)
        left = cuts
        with contextlib.suppress(PowerCutError):
            assert first_boot.main() == 0
            break
        left = 1000
        if box.folder.exists():
            assert first_boot.main() == 0
        assert (box.root / "etc/gammabox/box.key").read_text(encoding="utf-8") == SECRET
        assert not box.folder.exists()
        assert KEY_LINE.encode() not in box.everything_on_boot()
        assert (box.root / "installations").read_text(encoding="utf-8") in {"x", "xx"}
    assert cuts >= 15


def test_login_of_the_technician_has_a_key_only(box: BoxRoot) -> None:
    if shutil.which("useradd") is None or os.geteuid() != 0:
        pytest.skip("useradd needs root")
    for name in ("passwd", "group", "shadow", "gshadow"):
        shutil.copy(f"/etc/{name}", box.root / "etc" / name)
    box.settings(login="technician", login_key="ssh-ed25519 AAAA ann")
    ran = box.start()
    assert ran.returncode == 0, ran.stdout
    keys = box.root / "home/technician/.ssh/authorized_keys"
    assert keys.read_text(encoding="utf-8") == "ssh-ed25519 AAAA ann\n"
    assert keys.stat().st_mode & 0o777 == 0o600
    shadow = (box.root / "etc/shadow").read_text(encoding="utf-8")
    assert "\ntechnician:!" in shadow


def test_damaged_settings_are_told(box: BoxRoot) -> None:
    (box.folder / first_boot.SETTINGS).write_text("{", encoding="utf-8")
    ran = box.start()
    assert ran.returncode == 1
    assert "write the card again" in ran.stdout


def imported(module: Path) -> set[str]:
    import ast

    tree = ast.parse(module.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


def test_program_needs_the_standard_library_alone() -> None:
    assert {name.partition(".")[0] for name in imported(PROGRAM)} <= set(sys.stdlib_module_names)


def test_program_has_the_names_of_the_box() -> None:
    own = (first_boot.BASE, first_boot.TOOL, first_boot.TRUST, first_boot.AGENT, first_boot.UPDATER_UNITS)
    assert own == (layout.BASE, layout.TOOL, trust.FILE, setup.UNIT, setup.STARTED_WITH_AGENT)
