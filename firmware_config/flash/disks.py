"""The disks of this machine as lsblk knows them, and the reasons for which one is not written."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge.text import one_line
from firmware_config.errors import FlashError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = "PATH,TYPE,SIZE,VENDOR,MODEL,SERIAL,TRAN,RO,RM,MOUNTPOINTS,FSTYPE,LABEL,MAJ:MIN"
PATIENCE_S = 30
SYSTEM_PLACES = frozenset({"/", "/boot", "/boot/efi", "/boot/firmware", "/efi", "/home", "/usr", "/var"})
SWAP = "[SWAP]"
WRITABLE_KINDS = ("disk", "loop")
MEMBERS = {
    "linux_raid_member": "a Linux RAID",
    "LVM2_member": "LVM",
    "zfs_member": "a ZFS pool",
    "isw_raid_member": "an Intel RAID",
    "ddf_raid_member": "a hardware RAID",
    "bcache": "bcache",
    "ceph_bluestore": "Ceph",
}
"""Signatures of libblkid on a disk or partition that holds a part of something larger."""


@dataclass(frozen=True, slots=True)
class Device:
    """A block device and those that lie on it: partitions, arrays, volumes.

    `number` is its major and minor number, `size_bytes` 0 for a reader without a card.
    """

    path: str
    kind: str
    size_bytes: int
    number: str
    model: str = ""
    serial: str = ""
    transport: str = ""
    is_read_only: bool = False
    is_removable: bool = False
    mounts: tuple[str, ...] = ()
    filesystem: str = ""
    label: str = ""
    parts: tuple[Device, ...] = ()

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """What has to stay the same between the question and the writing."""
        return (self.number, self.model, self.serial, self.size_bytes)

    def tree(self) -> Iterator[Device]:
        """Yield the device and everything that lies on it."""
        yield self
        for part in self.parts:
            yield from part.tree()


def reasons_against(disk: Device, needed_bytes: int = 0) -> list[str]:
    """Return every reason not to write a disk, each with what to do; an empty list where it may be written.

    Examples
    --------
    >>> reasons_against(Device("/dev/sr0", "rom", 700_000_000, "11:0"))
    ['it is a rom, and not a disk; name a card or a USB stick']

    """
    reasons = []
    if disk.kind == "part":
        reasons.append("it is a partition; name the whole disk")
    elif disk.kind not in WRITABLE_KINDS:
        reasons.append(f"it is a {disk.kind}, and not a disk; name a card or a USB stick")
    reasons += [reason for device in disk.tree() for reason in _reasons_of_use(device, disk)]
    if disk.is_read_only:
        reasons.append("it is read-only; move the switch of the card, or try another reader")
    if disk.size_bytes == 0:
        reasons.append("there is no card in it; put one in")
    elif disk.size_bytes < needed_bytes:
        reasons.append(f"it holds {sized(disk.size_bytes)}, the image needs {sized(needed_bytes)}; take a larger one")
    return list(dict.fromkeys(reasons))


def _reasons_of_use(device: Device, disk: Device) -> Iterator[str]:
    for place in device.mounts:
        if place in SYSTEM_PLACES:
            yield f"the running system is on it ({device.path} is mounted at {place}); never write that disk"
        elif place == SWAP:
            yield f"{device.path} is swap that is in use; swapoff {device.path}, if it is the right disk"
        else:
            yield f"{device.path} is mounted at {place}; unmount it, if it is the right disk"
    member = MEMBERS.get(device.filesystem)
    if member is not None:
        yield f"{device.path} is a part of {member}; remove it there first, if it is the right disk"
    if device is not disk and device.kind != "part" and not device.mounts:
        yield f"{device.path} ({device.kind}) lies on it; stop that first, if it is the right disk"


def sized(size_bytes: int) -> str:
    """Return a size as it is printed on a card, in decimal units.

    Examples
    --------
    >>> sized(31_914_983_424), sized(8_388_608), sized(512)
    ('31.9 GB', '8.4 MB', '512 bytes')

    """
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f} {name}"
    return f"{size_bytes} bytes"


def described(disk: Device) -> str:
    """Return a disk in one line: name, model, serial number, size, and how it is connected."""
    parts = [
        disk.model or "unknown model",
        f"serial {disk.serial}" if disk.serial else "no serial number",
        sized(disk.size_bytes),
        disk.transport or disk.kind,
        *(["removable"] if disk.is_removable else []),
    ]
    return f"{disk.path}: {', '.join(parts)}"


def all_disks() -> list[Device]:
    """Return all disks of this machine. Raise FlashError where lsblk cannot be asked."""
    return _listed([])


def disk_at(path: Path) -> Device:
    """Return the disk or partition of this name. Raise FlashError where there is none."""
    real = path.resolve()
    if not real.is_block_device():
        what = "is no disk" if real.exists() else "does not exist"
        raise FlashError(f"{path}: {what}; see which there are with: gammabox-firmware flash IMAGE")
    found = _listed([str(real)])
    if not found:
        raise FlashError(f"{path}: lsblk does not know it; put the card in again")
    return found[0]


def _listed(words: list[str]) -> list[Device]:
    command = ["lsblk", "--json", "--bytes", "--output", COLUMNS, *words]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except FileNotFoundError:
        raise FlashError("lsblk is not installed; sudo apt-get install util-linux") from None
    except subprocess.TimeoutExpired:
        raise FlashError("lsblk gives no answer: a disk hangs; take the card out and put it in again") from None
    if ran.returncode != 0:
        raise FlashError(f"lsblk fails ({one_line(ran.stderr.strip(), 200)}); put the card in again")
    return devices_of(ran.stdout)


def devices_of(text: str) -> list[Device]:
    """Return the devices in the JSON of lsblk. Raise FlashError where it is none."""
    try:
        return [_device(entry) for entry in json.loads(text)["blockdevices"]]
    except (ValueError, KeyError, TypeError) as error:
        raise FlashError("lsblk gives no JSON of the expected form; util-linux 2.37 or newer is needed") from error


def _device(entry: dict[str, Any]) -> Device:
    def text(name: str) -> str:
        return one_line(str(entry.get(name) or "").strip(), 100)

    vendor, model = text("vendor"), text("model")
    return Device(
        path=str(entry["path"]),
        kind=str(entry["type"]),
        size_bytes=int(entry["size"] or 0),
        number=str(entry["maj:min"]),
        model=model if not vendor or vendor.startswith("0x") else f"{vendor} {model}".strip(),
        serial=text("serial"),
        transport=text("tran"),
        is_read_only=entry["ro"] in {True, "1"},
        is_removable=entry["rm"] in {True, "1"},
        mounts=tuple(str(place) for place in entry["mountpoints"] if place),
        filesystem=text("fstype"),
        label=text("label"),
        parts=tuple(_device(child) for child in entry.get("children") or ()),
    )
