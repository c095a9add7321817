"""An image of a disk, plain or packed with xz: checked before anything is written, then read as a stream."""

from __future__ import annotations

import lzma
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from edge.files import why
from firmware_config.errors import FlashError
from firmware_config.flash.disks import sized
from firmware_config.flash.packed import MAGIC, unpacked_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SECTOR = 512
HEAD_BYTES = 1 << 20
"""The table of partitions and the boot loader of a PC lie within the first MiB."""
OTHER_PACKINGS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip", b"BZh": "bzip2"}
_ENTRY = struct.Struct("<BxxxBxxxII")
_GPT = 0xEE


@dataclass(frozen=True, slots=True)
class Image:
    """An image that was checked: its file, its size unpacked, and whether it is packed with xz."""

    path: Path
    size_bytes: int
    is_packed: bool

    @contextmanager
    def opened(self) -> Iterator[Callable[[int], bytes]]:
        """Open the image and yield the function that returns the next bytes, fewer only at the end.

        Raises
        ------
        FlashError
            The file cannot be read, is damaged, or ends early.

        """
        with _refusals(self.path):
            opened = lzma.open if self.is_packed else open
            file = cast("BinaryIO", opened(self.path, "rb"))
        left = self.size_bytes

        def read(count: int) -> bytes:
            nonlocal left
            wanted = min(count, left)
            with _refusals(self.path):
                content = file.read(wanted)
            if len(content) < wanted:
                raise _cut_short(self.path)
            left -= wanted
            return content

        with file:
            yield read


def checked_image(path: Path) -> Image:
    """Return the image in a file, after a check of its packing, its size and its table of partitions.

    Raises
    ------
    FlashError
        The file cannot be read, is packed in another way, is no image of a disk, or is cut short.

    """
    with _refusals(path), path.open("rb") as file:
        begin = file.read(len(MAGIC))
        for magic, name in OTHER_PACKINGS.items():
            if begin.startswith(magic):
                raise FlashError(f"{path}: is packed with {name}; unpack it first, or pack it with xz")
        is_packed = begin == MAGIC
        try:
            size_bytes = unpacked_size(file) if is_packed else file.seek(0, 2)
        except ValueError as error:
            raise FlashError(f"{path}: {error}; download or copy it again") from None
    image = Image(path, size_bytes, is_packed)
    with image.opened() as read:
        needed = bytes_of_table(read(min(HEAD_BYTES, size_bytes)))
    if needed is None:
        raise FlashError(f"{path}: holds no table of partitions, so it is no image of a disk; name an .img or .img.xz")
    if needed > size_bytes:
        raise FlashError(
            f"{path}: is cut short: it has {sized(size_bytes)}, its partitions {sized(needed)}; download or copy it "
            "again"
        )
    return image


def bytes_of_table(head: bytes) -> int | None:
    """Return how large a disk has to be for the table of partitions in its first MiB; None where there is no table.

    A table of the old kind (MBR) says where each partition ends. One of the new kind (GPT) says where its own copy at
    the end of the disk lies (UEFI specification, 5.3.2).
    """
    if len(head) < SECTOR or head[510:512] != b"\x55\xaa":
        return None
    entries = [_ENTRY.unpack_from(head, 446 + 16 * number) for number in range(4)]
    used: list[tuple[int, int]] = [(begin, count) for _, kind, begin, count in entries if kind and count]
    if not used:
        return None
    gpt = head[SECTOR : 2 * SECTOR]
    if any(kind == _GPT for _, kind, _, _ in entries) and gpt[:8] == b"EFI PART":
        return (int.from_bytes(gpt[32:40], "little") + 1) * SECTOR
    return max(begin + count for begin, count in used) * SECTOR


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise _cut_short(path) from None
    except lzma.LZMAError:
        raise FlashError(f"{path}: is damaged; download or copy it again") from None
    except OSError as error:
        raise FlashError(f"{path}: {why(error)}; name an image that can be read") from error


def _cut_short(path: Path) -> FlashError:
    return FlashError(f"{path}: ends early; download or copy it again")
