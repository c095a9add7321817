"""Brings a release onto a box that runs already: over ssh, or with a USB stick and a script to start there."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.files import why
from edge.installer.trust import FILE as TRUST_FILE
from edge.installer.trust import trust_text
from firmware_config import release_keys
from firmware_config.box import write_box
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.release import check
from firmware_config.templating import filled
from firmware_config.tool import NAME as TOOL_NAME
from firmware_config.tool import tool_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_config.site import Site
    from firmware_config.ssh import Ssh

STICK = "gammabox"
"""The folder on a USB stick."""
BOXES = "boxes"
RELEASE = "release"
_NO_SUDO = "sudo asks for a password there; give the command from a terminal, or allow sudo without a password"


@dataclass(frozen=True, slots=True)
class BoxFolder:
    """Whose settings and certificates come along: a box of a site."""

    site: Site
    device: str
    credentials: Path


@dataclass(frozen=True, slots=True)
class Order:
    """What is installed, and how: a release, the keys it is signed with, and a box's folder where that comes along."""

    release: Path
    keys: Path
    box: BoxFolder | None = None
    allow_older: bool = False
    root: str = "/"

    @property
    def options(self) -> list[str]:
        """Options of the tool on the box."""
        return [*(["--allow-older"] if self.allow_older else []), *(["--root", self.root] if self.root != "/" else [])]


def install_over_ssh(order: Order, ssh: Ssh, say: Callable[[str], None]) -> None:
    """Copy a release to a box and install it there. What was copied is removed again.

    Raises
    ------
    ReleaseError
        The release is damaged or not signed with these keys; nothing was copied.
    FirmwareError
        The box cannot be reached, or it refuses the release, with its reason.

    """
    found = check(order.release, order.keys)
    with tempfile.TemporaryDirectory(prefix="gammabox-install-") as name:
        stage = Path(name)
        _write_tool(stage, order.keys)
        if order.box is not None:
            _write_box(stage / "box", order.box)
        is_root, sudo_works = ssh.rights()
        asks = not is_root and not sudo_works
        if asks and not sys.stdin.isatty():
            raise FirmwareError(f"{ssh.host}: {_NO_SUDO}")
        with ssh.folder() as there:
            say(f"copying release {found.manifest.name} to {ssh.host}")
            ssh.copy([order.release], f"{there}/{RELEASE}")
            ssh.copy(sorted(stage.iterdir()), f"{there}/")
            words = [
                "python3",
                f"{there}/{TOOL_NAME}",
                "install",
                f"{there}/{RELEASE}",
                "--trust",
                f"{there}/{TRUST_FILE}",
            ]
            words += ["--box", f"{there}/box"] if order.box is not None else []
            sudo = [] if is_root else ["sudo"]
            ssh.run_shown(shlex.join([*sudo, *words, *order.options]), say, on_terminal=asks)


def write_stick(order: Order, folder: Path) -> Path:
    """Write a release onto a mounted USB stick, with a script that installs it. Further boxes can be added.

    Returns
    -------
    Path
        The folder on the stick.

    Raises
    ------
    ReleaseError
        The release is damaged or not signed with these keys; nothing was written.
    OutputError
        There is no such folder, or it cannot be written.

    """
    check(order.release, order.keys)
    if not folder.is_dir():
        raise OutputError(folder, "is no folder", "mount the stick and name where")
    stick = folder / STICK
    try:
        stick.mkdir(exist_ok=True)
        _remove(stick / RELEASE)
        _copy(order.release, stick / RELEASE)
        _write_tool(stick, order.keys)
        (stick / "install.sh").write_text(filled("install.sh"), encoding="utf-8")
        if order.box is not None:
            place = stick / BOXES / order.box.device
            _remove(place)
            _write_box(place, order.box)
    except OSError as error:
        raise OutputError(stick, f"cannot be written ({why(error)})", "check the stick and its free space") from error
    return stick


def _write_tool(folder: Path, keys: Path) -> None:
    """Write what goes along with a release: the tool that installs it, and the keys that it is checked with."""
    (folder / TOOL_NAME).write_bytes(tool_bytes())
    (folder / TRUST_FILE).write_text(trust_text(release_keys.load(keys).trust), encoding="utf-8")


def _write_box(folder: Path, box: BoxFolder) -> None:
    write_box(folder, box.site, box.device, box.credentials)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
