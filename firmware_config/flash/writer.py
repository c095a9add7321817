"""Writes an image so that a card boots only when all of it is there: the first MiB last, after all else was read back.

The order: the first and the last MiB of the card are emptied, so that nothing boots that was there before. The image
from its second MiB on is written and read back. Only then the first MiB follows, with the table of partitions, and is
read back. Whatever is interrupted before leaves a card without a table.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from firmware_config.errors import FlashError
from firmware_config.flash.card import CHUNK_BYTES
from firmware_config.flash.disks import sized
from firmware_config.flash.source import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from firmware_config.flash.card import Card
    from firmware_config.flash.source import Image

Phase = Literal["writing", "reading back"]


class MismatchError(FlashError):
    """A card that holds something else than what was written to it."""


@dataclass(frozen=True, slots=True)
class Flashed:
    """What was written: bytes, their SHA-256, and how long writing and reading back took."""

    size_bytes: int
    sha256: str
    written_s: float
    read_s: float


def flash(image: Image, card: Card, report: Callable[[Phase, int, int], None]) -> Flashed:
    """Write an image onto a card, read it back, and compare.

    Parameters
    ----------
    image : Image
    card : Card
        Nothing else uses it.
    report : callable
        Is called with the phase, the bytes that are done and all bytes, after each piece.

    Raises
    ------
    MismatchError
        The card holds something else than what was written.
    FlashError
        The image or the card fails. The card has no table of partitions then.

    """
    total = image.size_bytes
    _without_table(card)
    whole, pieces = hashlib.sha256(), []
    began_s = time.monotonic()
    with image.opened() as read:
        head = read(min(HEAD_BYTES, total))
        whole.update(head)
        offset = len(head)
        while piece := read(CHUNK_BYTES):
            card.write(offset, piece)
            pieces.append((offset, len(piece), hashlib.sha256(piece).digest()))
            whole.update(piece)
            offset += len(piece)
            report("writing", offset - len(head), total - len(head))
    card.flush()
    turned_s = time.monotonic()
    for offset, count, digest in pieces:
        _compare(card, offset, count, digest)
        report("reading back", offset + count - len(head), total)
    _write_head(card, head)
    report("reading back", total, total)
    return Flashed(total, whole.hexdigest(), turned_s - began_s, time.monotonic() - turned_s)


def _without_table(card: Card) -> None:
    """Empty the first MiB, and the last one: firmware of a PC boots from the copy of the table that lies there."""
    card.write(0, bytes(HEAD_BYTES))
    last = (card.size_bytes - HEAD_BYTES) // HEAD_BYTES * HEAD_BYTES
    if last >= HEAD_BYTES:
        card.write(last, bytes(card.size_bytes - last))
    card.flush()


def _write_head(card: Card, head: bytes) -> None:
    is_whole = False
    try:
        card.write(0, head)
        card.flush()
        _compare(card, 0, len(head), hashlib.sha256(head).digest())
        is_whole = True
    finally:
        if not is_whole:
            # A card that boots from a damaged table would be worse than one that does not boot. It may be gone, too.
            with contextlib.suppress(FlashError):
                card.write(0, bytes(HEAD_BYTES))
                card.flush()


def _compare(card: Card, offset: int, count: int, digest: bytes) -> None:
    if hashlib.sha256(card.read(offset, count)).digest() != digest:
        raise MismatchError(
            f"the card holds other bytes than were written, at {sized(offset)} to {sized(offset + count)}: it is worn "
            "out, or smaller than it says; throw it away. It does not boot"
        )
