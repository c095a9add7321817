"""A card boots only when all of the image is on it and was read back; on every failure it has no table of partitions.

The cards here are files in memory that fail as cards do; test_flash_command.py writes loop devices.
"""

from pathlib import Path

import pytest
from disk_images import MIB, packed, small_image

from firmware_config.errors import FlashError
from firmware_config.flash.card import CHUNK_BYTES
from firmware_config.flash.source import Image, checked_image
from firmware_config.flash.writer import MismatchError, flash

OLD = b"\xa5" * 512


class MemoryCard:
    """A card of 16 MiB that holds an old table, and can fail."""

    def __init__(self, real_bytes: int = 16 * MIB) -> None:
        self.size_bytes = 16 * MIB
        self.content = bytearray(OLD * (real_bytes // 512))
        self.writes: list[int] = []
        self.flips: set[int] = set()
        self.fails_at: int | None = None
        self.on_write = lambda _offset: None

    def write(self, offset: int, content: bytes) -> None:
        assert len(content) <= CHUNK_BYTES
        assert offset + len(content) <= self.size_bytes
        self.on_write(offset)
        if self.fails_at is not None and offset <= self.fails_at < offset + len(content):
            raise FlashError("the card was pulled out")
        self.writes.append(offset)
        for at in range(0, len(content), MIB):  # a false card begins anew where its memory ends
            real = (offset + at) % len(self.content)
            self.content[real : real + MIB] = content[at : at + MIB]

    def read(self, offset: int, count: int) -> bytes:
        reals = [place % len(self.content) for place in range(offset, offset + count, MIB)]
        content = bytearray(b"".join(self.content[real : real + MIB] for real in reals)[:count])
        for place in self.flips:
            if offset <= place < offset + count:
                content[place - offset] ^= 1
        return bytes(content)

    def flush(self) -> None:
        self.writes.append(-1)

    @property
    def has_table(self) -> bool:
        return bool(self.content[:MIB].strip(b"\0"))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return checked_image(small_image(tmp_path_factory.mktemp("image") / "a.img"))


def quiet(*_: object) -> None:
    """Take progress."""


def test_flash_writes_the_table_last(image: Image) -> None:
    card, said = MemoryCard(), []
    done = flash(image, card, lambda *progress: said.append(progress))
    assert card.content[: 11 * MIB] == image.path.read_bytes()
    assert card.writes == [0, 15 * MIB, -1, MIB, 5 * MIB, 9 * MIB, -1, 0, -1]
    assert said[-1] == ("reading back", 11 * MIB, 11 * MIB)
    assert [phase for phase, _, _ in said] == ["writing"] * 3 + ["reading back"] * 4
    assert [progress for _, progress, _ in said[:3]] == [4 * MIB, 8 * MIB, 10 * MIB]
    assert done.size_bytes == 11 * MIB


def test_flash_leaves_no_old_table_at_the_end(image: Image) -> None:
    card = MemoryCard()
    flash(image, card, quiet)
    assert not card.content[15 * MIB :].strip(b"\0")
    assert card.content[11 * MIB : 15 * MIB].count(OLD) == 4 * MIB // 512


@pytest.mark.parametrize("place", [MIB, 5 * MIB + 77, 11 * MIB - 1])
def test_flipped_bit_leaves_no_table(image: Image, place: int) -> None:
    card = MemoryCard()
    card.flips = {place}
    with pytest.raises(MismatchError, match="holds other bytes"):
        flash(image, card, quiet)
    assert not card.has_table


def test_flipped_bit_in_the_table_removes_it(image: Image) -> None:
    card = MemoryCard()
    card.flips = {440}
    with pytest.raises(MismatchError):
        flash(image, card, quiet)
    assert not card.has_table


def test_card_smaller_than_it_says_is_found(image: Image) -> None:
    card = MemoryCard(real_bytes=8 * MIB)
    with pytest.raises(MismatchError, match="smaller than it says"):
        flash(image, card, quiet)
    # What the image has behind 8 MiB lies where the table would.
    assert bytes(card.content[:MIB]) != image.path.read_bytes()[:MIB]


@pytest.mark.parametrize("place", [MIB, 6 * MIB, 10 * MIB])
def test_pulled_card_has_no_table(image: Image, place: int) -> None:
    card = MemoryCard()
    card.fails_at = place
    with pytest.raises(FlashError, match="pulled"):
        flash(image, card, quiet)
    assert not card.has_table


def test_card_pulled_at_the_table_says_so(image: Image) -> None:
    card = MemoryCard()

    def pull(offset: int) -> None:
        card.fails_at = 0 if offset == 0 and len(card.writes) > 3 else None

    card.on_write = pull
    with pytest.raises(FlashError, match="pulled"):
        flash(image, card, quiet)
    assert not card.has_table


def test_interrupted_card_has_no_table(image: Image) -> None:
    card = MemoryCard()

    def interrupt(offset: int) -> None:
        if offset == 9 * MIB:
            raise KeyboardInterrupt

    card.on_write = interrupt
    with pytest.raises(KeyboardInterrupt):
        flash(image, card, quiet)
    assert not card.has_table


def test_image_that_ends_early_leaves_no_table(image: Image, tmp_path: Path) -> None:
    path = tmp_path / "a.img"
    path.write_bytes(image.path.read_bytes())
    damaged = packed(path)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    for cut, words in ((path, "ends early"), (damaged, "is damaged")):
        seen = checked_image(cut)
        cut.write_bytes(path.read_bytes()[: 6 * MIB] if cut == path else content)
        card = MemoryCard()
        with pytest.raises(FlashError, match=words):
            flash(seen, card, quiet)
        assert not card.has_table
