"""A card that is being written: opened for this program alone, past the cache of the system in both directions."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import sys
from typing import TYPE_CHECKING, Protocol

from edge.files import why
from firmware_config.errors import FlashError
from firmware_config.flash.disks import reasons_against, sized

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from firmware_config.flash.disks import Device

CHUNK_BYTES = 4 << 20
_BLKSSZGET = 0x1268
_BLKRRPART = 0x125F
_GONE = {errno.ENODEV, errno.ENXIO, errno.ENOMEDIUM}


class Card(Protocol):
    """What is written: a disk, or what stands for one in a test. Pieces have at most `CHUNK_BYTES`."""

    size_bytes: int

    def write(self, offset: int, content: bytes) -> None:
        """Write a piece at an offset, both whole sectors. Raise FlashError where the card fails."""
        ...

    def read(self, offset: int, count: int) -> bytes:
        """Read a piece, not from a cache of this machine. Raise FlashError where the card fails."""
        ...

    def flush(self) -> None:
        """Wait until the card has taken everything. Raise FlashError where it fails."""
        ...


class DiskCard:
    """A disk of this machine, opened so that nothing else can mount or open it for itself meanwhile.

    Raises
    ------
    FlashError
        It is another disk than the one that was looked at, it is in use or write-protected now, or cannot be opened.

    """

    def __init__(self, disk: Device, look_again: Callable[[], Device], needed_bytes: int) -> None:
        self._path = disk.path
        try:
            self._file = os.open(disk.path, os.O_RDWR | os.O_EXCL | os.O_DIRECT | os.O_CLOEXEC)
        except OSError as error:
            raise FlashError(f"{disk.path}: {_refused(error)}") from error
        with contextlib.ExitStack() as closing:
            closing.callback(os.close, self._file)
            now = look_again()
            number = os.fstat(self._file).st_rdev
            if now.identity != disk.identity or f"{os.major(number)}:{os.minor(number)}" != disk.number:
                raise FlashError(f"{disk.path}: another disk has taken its place; nothing was written, begin again")
            if against := reasons_against(now, needed_bytes):
                raise FlashError(f"{disk.path}: {against[0]}")
            self.size_bytes = os.lseek(self._file, 0, os.SEEK_END)
            self._sector = int.from_bytes(fcntl.ioctl(self._file, _BLKSSZGET, bytes(4)), sys.byteorder)
            closing.pop_all()
        # O_DIRECT wants memory that begins at a page.
        self._buffer = mmap.mmap(-1, CHUNK_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let the system read the new table of partitions, and close the disk."""
        # A loop device without partitions refuses; the table is read when a card is put in again.
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._file, _BLKRRPART)
        os.close(self._file)

    def write(self, offset: int, content: bytes) -> None:
        """Write a piece; a last sector that is not full is filled with zeros."""
        length = -(-len(content) // self._sector) * self._sector
        self._buffer[: len(content)] = content
        self._buffer[len(content) : length] = bytes(length - len(content))
        done = 0
        with memoryview(self._buffer) as view:
            while done < length:
                try:
                    count = os.pwrite(self._file, view[done:length], offset + done)
                except OSError as error:
                    raise self._failed("cannot be written", offset + done, error) from error
                if count == 0:
                    raise FlashError(f"{self._path}: takes no more at {sized(offset + done)}; take another card")
                done += count

    def read(self, offset: int, count: int) -> bytes:
        """Read a piece; fewer bytes only at the end of the disk."""
        length, done = -(-count // self._sector) * self._sector, 0
        with memoryview(self._buffer) as view:
            while done < length:
                try:
                    got = os.preadv(self._file, [view[done:length]], offset + done)
                except OSError as error:
                    raise self._failed("cannot be read back", offset + done, error) from error
                if got == 0:
                    break
                done += got
        return self._buffer[: min(done, count)]

    def flush(self) -> None:
        """Wait until the card has taken everything."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failed("cannot be written", None, error) from error

    def _failed(self, what: str, offset: int | None, error: OSError) -> FlashError:
        if error.errno in _GONE:
            return FlashError(f"{self._path}: the card was pulled out or its reader has failed; put it in, begin again")
        place = "" if offset is None else f" at {sized(offset)}"
        return FlashError(f"{self._path}: {what}{place} ({why(error)}); take another card, or another reader")


def _refused(error: OSError) -> str:
    if error.errno == errno.EBUSY:
        return "it is in use: a part of it is mounted, or another program has it; nothing was written"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return "you may not write it; run the command with sudo"
    if error.errno == errno.EROFS:
        return "it is read-only; move the switch of the card, or try another reader"
    if error.errno in _GONE:
        return "there is no card in it; put one in"
    return f"it cannot be opened ({why(error)})"
