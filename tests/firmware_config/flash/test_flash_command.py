"""The command flash on real block devices: loop devices, where this machine and user may make them."""

import errno
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from disk_images import MIB, loop_device, mounted, packed, small_image

import firmware_config.flash.card as card_module
from firmware_config.commands.cli import main
from firmware_config.errors import FlashError
from firmware_config.flash.card import DiskCard
from firmware_config.flash.disks import disk_at
from firmware_config.flash.source import checked_image
from firmware_config.flash.writer import MismatchError, flash

SIZE = 16 * MIB


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_image(tmp_path_factory.mktemp("image") / "a.img")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "card"
    path.write_bytes(b"\xa5" * SIZE)
    return path


@pytest.fixture
def device(file: Path) -> Iterator[Path]:
    with loop_device(file) as made:
        yield made


def has_table(file: Path) -> bool:
    with file.open("rb") as opened:
        return bool(opened.read(MIB).strip(b"\0"))


def test_flash_writes_a_card(command, image: Path, device: Path, file: Path) -> None:
    ended = command(main, "flash", packed(image), device, "--yes", "--json")
    assert ended.code == 0, ended
    assert ended.json["bytes"] == 11 * MIB
    assert file.read_bytes()[: 11 * MIB] == image.read_bytes()
    assert f"card   {device}: unknown model, no serial number, 16.8 MB, loop" in ended.err


