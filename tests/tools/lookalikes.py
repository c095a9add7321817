"""Small images that look like Raspberry Pi OS and Debian where their first-boot systems are concerned.

What is in them was taken from the sources of raspberrypi-sys-mods, rpi-imager, rpi-preseed and cloud-init.
"""

import atexit
import functools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

from firmware_config.image.ext4 import Ext4
from firmware_config.image.fat import Fat
from firmware_config.image.growing import extract_partition
from firmware_config.image.programs import PACKAGES, found
from firmware_config.image.table import partitions_of

MIB = 1 << 20
BOOT_MIB, ROOT_MIB = 8, 24
KINDS = ("bookworm", "trixie-first", "trixie", "preseed", "debian")
OS = {
    "bookworm": ("12", "3.11"),
    "trixie-first": ("13", "3.13"),
    "trixie": ("13", "3.13"),
    "preseed": ("13", "3.13"),
    "debian": ("12", "3.11"),
}
CMDLINE = "console=serial0,115200 root=PARTUUID=4c2b4f1e-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
FIRST = " init=/usr/lib/raspberrypi-sys-mods/firstboot"


def require_image_programs() -> None:
    """Skip a test where a program that changes images is missing."""
    lacking = {
        package
        for program, package in {**PACKAGES, "mke2fs": "e2fsprogs", "mkfs.fat": "dosfstools"}.items()
        if found(program) is None
    }
    if lacking:
        pytest.skip(f"not installed: {', '.join(sorted(lacking))}")


def lookalike(folder: Path, kind: str, *, machine: int = 0xB7, root_mib: int = ROOT_MIB, **root: bytes | None) -> Path:
    """Write an image of a kind. `root` changes files of the root by their path, None removes one."""
    require_image_programs()
    folder.mkdir(parents=True, exist_ok=True)
    image = folder / f"{kind}.img"
    shutil.copyfile(_made(kind, machine, root_mib, tuple(sorted(root.items()))), image)
    return image


def file_systems(image: Path) -> tuple[Ext4, Fat]:
    """Return the root of an image, and a copy of its boot partition."""
    boot, root = partitions_of(image)
    file = image.with_name("boot.out")
    extract_partition(image, boot.offset, boot.size_bytes, file)
    return Ext4(image, root.offset, 0), Fat(file, 0)


@functools.cache
def _made(kind: str, machine: int, root_mib: int, changes: tuple[tuple[str, bytes | None], ...]) -> Path:
    """Make an image once for all tests of this process."""
    folder, root = Path(tempfile.mkdtemp(prefix="lookalike-")), dict(changes)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    files = {**_root_files(kind, machine), **root}
    tree = folder / "tree"
    for name, content in files.items():
        if content is not None:
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (tree / "usr/bin").mkdir(parents=True, exist_ok=True)
    if "usr/bin/python3" not in root:
        (tree / "usr/bin/python3").symlink_to(f"python{OS[kind][1]}")
    is_gpt = kind == "debian"
    image, boot, ext4 = folder / f"{kind}.img", folder / "boot.fat", folder / "root.ext4"
    _file(ext4, root_mib)
    _run("mke2fs", "-q", "-t", "ext4", "-d", tree, "-L", "rootfs", ext4)
    _file(boot, BOOT_MIB)
    _run("mkfs.fat", "-n", "BOOTFS", boot)
    for name, content in _boot_files(kind).items():
        (folder / "one").write_bytes(content)
        _run("mcopy", "-i", boot, folder / "one", f"::/{name}")
    _file(image, 1 + BOOT_MIB + root_mib + 1)
    kinds = ("U", "L") if is_gpt else ("c", "L")
    lines = [f"{2048},{BOOT_MIB}M,{kinds[0]}", f"{2048 + BOOT_MIB * 2048},{root_mib}M,{kinds[1]}"]
    if is_gpt:  # Debian's cloud images have the root as number 1 and lie it behind the others
        lines = [
            f"15: start=2048,size={BOOT_MIB}M,type=U",
            f"1: start={2048 + BOOT_MIB * 2048},size={root_mib}M,type=L",
        ]
    _run("sfdisk", "-q", image, given="\n".join([f"label: {'gpt' if is_gpt else 'dos'}", *lines]) + "\n")
    with image.open("r+b") as out:
        for part, mib in ((boot, 1), (ext4, 1 + BOOT_MIB)):
            out.seek(mib * MIB)
            out.write(part.read_bytes())
    return image


def _root_files(kind: str, machine: int) -> dict[str, bytes]:
    version, python = OS[kind]
    place = "/boot/efi" if kind == "debian" else "/boot/firmware"
    files = {
        "usr/lib/os-release": f'PRETTY_NAME="Debian"\nID=debian\nVERSION_ID="{version}"\n'.encode(),
        "etc/fstab": f"proc /proc proc defaults 0 0\nPARTUUID=4c2b4f1e-01  {place}  vfat  defaults  0  2\n".encode(),
        "etc/machine-id": b"uninitialized\n",
        "etc/hosts": b"127.0.0.1\tlocalhost\n",
        f"usr/bin/python{python}": b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + bytes(2000),
        "etc/ssh/sshd_config": b"",
        "etc/systemd/system/multi-user.target.wants/keep": b"",
    }
    if kind != "debian":
        files |= {
            "etc/rpi-issue": b"Raspberry Pi reference\n",
            "usr/lib/raspberrypi-sys-mods/imager_custom": b"#!/bin/sh\n",
        }
    if kind in {"trixie", "debian"}:
        files |= {"usr/bin/cloud-init": b"#!/usr/bin/python3\n", "etc/cloud/cloud.cfg": b"users: [default]\n"}
    if kind == "preseed":
        files |= {"usr/bin/rpi-preseed": b"#!/bin/sh\n", "usr/lib/systemd/system/rpi-preseed.service": b""}
    return files


def _boot_files(kind: str) -> dict[str, bytes]:
    if kind == "debian":
        return {"mark": b"EFI"}
    return {"cmdline.txt": (CMDLINE + (FIRST if kind == "bookworm" else "") + "\n").encode(), "config.txt": b"[all]\n"}


def _file(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        file.truncate(mib * MIB)


def _run(program: str, *words: object, given: str = "") -> None:
    ran = subprocess.run(
        [found(program) or program, *map(str, words)], input=given.encode(), capture_output=True, check=False
    )
    assert ran.returncode == 0, (program, ran.stderr)
