"""Images are looked at before anything is written: packed or not, whole, and images of disks."""

import io
import lzma
from pathlib import Path

import pytest
from disk_images import MIB, packed, small_image
from hypothesis import given
from hypothesis import strategies as st

from firmware_config.errors import FlashError
from firmware_config.flash.packed import unpacked_size
from firmware_config.flash.source import bytes_of_table, checked_image

WHOLE = lzma.compress(b"x" * 100)
CHECKS = (lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_image(tmp_path_factory.mktemp("image") / "a.img")


def content_of(path: Path, step: int = 300_000) -> bytes:
    with checked_image(path).opened() as read:
        return b"".join(iter(lambda: read(step), b""))


def test_image_is_read_whole(image: Path) -> None:
    assert content_of(image) == image.read_bytes()


@pytest.mark.parametrize("streams", [1, 3])
def test_packed_image_is_read_whole(image: Path, streams: int) -> None:
    path = packed(image, streams=streams)
    assert checked_image(path).size_bytes == 11 * MIB
    assert content_of(path) == image.read_bytes()


@given(st.lists(st.tuples(st.binary(max_size=5_000), st.sampled_from(CHECKS)), max_size=4), st.integers(0, 3))
def test_unpacked_size_is_that_of_the_content(streams: list[tuple[bytes, int]], padding: int) -> None:
    file = b"".join(lzma.compress(content, check=check, preset=0) for content, check in streams) + bytes(4 * padding)
    assert unpacked_size(io.BytesIO(file)) == sum(len(content) for content, _ in streams)


@given(st.binary(max_size=3000), st.data())
def test_unpacked_size_refuses_what_is_cut_short(content: bytes, data: st.DataObject) -> None:
    whole = lzma.compress(content, preset=0)
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    with pytest.raises(ValueError, match=r"cut short|index is damaged"):
        unpacked_size(io.BytesIO(cut))


@given(st.binary(max_size=200))
def test_unpacked_size_survives_anything(tail: bytes) -> None:
    file = WHOLE[:-12] + tail
    try:
        assert unpacked_size(io.BytesIO(file)) >= 0
    except ValueError as error:
        assert str(error) in {"it is cut short", "its index is damaged"}  # noqa: PT017 - most, not all, are refused


def test_cut_images_are_refused(image: Path, tmp_path: Path) -> None:
    for path in (image, packed(image)):
        cut = tmp_path / path.name
        cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        with pytest.raises(FlashError, match="cut short"):
            checked_image(cut)


def test_image_of_a_larger_disk_is_refused(tmp_path: Path) -> None:
    path = small_image(tmp_path / "gpt.img", label="gpt")
    assert bytes_of_table(path.read_bytes()[:MIB]) == 11 * MIB
    path.write_bytes(path.read_bytes()[:-512])
    with pytest.raises(FlashError, match="cut short"):
        checked_image(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no table of partitions"),
        (b"\x1f\x8b" + bytes(3000), "packed with gzip"),
        (b"\x28\xb5\x2f\xfd" + bytes(3000), "packed with zstd"),
        (b"PK\x03\x04" + bytes(3000), "packed with zip"),
        (b"some text " * 1000, "no table of partitions"),
        (bytes(510) + b"\x55\xaa" + bytes(2000), "no table of partitions"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "other.img"
    path.write_bytes(content)
    with pytest.raises(FlashError, match=words):
        checked_image(path)
    with pytest.raises(FlashError, match="no such file"):
        checked_image(tmp_path / "none.img")


def test_damaged_packed_image_ends_in_an_error(image: Path, tmp_path: Path) -> None:
    content = bytearray(packed(image).read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "damaged.img.xz"
    path.write_bytes(content)
    with pytest.raises(FlashError, match="is damaged; download"):
        content_of(path)
