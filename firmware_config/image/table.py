"""The partitions of an image: where they lie and what is in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from firmware_config.errors import ImageError
from firmware_config.image.programs import last_line, run

if TYPE_CHECKING:
    from pathlib import Path

Filesystem = Literal["fat", "ext4", "other"]
_EXT_MAGIC_AT = 1080
_FAT_WORDS = ((54, b"FAT1"), (82, b"FAT32"))


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition: its number, its first byte, its size in bytes, and its file system."""

    number: int
    offset: int
    size_bytes: int
    filesystem: Filesystem


def partitions_of(image: Path) -> list[Partition]:
    """Return the partitions of an image in their order on the disk.

    Raises
    ------
    ImageError
        There is no table of partitions, or it reaches beyond the image.

    """
    ran = run(["sfdisk", "--json", image])
    try:
        table = json.loads(ran.stdout)["partitiontable"]
        sector = int(table.get("sectorsize", 512))
        places = [(str(entry["node"]), int(entry["start"]), int(entry["size"])) for entry in table["partitions"]]
    except (ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"{image}: has no table of partitions ({last_line(ran.stderr)}); name an image of a disk"
        ) from error
    size_bytes = image.stat().st_size
    found = []
    for node, start, size in places:
        number = int(node.removeprefix(str(image)).lstrip("p") or 0)
        if (start + size) * sector > size_bytes:
            raise ImageError(f"{image}: partition {number} reaches beyond its end; download or copy it again")
        found.append(Partition(number, start * sector, size * sector, _filesystem(image, start * sector)))
    return sorted(found, key=lambda partition: partition.offset)


def _filesystem(image: Path, offset: int) -> Filesystem:
    with image.open("rb") as file:
        file.seek(offset)
        head = file.read(2048)
    if head[_EXT_MAGIC_AT : _EXT_MAGIC_AT + 2] == b"\x53\xef":
        return "ext4"
    if head[510:512] == b"\x55\xaa" and any(head[at : at + len(word)] == word for at, word in _FAT_WORDS):
        return "fat"
    return "other"
