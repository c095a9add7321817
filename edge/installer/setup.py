"""Puts the settings, the certificate and the service of a box where they belong, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.files import why
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

USER = "gammabox"
UNIT = "gammabox-edge.service"
UPDATER_UNITS = (
    "gammabox-updater.service",
    "gammabox-updater-boot.service",
    "gammabox-updater.path",
    "gammabox-updater.timer",
)
STARTED_AT_BOOT = UPDATER_UNITS[1:]
STARTED_WITH_AGENT = UPDATER_UNITS[2:]
SYSUSERS = "gammabox.sysusers.conf"
SETTINGS = "etc/gammabox"
# What an exported folder holds for /etc/gammabox; which of them depends on TLS and on where keys were made.
FILES = ("device.yaml", "ca.crt", "box.crt", "box.key", "next.crt", "next.key")
_PATIENCE_S = 120


def set_up_box(root: Path, folder: Path) -> None:
    """Set up a box from the folder that `gammabox-firmware export box` wrote. The agent is not started.

    It can be done again: files are replaced, one in one step. Only root and the group gammabox can read them.

    Raises
    ------
    ReleaseError
        A file is missing or cannot be written, or the user cannot be made.

    """
    for name in ("device.yaml", UNIT, SYSUSERS):
        if not (folder / name).is_file():
            raise ReleaseError(f"{folder}: has no {name}; write the folder with: gammabox-firmware export box")
    try:
        place_file(folder / SYSUSERS, root / "etc/sysusers.d/gammabox.conf", 0o644)
        system("systemd-sysusers", *(() if root.samefile("/") else (f"--root={root}",)))
        settings, group = root / SETTINGS, _group_id(root)
        settings.mkdir(parents=True, exist_ok=True)
        settings.chmod(0o750)
        _own(settings, group)
        for name in FILES:
            if (folder / name).is_file():
                place_file(folder / name, settings / name, 0o640, group)
        there = [name for name in UPDATER_UNITS if (folder / name).is_file()]  # an older folder has none
        for name in (UNIT, *there):
            place_file(folder / name, root / "etc/systemd/system" / name, 0o644)
        enabled = [UNIT, *(name for name in there if name in STARTED_AT_BOOT)]
        system("systemctl", *(() if root.samefile("/") else (f"--root={root}",)), "enable", *enabled)
    except OSError as error:
        raise ReleaseError(f"{error.filename or root}: {why(error)}; run this as root, and check the disk") from error


def restart_agent() -> None:
    """Start the agent of this system again, with the unit as it is now. Raise ReleaseError where that fails."""
    system("systemctl", "daemon-reload")
    system("systemctl", "restart", UNIT)
    if all((Path("/etc/systemd/system") / name).exists() for name in STARTED_WITH_AGENT):
        system("systemctl", "start", *STARTED_WITH_AGENT)


def system(*command: str) -> None:
    """Run a command of the system. Raise ReleaseError where it is missing or fails."""
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except FileNotFoundError:
        raise ReleaseError(f"{command[0]} is missing; this box needs a system with systemd") from None
    except subprocess.TimeoutExpired:
        raise ReleaseError(f"{' '.join(command)} has not ended after {_PATIENCE_S} s") from None
    if ran.returncode != 0:
        raise ReleaseError(f"{' '.join(command)} failed: {one_line(_last(ran.stderr.splitlines()), 300)}")


def place_file(source: Path, path: Path, mode: int, group: int | None = None) -> None:
    """Copy a file in one step; it has its rights before it has its name. Raise OSError where that fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out, source.open("rb") as file:
        shutil.copyfileobj(file, out)
        out.flush()
        _own(part, group)
        part.chmod(mode)
        os.fsync(out.fileno())
    part.replace(path)


def _last(lines: Sequence[str]) -> str:
    return next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")


def _own(path: Path, group: int | None) -> None:
    """Make root and a group the owners of a file. Another user than root changes nothing."""
    if os.geteuid() == 0:
        os.chown(path, 0, 0 if group is None else group)


def _group_id(root: Path) -> int:
    text = (root / "etc/group").read_text(encoding="utf-8", errors="replace")
    for line in text.splitlines():
        name, *rest = line.split(":")
        if name == USER and len(rest) > 1 and rest[1].isdecimal():
            return int(rest[1])
    raise ReleaseError(f"{root / 'etc/group'}: has no group {USER}; systemd-sysusers has not made it")
