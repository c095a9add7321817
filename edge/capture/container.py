"""Reads what the container of a recording says of itself: how many streams of pictures, and whether it was cut off."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

from edge.capture.jpeg import JPEG_START

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Kind = Literal["avi", "matroska", "mp4", "jpeg", "other"]

MAX_PIECES = 100_000  # more pieces on one level mean a damaged file
_BOX_TYPES = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot", b"moof", b"styp"}
_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_CLUSTER = 0x1F43B675
_TRACKS = 0x1654AE6B
_TRACK = 0xAE
_TRACK_TYPE = 0x83


@dataclass(frozen=True, slots=True)
class Container:
    """What a container says.

    Attributes
    ----------
    kind : {"avi", "matroska", "mp4", "jpeg", "other"}
        "jpeg" are pictures one after another, without times.
    video_streams : int
        Streams of pictures; 0 where unknown.
    is_cut : bool or None
        Whether the file ends before the container does; None where it does not say where it ends.

    """

    kind: Kind
    video_streams: int = 0
    is_cut: bool | None = None


_NAMES = {"avi": "an AVI", "matroska": "a Matroska file", "mp4": "an MP4 or MOV"}
_CONVERT = "convert it (ffmpeg -i IN -c:v mjpeg -q:v 2 OUT.avi)"


def not_opened(container: Container, size_bytes: int) -> tuple[str, str]:
    """Return why a file cannot be opened as a recording, and what to do."""
    name = _NAMES.get(container.kind)
    if name is None:
        return (
            f"no video is recognised in its {size_bytes} bytes",
            "name a recording (Motion JPEG AVI, MP4, MKV), a folder of pictures or a camera",
        )
    if container.video_streams:
        if container.is_cut:
            return f"is {name} whose first pictures are cut off: no video is recognised", "copy or record it again"
        return f"is {name}, but its kind of video is not known here", _CONVERT
    if container.is_cut or container.is_cut is None or container.kind != "matroska":
        return (
            f"is {name} that was cut off before its header was whole: no video is recognised",
            "copy or record it again",
        )
    return f"is {name} without a stream of pictures: no video is recognised", "name a recording with pictures"


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of a container: its type, and where its content begins and ends. `end` is None where it is not said."""

    name: bytes
    start: int
    end: int | None

    def end_within(self, size: int) -> int:
        """Return where its content ends in a file of this size, which may be cut off."""
        return min(self.end or size, size)


def container_of(path: Path) -> Container:
    """Read the container of a recording. What is damaged counts as unknown.

    Raises
    ------
    OSError
        The file cannot be read.

    """
    with path.open("rb") as file:
        head = file.read(12)
        size = file.seek(0, 2)
        try:
            if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
                return _avi(file, size)
            if head[:4] == _EBML.to_bytes(4, "big"):
                return _matroska(file, size)
            if head[4:8] in _BOX_TYPES:
                return _mp4(file, size)
        except (struct.error, ValueError, IndexError):
            return Container("other")
    return Container("jpeg" if head[:2] in {JPEG_START, b"--"} else "other")


def _avi(file: BinaryIO, size: int) -> Container:
    riffs = list(_chunks(file, 0, size))
    streams = sum(
        file.read(4) == b"vids"
        for riff in riffs[:1]
        for header in _lists(file, riff, size, b"hdrl")
        for stream in _lists(file, header, size, b"strl")
        for piece in _chunks(file, stream.start + 4, stream.end_within(size))
        if piece.name == b"strh" and file.seek(piece.start) >= 0
    )
    ends = [riff.end for riff in riffs if riff.name == b"RIFF"]
    # Recorders that are killed leave a length of 0 or of all ones.
    unsaid = any(riff.end is None or riff.end - riff.start in {0, 0xFFFFFFFF} for riff in riffs)
    return Container("avi", streams, None if unsaid else any(end is not None and end > size for end in ends))


def _lists(file: BinaryIO, within: _Piece, size: int, name: bytes) -> Iterator[_Piece]:
    for piece in _chunks(file, within.start + 4, within.end_within(size)):
        if piece.name == b"LIST":
            file.seek(piece.start)
            if file.read(4) == name:
                yield piece


def _chunks(file: BinaryIO, at: int, end: int) -> Iterator[_Piece]:
    for _ in range(MAX_PIECES):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        yield _Piece(head[:4], at + 8, at + 8 + length)
        at += 8 + length + (length & 1)


def _mp4(file: BinaryIO, size: int) -> Container:
    boxes = list(_boxes(file, 0, size))
    streams = 0
    for movie in boxes:
        if movie.name != b"moov":
            continue
        for track in _inside(file, movie, size, b"trak"):
            for media in _inside(file, track, size, b"mdia"):
                for handler in _inside(file, media, size, b"hdlr"):
                    file.seek(handler.start + 8)
                    streams += file.read(4) == b"vide"
    return Container("mp4", streams, any(box.end is not None and box.end > size for box in boxes))


def _inside(file: BinaryIO, within: _Piece, size: int, name: bytes) -> Iterator[_Piece]:
    for box in _boxes(file, within.start, within.end_within(size)):
        if box.name == name:
            yield box


def _boxes(file: BinaryIO, at: int, end: int) -> Iterator[_Piece]:
    for _ in range(MAX_PIECES):
        if at + 8 > end:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, start = int.from_bytes(head[:4], "big"), at + 8
        if length == 1:
            length, start = int.from_bytes(head[8:16], "big"), at + 16
        if length == 0:  # up to the end of the file
            yield _Piece(head[4:8], start, None)
            return
        if length < start - at:
            return
        yield _Piece(head[4:8], start, at + length)
        at += length


def _matroska(file: BinaryIO, size: int) -> Container:
    for top in _elements(file, 0, size):
        if int.from_bytes(top.name, "big") != _SEGMENT:
            continue
        is_cut = None if top.end is None else top.end > size
        for element in _elements(file, top.start, top.end_within(size)):
            number = int.from_bytes(element.name, "big")
            if number == _TRACKS:
                return Container("matroska", _video_tracks(file, element, size), is_cut)
            if number == _CLUSTER:
                break
        return Container("matroska", 0, is_cut)
    return Container("matroska")


def _video_tracks(file: BinaryIO, tracks: _Piece, size: int) -> int:
    count = 0
    for track in _elements(file, tracks.start, tracks.end_within(size)):
        if track.name[0] == _TRACK:
            for entry in _elements(file, track.start, track.end_within(size)):
                if entry.name[0] == _TRACK_TYPE and entry.end is not None:
                    file.seek(entry.start)
                    count += int.from_bytes(file.read(min(entry.end - entry.start, 8)), "big") == 1
    return count


def _elements(file: BinaryIO, at: int, end: int) -> Iterator[_Piece]:
    for _ in range(MAX_PIECES):
        if at >= end:
            return
        file.seek(at)
        head = file.read(12)
        if len(head) < 2 or head[0] < 0x10:  # a name of more than four bytes
            return
        name_bytes = 9 - head[0].bit_length()
        if name_bytes >= len(head) or head[name_bytes] == 0:
            return
        size_bytes = 9 - head[name_bytes].bit_length()
        start = at + name_bytes + size_bytes
        ones = (1 << (7 * size_bytes)) - 1
        length = int.from_bytes(head[name_bytes : name_bytes + size_bytes], "big") & ones
        is_unknown = length == ones
        yield _Piece(head[:name_bytes], start, None if is_unknown else start + length)
        if is_unknown:
            return
        at = start + length
