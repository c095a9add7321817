"""Writes JPEG pictures into a Motion JPEG AVI that stays readable after a kill or on a full disk.

The file is OpenDML (AVI 2.0): RIFF segments of about 1 GB, each with its index, so that it may grow past 2 GB. The
bytes depend on nothing but the pictures, their size and the rate. The sizes in the headers are updated after every
picture. The index is written at the end of a segment; readers such as FFmpeg do without it.
"""

from __future__ import annotations

import errno
import os
import struct
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from edge.arguments import as_path, described, require, takes
from edge.capture.jpeg import JPEG_END, JPEG_START
from edge.errors import InputError, RecordingError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

SEGMENT_BYTES = 1 << 30
MAX_SEGMENTS = 256  # entries reserved for the index of segments: 256 GB
MAX_SIDE = 65535

_CHUNK = b"00dc"
_KEYFRAME = 0x10
_HAS_INDEX = 0x10
_IS_INTERLEAVED = 0x100
_TRUST_TYPE = 0x800


class MotionJpegWriter:
    """A Motion JPEG AVI being written; also a context manager.

    Parameters
    ----------
    path : Path or str
        The file; an existing one is replaced.
    fps : float or Fraction
        Frames a second that the file declares.
    size : (int, int)
        Width and height of every picture in pixels.
    segment_bytes : int
        A new RIFF segment begins before this many bytes.

    Raises
    ------
    RecordingError
        The file cannot be created or written, the disk is full. Every frame that was written stays readable.
    InputError
        The rate or the size is impossible.

    """

    @takes(path=as_path)
    def __init__(
        self, path: str | Path, fps: float | Fraction, size: tuple[int, int], *, segment_bytes: int = SEGMENT_BYTES
    ) -> None:
        try:
            rate = Fraction(fps).limit_denominator(100_000)
        except (TypeError, ValueError, OverflowError):
            raise InputError(f"{described(fps)} is no rate, expected frames a second") from None
        sides: object = size
        if not isinstance(sides, (tuple, list)) or len(sides) != 2:
            raise InputError(f"{described(size)} is no size, expected width and height in pixels")
        if rate <= 0:
            raise InputError(f"{fps} frames a second cannot be written")
        if not (0 < size[0] <= MAX_SIDE and 0 < size[1] <= MAX_SIDE):
            raise InputError(f"a picture of {size[0]}x{size[1]} pixels does not fit an AVI")
        self.path = Path(path)
        self.frames = 0
        self._rate = rate
        self._size = size
        self._segment_bytes = segment_bytes
        self._segments: list[tuple[int, int, int]] = []  # offset and size of each finished index, its frames
        self._first_frames = 0
        self._first_riff_bytes = 0
        self._largest = 0
        self._end = 0
        try:
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o644)
        except OSError as error:
            raise self._failure(error) from error
        self._open = True
        try:
            self._append(self._header())
            self._start_movi()
        except BaseException:
            os.close(self._fd)
            self._open = False
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, jpeg: bytes, *, damaged: bool = False) -> None:
        """Append a picture: a complete JPEG from FFD8 to FFD9, of the size that the file declares.

        `damaged` accepts a picture that the camera has cut off.
        """
        if not self._open:
            raise InputError(f"{self.path} is closed")
        require(jpeg, bytes, "a picture")
        if not damaged and (jpeg[:2] != JPEG_START or jpeg[-2:] != JPEG_END):
            raise InputError("a picture for a Motion JPEG recording begins with FFD8 and ends with FFD9")
        index_bytes = 32 + 8 * (len(self._offsets) + 1) + (16 * (len(self._offsets) + 1) if not self._segments else 0)
        if self._offsets and self._end - self._riff + len(jpeg) + 9 + index_bytes > self._segment_bytes:
            self._end_segment()
            self._start_segment()
        start = self._end
        self._append(_CHUNK + struct.pack("<I", len(jpeg)) + jpeg + b"\0" * (len(jpeg) & 1))
        self._offsets.append((start, len(jpeg)))
        self.frames += 1
        if not self._segments:
            self._first_frames += 1
        self._largest = max(self._largest, len(jpeg))
        self._settle()

    def close(self) -> None:
        """Write the last index and close the file; a second call does nothing."""
        if not self._open:
            return
        self._open = False
        try:
            self._end_segment()
        finally:
            os.close(self._fd)

    def _start_segment(self) -> None:
        if len(self._segments) == MAX_SEGMENTS:
            raise RecordingError(self.path, f"holds its {MAX_SEGMENTS} segments", "go on in a new file")
        riff = self._end
        self._append(b"RIFF\0\0\0\0AVIX")
        self._start_movi(riff)

    def _start_movi(self, riff: int = 0) -> None:
        self._riff = riff
        self._movi = self._end
        self._offsets: list[tuple[int, int]] = []
        self._append(b"LIST\4\0\0\0movi")
        self._settle()

    def _end_segment(self) -> None:
        """Write the indexes of the segment and link them. On a full disk the frames stay readable without them."""
        if not self._offsets:
            return
        base = self._movi
        entries = b"".join(struct.pack("<II", start + 8 - base, size) for start, size in self._offsets)
        index = self._end
        head = struct.pack("<4sIHBBI4sQI", b"ix00", 24 + len(entries), 2, 0, 1, len(self._offsets), _CHUNK, base, 0)
        self._append(head + entries)
        movi_end = self._end
        if not self._segments:
            # The older index that players without OpenDML seek with; its offsets count from the word "movi".
            old = b"".join(
                struct.pack("<4sIII", _CHUNK, _KEYFRAME, start - base - 8, size) for start, size in self._offsets
            )
            self._append(b"idx1" + struct.pack("<I", len(old)) + old)
        self._segments.append((index, movi_end - index, len(self._offsets)))
        self._settle(movi_end)

    def _settle(self, movi_end: int | None = None) -> None:
        """Update every size in the headers."""
        end = self._end if movi_end is None else movi_end
        self._patch(self._movi + 4, struct.pack("<I", end - self._movi - 8))
        if self._riff == 0:
            self._first_riff_bytes = self._end - 8
        else:
            self._patch(self._riff + 4, struct.pack("<I", self._end - self._riff - 8))
        self._patch(0, self._header())

    def _header(self) -> bytes:
        width, height = self._size
        rate = self._rate
        bytes_a_second = min(int(self._largest * rate), 0xFFFFFFFF)
        avih = struct.pack(
            "<14I",
            min(round(1_000_000 / rate), 0xFFFFFFFF),
            bytes_a_second,
            0,
            _IS_INTERLEAVED | _TRUST_TYPE | (_HAS_INDEX if self._segments else 0),
            self._first_frames,
            0,
            1,
            self._largest,
            width,
            height,
            *(0, 0, 0, 0),
        )
        strh = struct.pack(
            "<4s4sIHHIIIIIIII4H",
            *(b"vids", b"MJPG", 0, 0, 0, 0),
            *(rate.denominator, rate.numerator, 0, self.frames, self._largest, 0xFFFFFFFF, 0),
            *(0, 0, width, height),
        )
        strf = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
        links = b"".join(struct.pack("<QII", *segment) for segment in self._segments)
        indx = struct.pack("<HBBI4s12x", 4, 0, 0, len(self._segments), _CHUNK) + links.ljust(16 * MAX_SEGMENTS, b"\0")
        strl = b"strl" + _chunk(b"strh", strh) + _chunk(b"strf", strf) + _chunk(b"indx", indx)
        odml = b"odml" + _chunk(b"dmlh", struct.pack("<I", self.frames).ljust(248, b"\0"))
        hdrl = b"hdrl" + _chunk(b"avih", avih) + _chunk(b"LIST", strl) + _chunk(b"LIST", odml)
        return b"RIFF" + struct.pack("<I", self._first_riff_bytes) + b"AVI " + _chunk(b"LIST", hdrl)

    def _append(self, content: bytes) -> None:
        """Append to the file, whole or not at all."""
        done = 0
        try:
            while done < len(content):
                done += os.pwrite(self._fd, memoryview(content)[done:], self._end + done)
        except OSError as error:
            os.ftruncate(self._fd, self._end)
            raise self._failure(error) from error
        self._end += done

    def _patch(self, at: int, content: bytes) -> None:
        try:
            os.pwrite(self._fd, content, at)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> RecordingError:
        if error.errno == errno.ENOSPC:
            return RecordingError(
                self.path, f"the disk is full after {self.frames} frames, which stay readable", "make room"
            )
        return RecordingError(
            self.path, f"cannot be written ({error.strerror})", "check the folder and its permissions"
        )


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
