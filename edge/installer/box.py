"""What kind of box this is, and why a release is not for it."""

from __future__ import annotations

import os
import shlex
import struct
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.text import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from edge.installer.manifest import Manifest

# The beginning of /proc/device-tree/model, as the kernel's device trees name the boards.
MODELS = (("Raspberry Pi 4", "rpi4"), ("Raspberry Pi 5", "rpi5"), ("NVIDIA Jetson", "jetson"))
OTHER_BOARD = "pc"
NAMES = {"rpi4": "a Raspberry Pi 4", "rpi5": "a Raspberry Pi 5", "jetson": "a Jetson", "pc": "a PC"}
_32_BIT = {"aarch64": "armv7l", "x86_64": "i686"}


@dataclass(frozen=True, slots=True)
class BoxFacts:
    """What a box is, in the words of `edge.installer.manifest.Target`."""

    board: str
    system: str
    machine: str
    python: str


def read_box(root: Path) -> BoxFacts:
    """Return what the box below a root folder is. Python is the one that runs this.

    What cannot be read is `unknown`, which no release is for.
    """
    return BoxFacts(_board(root), _system(root), _machine(), f"{sys.version_info.major}.{sys.version_info.minor}")


def refusal(
    manifest: Manifest, facts: BoxFacts, *, minimum: int, installed: int | None, allow_older: bool = False
) -> str | None:
    """Return why a box does not take a release, in one sentence; None where it takes it.

    Parameters
    ----------
    manifest : Manifest
        That of the release.
    facts : BoxFacts
        What the box is.
    minimum : int
        Lowest number that the box takes.
    installed : int or None
        Number of the release in the active slot; None where none is there.
    allow_older : bool
        Take one below `installed`, as a technician may by hand; never one below `minimum`.

    """
    target, number = manifest.target, manifest.number
    boards = " or ".join(NAMES.get(board, board) for board in target.boards)
    for fits, meant, found in (
        (facts.board in target.boards, boards, f"is {NAMES.get(facts.board, facts.board)}"),
        (facts.system == target.system, target.system, f"has {facts.system}"),
        (facts.machine == target.machine, f"processors of the kind {target.machine}", f"has {facts.machine}"),
        (facts.python == target.python, f"Python {target.python}", f"has Python {facts.python}"),
    ):
        if not fits:
            return f"release {manifest.name} is for {meant}, and this box {found}; take the release for this box"
    if number < minimum:
        return f"release {manifest.name} is too old: its number {number} is below {minimum}, the lowest allowed"
    if installed is not None and number < installed and not allow_older:
        return f"release {manifest.name} is older: its number {number} is below {installed}, which is installed"
    return None


def os_release(text: str) -> dict[str, str]:
    r"""Return the values of /etc/os-release by name, without their quotes; `unknown` where a quote is not closed.

    Source: os-release(5).

    Examples
    --------
    >>> os_release('ID=debian\nVERSION_ID="12"\n')
    {'ID': 'debian', 'VERSION_ID': '12'}

    """
    lines = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: _unquoted(value) for name, value in lines}


def _board(root: Path) -> str:
    try:
        model = (root / "proc/device-tree/model").read_bytes().rstrip(b"\0").decode("utf-8", "replace")
    except OSError:
        return OTHER_BOARD
    return next((board for beginning, board in MODELS if model.startswith(beginning)), OTHER_BOARD)


def _system(root: Path) -> str:
    try:
        text = (root / "etc/os-release").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "unknown"
    values = os_release(text)
    return "-".join(one_line(values.get(key, "unknown"), 40) for key in ("ID", "VERSION_ID"))


def _unquoted(value: str) -> str:
    try:
        return "".join(shlex.split(value))
    except ValueError:
        return "unknown"


def _machine() -> str:
    machine = os.uname().machine
    # A 64-bit kernel may run a 32-bit system: what counts is the Python.
    return machine if struct.calcsize("P") == 8 else _32_BIT.get(machine, machine)
