"""The kinds of boxes that releases are made for: board, system, processor and Python."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.installer.manifest import Target
from edge.text import meant
from firmware_config.errors import FirmwareError

if TYPE_CHECKING:
    from firmware_config.cameras import Board


@dataclass(frozen=True, slots=True)
class System:
    """A system of the boxes.

    `name` is ID and VERSION_ID of its /etc/os-release, `python` that of its python3, and `glibc` the minor version of
    its C library: wheels built for an older one run there.
    """

    name: str
    python: str
    glibc: int


@dataclass(frozen=True, slots=True)
class BoardKind:
    """Boards that take the same release. `machines` are their processors, the usual one first."""

    boards: tuple[Board, ...]
    machines: tuple[str, ...]
    systems: tuple[str, ...]
    system_packages: tuple[str, ...] = ()


# Raspberry Pi OS is Debian to /etc/os-release where it is 64 bit.
SYSTEMS = {
    "bookworm": System("debian-12", "3.11", 36),
    "trixie": System("debian-13", "3.13", 41),
    "jetpack6": System("ubuntu-22.04", "3.10", 35),
}
# picamera2 belongs to the libcamera of the system, so it comes from there.
KINDS = {
    "rpi": BoardKind(("rpi4", "rpi5"), ("aarch64",), ("bookworm", "trixie"), ("python3-picamera2",)),
    "jetson": BoardKind(("jetson",), ("aarch64",), ("jetpack6",)),
    "pc": BoardKind(("pc",), ("x86_64", "aarch64"), ("bookworm", "trixie")),
}
# The system's picamera2 of Bookworm was built for NumPy 1; OpenCV asks for NumPy 2 from 4.12 on.
LIMITS = {("rpi", "bookworm"): ("numpy<2", "opencv-python-headless<4.12")}
_32_BIT = re.compile(r"arm(v[67]l?|hf)?|i[3-6]86")


@dataclass(frozen=True, slots=True)
class Choice:
    """A kind of board with a system and a processor: what one release is for."""

    kind: str
    system: str
    machine: str

    @property
    def name(self) -> str:
        """How folders of this target are called."""
        return f"{self.kind}-{self.system}-{self.machine}"

    @property
    def python(self) -> str:
        """The version of its Python."""
        return SYSTEMS[self.system].python

    @property
    def target(self) -> Target:
        """The boxes, as a manifest names them."""
        return Target(KINDS[self.kind].boards, SYSTEMS[self.system].name, self.machine, self.python)

    @property
    def system_packages(self) -> tuple[str, ...]:
        """Debian packages that boxes with a CSI camera need."""
        return KINDS[self.kind].system_packages

    @property
    def limits(self) -> tuple[str, ...]:
        """Requirements beyond those of the software, as pip takes them."""
        return LIMITS.get((self.kind, self.system), ())

    @property
    def platforms(self) -> tuple[str, ...]:
        """The tags of wheels that run there, the newest first. Source: PEP 600."""
        newest = (f"manylinux_2_{minor}_{self.machine}" for minor in range(SYSTEMS[self.system].glibc, 16, -1))
        older = ("manylinux2014", "manylinux2010", "manylinux1") if self.machine == "x86_64" else ("manylinux2014",)
        return (*newest, *(f"{tag}_{self.machine}" for tag in older))


def chosen(board: str, system: str, machine: str | None = None) -> Choice:
    """Return the target for a board, a system and, where it is not the usual one, a processor.

    Raises
    ------
    FirmwareError
        There is none, with what there is.

    Examples
    --------
    >>> chosen("rpi5", "bookworm").name
    'rpi-bookworm-aarch64'

    """
    kind = next((kind for kind, known in KINDS.items() if board in known.boards), None)
    if kind is None:
        boards = [name for known in KINDS.values() for name in known.boards]
        raise FirmwareError(f"{board}: no board{meant(board, boards)}; choose one of {', '.join(boards)}")
    known = KINDS[kind]
    if system not in known.systems:
        raise FirmwareError(
            f"{system}: no system of {board}{meant(system, known.systems)}; choose one of {', '.join(known.systems)}"
        )
    if machine is not None and machine not in known.machines:
        why = ": LiteRT, OpenCV and NumPy have no 32-bit wheels" if _32_BIT.fullmatch(machine) else ""
        raise FirmwareError(
            f"{machine}: no processor of {board} with {system}{why}; choose one of {', '.join(known.machines)}"
        )
    return Choice(kind, system, machine or known.machines[0])