def test_flash_writes_an_odd_image(command, image: Path, device: Path, file: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.img"
    odd.write_bytes(image.read_bytes() + b"tail")
    ended = command(main, "flash", odd, device, "--yes")
    assert ended.code == 0, ended
    assert file.read_bytes()[: 11 * MIB + 512] == odd.read_bytes() + bytes(508)


def test_flash_asks_before_it_writes(image: Path, device: Path, file: Path) -> None:
    words = [sys.executable, "-c", "from firmware_config.commands import main; main()", "flash", image, device]
    for answer, code in ((b"n\n", 2), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(words, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown: list[bytes] = []
        reader = threading.Thread(target=read_all, args=(ours, shown))
        reader.start()
        os.write(ours, answer)
        assert process.wait(60) == code
        reader.join()
        os.close(ours)
        assert b"will be lost. Write it? [y/N]" in b"".join(shown)
        assert (file.read_bytes()[: 11 * MIB] == image.read_bytes()) == (code == 0)


def read_all(descriptor: int, shown: list[bytes]) -> None:
    try:
        while piece := os.read(descriptor, 1 << 16):
            shown.append(piece)
    except OSError as error:
        assert error.errno == errno.EIO  # noqa: PT017 - the other end of a terminal has ended


def test_flash_without_an_answer_writes_nothing(command, image: Path, device: Path, file: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", (image.parent / "none").open("w+"))
    ended = command(main, "flash", image, device)
    assert ended.code == 2
    assert "add --yes" in ended.err
    assert file.read_bytes() == b"\xa5" * SIZE


def test_flash_without_a_device_lists_disks(command, image: Path) -> None:
    assert command(main, "flash", image).refused("name the card to write")


def test_read_only_disk_is_refused(command, image: Path, file: Path) -> None:
    with loop_device(file, "--read-only") as device:
        assert command(main, "flash", image, device, "--yes").refused("it is read-only")


def test_small_disk_is_refused(command, image: Path, tmp_path: Path) -> None:
    (tmp_path / "card").write_bytes(bytes(8 * MIB))
    with loop_device(tmp_path / "card") as device:
        assert command(main, "flash", image, device, "--yes").refused("it holds 8.4 MB, the image needs 11.5 MB")


def test_mounted_disk_is_refused(command, image: Path, device: Path, tmp_path: Path) -> None:
    subprocess.run(["mke2fs", "-q", "-t", "ext4", device], check=True)
    with mounted("ext4", device, tmp_path / "place"):
        ended = command(main, "flash", image, device, "--yes")
        assert ended.refused(f"{device} is mounted at {tmp_path / 'place'}"), ended
        # Mounted after it was looked at: the kernel says so.
        disk = replace(disk_at(device), mounts=())
        with pytest.raises(FlashError, match="it is in use"):
            DiskCard(disk, lambda: disk, 0)


def test_exchanged_disk_is_refused(device: Path, file: Path) -> None:
    disk = disk_at(device)
    for other in (replace(disk, serial="other"), replace(disk, size_bytes=1), replace(disk, number="8:0")):
        with pytest.raises(FlashError, match="another disk has taken its place"):
            DiskCard(other, lambda: disk_at(device), 0)
    with pytest.raises(FlashError, match="is mounted at /srv"):
        DiskCard(disk, lambda: replace(disk, mounts=("/srv",)), 0)
    assert file.read_bytes() == b"\xa5" * SIZE


def test_system_disk_is_refused(command, image: Path) -> None:
    found = subprocess.run(["findmnt", "-n", "-o", "SOURCE", "/"], capture_output=True, text=True, check=False)
    root = Path(found.stdout.strip() or "/none")
    if not root.is_block_device():
        pytest.skip(f"the root of this machine is no disk: {root}")
    ended = command(main, "flash", image, root, "--yes")
    assert ended.refused("is not written: ", "the running system is on it", "never write that disk"), ended


def test_read_back_goes_past_the_cache(image: Path, device: Path, file: Path) -> None:
    """What changes beneath the device is seen, though the page cache of the device holds what was written."""
    disk = disk_at(device)
    seen = checked_image(image)

    def flip(phase: str, done: int, _total: int) -> None:
        if (phase, done) == ("writing", 10 * MIB):
            with file.open("r+b") as opened:
                opened.seek(7 * MIB)
                byte = opened.read(1)[0]
                opened.seek(7 * MIB)
                opened.write(bytes([byte ^ 1]))

    with DiskCard(disk, lambda: disk_at(device), 0) as card, pytest.raises(MismatchError):
        flash(seen, card, flip)
    assert not has_table(file)


def test_mismatch_ends_with_exit_code_1(command, image: Path, device: Path, file: Path, monkeypatch) -> None:
    read = DiskCard.read

    def wrong(self: DiskCard, offset: int, count: int) -> bytes:
        return read(self, offset, count)[:-1] + b"?"

    monkeypatch.setattr(DiskCard, "read", wrong)
    ended = command(main, "flash", image, device, "--yes")
    assert ended.code == 1
    assert f"error: {device}: the card holds other bytes" in ended.err
    assert not has_table(file)


def test_io_error_names_its_place(command, image: Path, tmp_path: Path) -> None:
    """A loop device on a file system that is full gives the error that a dying card gives."""
    with mounted("tmpfs", "full", tmp_path / "full", "-o", "size=5m"):
        file = tmp_path / "full/card"
        with file.open("wb") as opened:
            opened.truncate(SIZE)
        with loop_device(file) as device:
            ended = command(main, "flash", image, device, "--yes")
            assert ended.code == 2
            assert "cannot be written" in ended.err
            assert "take another card" in ended.err
            assert not has_table(file)


@pytest.mark.parametrize("code", [errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM])
def test_pulled_card_is_told(command, image: Path, device: Path, monkeypatch, code: int) -> None:
    write = os.pwrite

    def pulled(descriptor: int, content: bytes, offset: int) -> int:
        if offset >= 5 * MIB and offset < 15 * MIB:
            raise OSError(code, os.strerror(code))
        return write(descriptor, content, offset)

    monkeypatch.setattr(card_module.os, "pwrite", pulled)
    ended = command(main, "flash", image, device, "--yes")
    assert ended.code == 2
    assert "the card was pulled out" in ended.err
    assert not has_table(device)


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "sudo"), (errno.EROFS, "read-only"), (errno.ENOMEDIUM, "no card"), (errno.EIO, "cannot be opened")],
)
def test_disk_that_cannot_be_opened_says_why(device: Path, monkeypatch, code: int, words: str) -> None:
    disk = disk_at(device)

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(card_module.os, "open", refuse)
    with pytest.raises(FlashError, match=words):
        DiskCard(disk, lambda: disk, 0)
