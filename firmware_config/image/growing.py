"""Copies partitions out of an image and back, and makes the last one larger."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from firmware_config.errors import ImageError
from firmware_config.image.programs import last_line, run, with_clock
from firmware_config.image.table import partitions_of

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

    from firmware_config.image.table import Partition

STEP_BYTES = 64 << 20
_CHUNK = 1 << 20


def grow_last(image: Path, partition: Partition, more_bytes: int, scratch: Path, clock_s: int) -> None:
    """Make an image, its last partition and the ext4 in it larger by at least some bytes, in a scratch folder.

    Raises
    ------
    ImageError
        Another partition lies behind it, or the table cannot be changed.

    """
    if any(other.offset > partition.offset for other in partitions_of(image)):
        raise ImageError(
            f"the root lacks {more_bytes >> 20} MiB for the release, and cannot grow as another partition follows it"
        )
    size_bytes = image.stat().st_size
    # The file system needs a little of each added block for itself.
    wanted = more_bytes + more_bytes // 16
    with image.open("r+b") as opened:
        opened.truncate(size_bytes + -(-wanted // STEP_BYTES) * STEP_BYTES)
    moved = run(["sfdisk", "--relocate", "gpt-bak-std", image])  # of a GPT only; others have no second table
    ran = run(["sfdisk", "--no-reread", "-N", str(partition.number), image], given=b", +\n")
    now = next((each for each in partitions_of(image) if each.number == partition.number), partition)
    if ran.returncode != 0 or now.size_bytes < partition.size_bytes + more_bytes:
        raise ImageError(f"{image}: the root cannot be made larger ({last_line(ran.stderr or moved.stderr)})")
    file = scratch / "growing"
    extract_partition(image, now.offset, partition.size_bytes, file)
    # In place resize2fs would cut the image off where the partition would end if it began at 0.
    grown = run(["resize2fs", file, f"{now.size_bytes // 4096 * 4}K"], more=with_clock(clock_s))
    if grown.returncode != 0:
        raise ImageError(f"{image}: its ext4 cannot be made larger ({last_line(grown.stderr)}); take another image")
    write_partition(image, now.offset, file)
    file.unlink()


def extract_partition(image: Path, offset: int, size_bytes: int, out: Path) -> None:
    """Copy a partition out of an image into a file, as `write_sparse` does."""
    with image.open("rb") as source, out.open("wb") as target:
        source.seek(offset)
        left = size_bytes
        while left and (piece := source.read(min(_CHUNK, left))):
            left -= len(piece)
            write_sparse(target, piece)
        target.truncate(size_bytes)


def write_sparse(file: BinaryIO, piece: bytes) -> None:
    """Write a piece into a new file. A piece of zeros alone is skipped, so that it takes no room on the disk.

    Truncate the file to its size at the end: a last piece that was skipped has not made it longer.
    """
    if piece.strip(b"\0"):
        file.write(piece)
    else:
        file.seek(len(piece), os.SEEK_CUR)


def write_partition(image: Path, offset: int, file: Path) -> None:
    """Copy a partition from a file back into its image. What is the same there already is not written."""
    with file.open("rb") as source, image.open("r+b") as target:
        while piece := source.read(_CHUNK):
            target.seek(offset)
            if target.read(len(piece)) != piece:
                target.seek(offset)
                target.write(piece)
            offset += len(piece)
