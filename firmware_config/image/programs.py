"""Runs the programs of Debian that read and write images: one that is missing is named with its package."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from edge.text import one_line
from firmware_config.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PACKAGES = {
    "sfdisk": "fdisk",
    "debugfs": "e2fsprogs",
    "e2fsck": "e2fsprogs",
    "resize2fs": "e2fsprogs",
    "mcopy": "mtools",
    "mdel": "mtools",
    "mdeltree": "mtools",
    "mdir": "mtools",
    "mmd": "mtools",
    "mtype": "mtools",
    "fsck.fat": "dosfstools",
}
# Debian keeps some of them where only root's PATH looks.
_PLACES = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"
PATIENCE_S = 900


def found(program: str) -> str | None:
    """Return where a program is; None where it is not installed."""
    return shutil.which(program, path=_PLACES)


def require_programs() -> None:
    """Raise ImageError with the packages to install where a program is missing."""
    lacking = sorted({package for program, package in PACKAGES.items() if found(program) is None})
    if lacking:
        raise ImageError(f"programs to change images are missing; sudo apt-get install {' '.join(lacking)}")


def with_clock(clock_s: int) -> dict[str, str]:
    """Return what makes programs write this time, and not the present one: the same input gives the same bytes."""
    return {"E2FSPROGS_FAKE_TIME": str(clock_s), "SOURCE_DATE_EPOCH": str(clock_s), "TZ": "UTC"}


def run(
    words: Sequence[str | Path], *, given: bytes = b"", more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a program in plain English and return how it ended, its exit code unchecked.

    Raises
    ------
    ImageError
        It is missing, or does not end.

    """
    program = str(words[0])
    place = found(program)
    if place is None:
        raise ImageError(f"{program} is missing; sudo apt-get install {PACKAGES.get(program, program)}")
    environment = {**os.environ, "LC_ALL": "C", **(more or {})}
    try:
        return subprocess.run(
            [place, *words[1:]], input=given, capture_output=True, check=False, timeout=PATIENCE_S, env=environment
        )
    except subprocess.TimeoutExpired:
        raise ImageError(f"{program} has not ended after {PATIENCE_S} s; check the disk") from None


def last_line(output: bytes) -> str:
    """Return the last line of a program's output that is not blank."""
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return one_line(lines[-1].strip(), 200) if lines else "it does not say why"
