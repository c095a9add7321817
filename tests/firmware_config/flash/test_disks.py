"""Disks that must not be written are refused, each with its reason and what to do."""

import json
from pathlib import Path
from typing import Any

import pytest

from firmware_config.errors import FlashError
from firmware_config.flash.disks import described, devices_of, disk_at, reasons_against

GB = 10**9


def entry(path: str = "/dev/sda", **changes: Any) -> dict[str, Any]:
    known = {"type": "disk", "size": 32 * GB, "vendor": "SanDisk ", "model": "Ultra", "serial": "4C5300", "tran": "usb"}
    more = {"ro": False, "rm": True, "mountpoints": [None], "fstype": None, "label": None, "maj:min": "8:0"}
    return {"path": path, **known, **more, **changes}


def part(**changes: Any) -> dict[str, Any]:
    return entry("/dev/sda1", **{"type": "part", "fstype": "ext4", "maj:min": "8:1", **changes})


def reasons(disk: dict[str, Any], needed_bytes: int = 4 * GB) -> list[str]:
    return reasons_against(devices_of(json.dumps({"blockdevices": [disk]}))[0], needed_bytes)


def test_reasons_are_none_for_a_card() -> None:
    assert reasons(entry(children=[part(label="bootfs"), part(fstype="swap")])) == []


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (entry(children=[part(mountpoints=["/"])]), "the running system is on it"),
        (entry(mountpoints=["/"]), "the running system is on it"),
        (entry(children=[part(mountpoints=[None, "/boot/efi"])]), "the running system is on it"),
        (entry(children=[part(children=[entry("/dev/dm-0", type="crypt", mountpoints=["/"])])]), "running system"),
        (entry(children=[part(mountpoints=["/media/ann/bootfs"])]), "/dev/sda1 is mounted at /media/ann/bootfs"),
        (entry(children=[part(fstype="swap", mountpoints=["[SWAP]"])]), "swapoff /dev/sda1"),
        (entry("/dev/zram0", mountpoints=["[SWAP]"]), "swapoff /dev/zram0"),
        (entry(children=[part(fstype="linux_raid_member")]), "/dev/sda1 is a part of a Linux RAID"),
        (entry(fstype="LVM2_member"), "a part of LVM"),
        (entry(children=[part(fstype="zfs_member")]), "a part of a ZFS pool"),
        (entry(children=[part(children=[entry("/dev/md0", type="raid1")])]), "/dev/md0 (raid1) lies on it"),
        (entry(ro=True), "it is read-only"),
        (entry(ro="1"), "it is read-only"),
        (entry(size=0), "no card in it"),
        (entry(size=2 * GB), "it holds 2.0 GB, the image needs 4.0 GB"),
        (part(), "it is a partition; name the whole disk"),
        (entry("/dev/sr0", type="rom"), "it is a rom"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_reasons_name_what_is_in_the_way(disk: dict[str, Any], words: str) -> None:
    found = reasons(disk)
    assert len(found) == 1
    assert words in found[0]


def test_reasons_are_all_told() -> None:
    disk = entry(ro=True, children=[part(fstype="LVM2_member", mountpoints=["/srv", "[SWAP]"])])
    assert len(reasons(disk)) == 4


def test_description_holds_model_serial_and_size() -> None:
    disk = devices_of(json.dumps({"blockdevices": [entry(model="Ultra\x1b[2J")]}))[0]
    assert described(disk) == "/dev/sda: SanDisk Ultra\\x1b[2J, serial 4C5300, 32.0 GB, usb, removable"


@pytest.mark.parametrize("text", ["", "{}", '{"blockdevices": [{"path": "/dev/sda"}]}'])
def test_devices_of_other_output_are_refused(text: str) -> None:
    with pytest.raises(FlashError, match=r"util-linux 2\.37"):
        devices_of(text)


def test_disk_at_refuses_what_is_no_disk(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name, words in (("file", "is no disk"), ("none", "does not exist")):
        with pytest.raises(FlashError, match=words):
            disk_at(tmp_path / name)
