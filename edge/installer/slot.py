"""Installs a checked release into a slot: a virtual environment, its packages by their hashes, and the model.

It works without a network, without Debian's python3-venv, and whatever pip is told by the machine: pip comes with the
release, and is given no settings but these.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.files import replace_file, sync_folder, why
from edge.installer import envelope as envelopes
from edge.installer.blobs import check_blob
from edge.release import FILE as RELEASE_FILE
from edge.release import MODEL_FOLDER
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.installer.envelope import Verified
    from edge.installer.manifest import Manifest

SPARE_BYTES = 64 << 20
"""So much stays free: the outbox and the journal lie on the same disk."""
PATIENCE_S = 1800
_WORK = ".install"
_LAST_LINES = 3

# Whether all parts fit together: the network runs, and the agent with everything that it needs can be loaded.
_TRIAL = """
import edge.agent, edge.commands.run
from edge.bundle import load_bundle, shipped_bundle_path
from edge.detect.detector import Detector
bundle = load_bundle(shipped_bundle_path())
Detector(bundle)
print(bundle.manifest.sha256)
"""


def install_slot(
    release: Verified,
    blobs: Path,
    slot: Path,
    *,
    python: str = sys.executable,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Install a release into a slot. What was in the slot goes; the other slot is not touched.

    Parameters
    ----------
    release : Verified
        The release, its signature checked.
    blobs : Path
        Folder with its files, checked.
    slot : Path
        The slot, at its final place. It is no whole release until this function has returned.
    python : str
        The system's Python.
    say : callable
        Takes a word for each step.

    Raises
    ------
    ReleaseError
        There is too little space, and nothing was changed; or a step fails, and the slot is empty or half-filled.

    """
    manifest = release.manifest
    require_space(slot, manifest)
    try:
        _clear(slot)
        slot.mkdir(parents=True, mode=0o755)
        work = slot / _WORK
        work.mkdir()
        say("environment")
        site = ("--system-site-packages",) if manifest.system_site_packages else ()
        _run((python, "-I", "-m", "venv", "--without-pip", *site, str(slot)), work, "the environment cannot be made")
        say("model")
        _install_model(manifest, blobs, slot / MODEL_FOLDER)
        say("packages")
        _install_wheels(manifest, blobs, slot, work)
        shutil.rmtree(work)
        work.mkdir()
        say("trial")
        _try(manifest, slot, work)
        shutil.rmtree(work)
        (slot / envelopes.FILE).write_bytes(release.envelope)
        say("disk")
        os.sync()
        replace_file(slot / RELEASE_FILE, f"{manifest.name}\n{release.sha256}\n")
        sync_folder(slot.parent)
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise ReleaseError(f"{slot}: cannot be written{where}: {why(error)}; check the disk") from error


def require_space(slot: Path, manifest: Manifest, more_bytes: int = 0) -> None:
    """Raise ReleaseError where a release does not fit beside what stays; what is in the slot counts as free.

    `more_bytes` are needed beside the slot meanwhile, such as for what is unpacked.
    """
    existing = next(folder for folder in (slot, *slot.parents) if folder.is_dir())
    try:
        disk = os.statvfs(existing)
        free = disk.f_bavail * disk.f_frsize + _size_of(slot)
    except OSError as error:
        raise ReleaseError(f"{existing}: the free space cannot be read ({why(error)}); check the disk") from error
    needed = manifest.installed_bytes + more_bytes + SPARE_BYTES
    if free < needed:
        raise ReleaseError(
            f"{slot}: {free >> 20} MiB are free, and release {manifest.name} needs {needed >> 20}; make room. "
            "Nothing was changed"
        )


def _size_of(folder: Path) -> int:
    total = 0
    for inner, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(inner, name)).st_size for name in names)  # noqa: PTH118 - many files
    return total


def _clear(slot: Path) -> None:
    """Empty a slot; that it is no whole release any more reaches the disk first."""
    if (slot / RELEASE_FILE).exists():
        (slot / RELEASE_FILE).unlink()
        sync_folder(slot)
    if slot.is_symlink():
        slot.unlink()
    elif slot.exists():
        shutil.rmtree(slot)


def _install_wheels(manifest: Manifest, blobs: Path, slot: Path, work: Path) -> None:
    lines = []
    for file in manifest.of_kind("wheel"):
        # pip reads name and version of a package from the name of its file.
        link = work / file.name
        link.symlink_to((blobs / file.sha256).absolute())
        lines.append(f"{link} --hash=sha256:{file.sha256}\n")
    requirements = work / "requirements.txt"
    requirements.write_text("".join(lines), encoding="utf-8")
    (pip,) = manifest.of_kind("pip")
    check_blob(blobs / pip.sha256, pip)
    program = (str(slot / "bin/python"), "-I", str((blobs / pip.sha256).absolute() / "pip"), "--isolated", "install")
    limits = (
        "--no-index",
        "--no-deps",
        "--require-hashes",
        "--ignore-installed",
        "--only-binary=:all:",
        "--no-cache-dir",
    )
    manners = (
        "--no-input",
        "--disable-pip-version-check",
        "--no-warn-script-location",
        "--quiet",
        "--root-user-action=ignore",
    )
    _run((*program, *limits, *manners, "-r", str(requirements)), work, "the packages cannot be installed")


def _install_model(manifest: Manifest, blobs: Path, folder: Path) -> None:
    folder.mkdir()
    for file in manifest.of_kind("model"):
        shutil.copyfile(blobs / file.sha256, folder / file.name)
        check_blob(folder / file.name, file)


def _try(manifest: Manifest, slot: Path, work: Path) -> None:
    what = "what was installed does not work"
    said = _run((str(slot / "bin/python"), "-I", "-c", _TRIAL), work, what).split()
    if said[-1:] != [manifest.model_sha256]:
        raise ReleaseError(f"{slot}: {what}: it loads another model than that of release {manifest.name}")
    version = _run((str(slot / "bin/gammabox-edge"), "--version"), work, what).strip()
    if version != manifest.software:
        raise ReleaseError(f"{slot}: {what}: it says version {one_line(version, 40)}, and not {manifest.software}")


def _run(command: Sequence[str], work: Path, what: str) -> str:
    """Run a command with an environment of its own and return what it prints; raise ReleaseError where it fails."""
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(work),
        "TMPDIR": str(work),
        # --isolated does not keep pip from reading /etc/pip.conf. This does, for every file of settings.
        "PIP_CONFIG_FILE": os.devnull,
    }
    try:
        ran = subprocess.run(
            command, env=environment, cwd=work, capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{what}: {command[0]} has not ended after {PATIENCE_S // 60} min; check the disk") from None
    if ran.returncode != 0:
        lines = [line.strip() for line in ran.stderr.splitlines() if line.strip()][-_LAST_LINES:]
        raise ReleaseError(f"{what}: {one_line(' / '.join(lines) or f'exit code {ran.returncode}', 500)}")
    return ran.stdout
