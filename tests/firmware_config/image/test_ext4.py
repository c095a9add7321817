"""ext4 is read and changed without root and without a mount, and every failure of debugfs is noticed."""

import hashlib
from pathlib import Path

import pytest
from lookalikes import BOOT_MIB, MIB, ROOT_MIB, lookalike

from firmware_config.errors import ImageError
from firmware_config.image.ext4 import Ext4, NewFile
from firmware_config.image.growing import grow_last
from firmware_config.image.table import partitions_of

CLOCK_S = 1_700_000_000


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return lookalike(tmp_path_factory.mktemp("base"), "bookworm").read_bytes()


@pytest.fixture
def image(base: bytes, tmp_path: Path) -> Path:
    path = tmp_path / "with space.img"
    path.write_bytes(base)
    return path


@pytest.fixture
def root(image: Path) -> Ext4:
    return Ext4(image, partitions_of(image)[1].offset, CLOCK_S)


def test_partitions_are_found(image: Path) -> None:
    boot, root = partitions_of(image)
    assert (boot.number, boot.offset, boot.filesystem) == (1, MIB, "fat")
    assert (root.number, root.size_bytes, root.filesystem) == (2, ROOT_MIB * MIB, "ext4")


def test_root_is_read(root: Ext4) -> None:
    assert root.kind("/etc/fstab") == "file"
    assert root.kind("/etc") == "folder"
    assert root.kind("/usr/bin/python3") == "link"
    assert root.kind("/etc/none") is None
    assert root.kind("/etc/fstab/none") is None
    assert root.target("/usr/bin/python3") == "python3.11"
    assert root.target("/etc/fstab") is None
    assert root.read("/etc/machine-id") == b"uninitialized\n"
    assert root.read("/etc") is None
    assert root.names("/etc/ssh") == ["sshd_config"]
    assert root.names("/none") == []


def test_files_are_written_with_their_rights(root: Ext4, tmp_path: Path) -> None:
    large = tmp_path / "large file"
    large.write_bytes(hashlib.sha256(b"x").digest() * 60_000)
    root.write(
        [
            NewFile("/opt/gammabox/firstboot/large", large, 0o600),
            NewFile("/opt/gammabox/firstboot/program", b"#!/bin/sh\n", 0o755),
            NewFile("/etc/machine-id", b"", 0o444),
        ]
    )
    root.check()
    assert root.read("/opt/gammabox/firstboot/large") == large.read_bytes()
    assert root.read("/etc/machine-id") == b""
    assert root.names("/opt/gammabox/firstboot") == ["large", "program"]


def test_same_files_give_the_same_bytes(base: bytes, tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        path = tmp_path / name / "x.img"
        path.parent.mkdir()
        path.write_bytes(base)
        Ext4(path, (1 + BOOT_MIB) * MIB, CLOCK_S).write([NewFile("/opt/a/b", b"content"), NewFile("/etc/fstab", b"")])
        contents.append(path.read_bytes())
    assert contents[0] == contents[1]


def test_full_root_is_noticed(root: Ext4, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(bytes(range(256)) * (ROOT_MIB * MIB // 256))
    assert root.free_bytes() < ROOT_MIB * MIB
    with pytest.raises(ImageError, match=r"cannot be changed|was not written"):
        root.write([NewFile("/opt/large", large)])


def test_root_grows(image: Path, root: Ext4, tmp_path: Path) -> None:
    free = root.free_bytes()
    grow_last(image, partitions_of(image)[1], 50 * MIB, tmp_path, CLOCK_S)
    root.check()
    assert root.free_bytes() >= free + 50 * MIB
    assert [part.number for part in partitions_of(image)] == [1, 2]


def test_root_of_a_gpt_grows(tmp_path: Path) -> None:
    image = lookalike(tmp_path, "debian")
    last = partitions_of(image)[-1]
    assert last.number == 1
    root = Ext4(image, last.offset, CLOCK_S)
    free = root.free_bytes()
    grow_last(image, last, 50 * MIB, tmp_path, CLOCK_S)
    root.check()
    assert root.free_bytes() >= free + 50 * MIB


def test_only_the_last_partition_grows(image: Path, tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="another partition follows"):
        grow_last(image, partitions_of(image)[0], MIB, tmp_path, CLOCK_S)


def test_damage_is_noticed(image: Path, root: Ext4) -> None:
    offset = partitions_of(image)[1].offset
    with image.open("r+b") as file:
        file.seek(offset + 4096)
        file.write(b"\xff" * 65536)
    with pytest.raises(ImageError, match=r"cannot be read|damaged"):
        root.check()


def test_image_that_is_cut_short_is_refused(image: Path) -> None:
    with image.open("r+b") as file:
        file.truncate(5 * MIB)
    with pytest.raises(ImageError, match="reaches beyond its end"):
        partitions_of(image)
    image.write_bytes(b"no image")
    with pytest.raises(ImageError, match="no table of partitions"):
        partitions_of(image)
