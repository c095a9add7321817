"""Which first-boot system an image has, found by looking inside it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edge.installer.box import os_release
from firmware_config.errors import ImageError

if TYPE_CHECKING:
    from firmware_config.image.ext4 import Ext4
    from firmware_config.image.fat import Fat

Way = Literal["firstrun.sh", "cloud-init on the boot partition", "rpi-preseed.toml", "cloud-init in the root"]

RPI_MARK = "/etc/rpi-issue"
PRESEED = "/usr/bin/rpi-preseed"
CLOUD_INIT = "/usr/bin/cloud-init"
IMAGER_CUSTOM = "/usr/lib/raspberrypi-sys-mods/imager_custom"
CMDLINE = "cmdline.txt"
LOOKED_FOR = (
    f"{PRESEED} (newest Raspberry Pi OS), {CLOUD_INIT} (Raspberry Pi OS Trixie, Debian), "
    f"{IMAGER_CUSTOM} with {CMDLINE} (Raspberry Pi OS Bookworm)"
)
MACHINES = {0xB7: "aarch64", 0x3E: "x86_64", 0x28: "armv7l", 0x03: "i686"}
_MACHINE_ID = re.compile(rb"[0-9a-f]{32}\s*")
_TOKEN = re.compile(r"[a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class System:
    """What is in an image.

    `way` names its first-boot system, `boot` where its boot partition is mounted, `name` and `version` are those of
    /etc/os-release, `host_keys` the ssh keys that it brings, which would be the same on all boxes.
    """

    way: Way
    boot: str
    name: str
    version: str
    machine: str
    python: str
    has_machine_id: bool
    host_keys: tuple[str, ...]

    @property
    def target(self) -> str:
        """The system as a release names it."""
        return f"{self.name}-{self.version}"


def system_of(root: Ext4, boot: Fat) -> System:
    """Return what is in an image.

    Parameters
    ----------
    root : Ext4
        Its root.
    boot : Fat
        Its boot partition.

    Raises
    ------
    ImageError
        No known first-boot system is in it, something that the agent needs is missing, or it was prepared before.

    """
    if root.kind("/opt/gammabox") is not None or boot.read("gammabox-status.txt") is not None:
        raise ImageError("the image was prepared or started before; begin with one as it was downloaded")
    release = _os_release(root)
    way = _way(root, boot)
    if way in {"firstrun.sh", "cloud-init on the boot partition"}:
        _require_fresh(boot)
    python = re.fullmatch(r"python(3\.\d+)", root.target("/usr/bin/python3") or "")
    if python is None:
        raise ImageError("the image has no /usr/bin/python3, which the agent needs; take one that has it")
    names = root.names("/etc/ssh")
    return System(
        way=way,
        boot=_boot_place(root),
        name=_token(release.get("ID")),
        version=_token(release.get("VERSION_ID")),
        machine=_machine(root, f"/usr/bin/{python[0]}"),
        python=python[1],
        has_machine_id=bool(_MACHINE_ID.fullmatch(root.read("/etc/machine-id") or b"")),
        host_keys=tuple(f"/etc/ssh/{name}" for name in names if re.fullmatch(r"ssh_host_\w+_key(\.pub)?", name)),
    )


def _way(root: Ext4, boot: Fat) -> Way:
    is_rpi = root.kind(RPI_MARK) is not None
    if root.kind(PRESEED) is not None:
        return "rpi-preseed.toml"
    if root.kind(CLOUD_INIT) is not None:
        return "cloud-init on the boot partition" if is_rpi else "cloud-init in the root"
    if root.kind(IMAGER_CUSTOM) is not None and boot.read(CMDLINE) is not None:
        return "firstrun.sh"
    raise ImageError(
        f"the image has no first-boot system that is known; looked for {LOOKED_FOR}. Take Raspberry Pi OS or a generic "
        "cloud image of Debian, or set up the box over ssh"
    )


def _require_fresh(boot: Fat) -> None:
    words = (boot.read(CMDLINE) or b"").split()
    if not words:
        raise ImageError(f"the boot partition has no {CMDLINE}; take another image")
    if any(word.startswith((b"systemd.run=", b"ds=nocloud")) for word in words):
        raise ImageError(f"{CMDLINE} shows that the image was customised before; begin with one as it was downloaded")


def _os_release(root: Ext4) -> dict[str, str]:
    content = root.read("/usr/lib/os-release") or root.read("/etc/os-release") or b""
    return os_release(content.decode("utf-8", "replace"))


def _token(value: str | None) -> str:
    return value if value is not None and _TOKEN.fullmatch(value) else "unknown"


def _boot_place(root: Ext4) -> str:
    for line in (root.read("/etc/fstab") or b"").decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) > 2 and not line.startswith("#") and words[2] == "vfat" and words[1].startswith("/boot"):
            return words[1]
    raise ImageError("/etc/fstab of the image mounts no FAT partition below /boot; take another image")


def _machine(root: Ext4, program: str) -> str:
    head = (root.read(program) or b"")[:20]
    return MACHINES.get(int.from_bytes(head[18:20], "little"), "unknown") if head[:4] == b"\x7fELF" else "unknown"
