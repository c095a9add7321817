"""A folder of pictures as a recording: one frame a file, in the natural order of their names."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.base import USUAL_FPS, Mode, Source, quiet_opencv
from edge.capture.jpeg import DamagedJpegError, complete_jpeg, decode_grey
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.capture.frame import Frame, Image

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm", ".pnm")

_JPEG_START = b"\xff\xd8"
_PNG_START = b"\x89PNG"
_PNG_END = b"IEND\xae\x42\x60\x82"  # type and checksum of the chunk that ends every PNG


class FolderSource(Source):
    """A folder of pictures.

    Parameters
    ----------
    path : Path
        The folder. Its files with the suffix of a picture are the frames; hidden files and subfolders are not.
    fps : float or None
        Frames a second, as pictures have no times. None assumes 25 and says so in the report.
    start_utc : datetime or None
        Time of the first picture, by default the modification time of its file.
    exposure_s, gain : float or None
        Exposure time in seconds and gain of the pictures; None where unknown.

    Raises
    ------
    SourceError
        The folder cannot be read or holds no whole picture.

    """

    def __init__(
        self,
        path: Path,
        *,
        fps: float | None = None,
        start_utc: datetime | None = None,
        exposure_s: float | None = None,
        gain: float | None = None,
    ) -> None:
        super().__init__(str(path), exposure_s=exposure_s, gain=gain)
        quiet_opencv()
        self._files = _pictures_in(path)
        if fps is None:
            self._warn("rate", f"a folder of pictures has no times: {USUAL_FPS:g} frames a second are assumed")
        width, height = self._first_size()
        self._mode = Mode(width, height, fps or USUAL_FPS, "pictures")
        self._period_s = 1 / self._mode.fps
        self._start_utc = start_utc or _modified(self._files[0])

    def pictures(self) -> Iterator[Frame]:
        """Yield the pictures as frames. `sequence` is the place of the file in the natural order, from 0."""
        for sequence, file in enumerate(self._files):
            position_s = sequence / self.mode.fps
            utc = self._start_utc + timedelta(seconds=position_s)
            try:
                content = file.read_bytes()
            except OSError as error:
                self._damage(sequence, f"file that cannot be read ({error.strerror})")
                continue
            if content.startswith(_JPEG_START):
                frame = self._from_jpeg(content, sequence, position_s, utc)
            else:
                frame = self._from_file(content, sequence, position_s, utc)
            if frame is not None:
                yield frame

    def close(self) -> None:
        """Do nothing: no file stays open between frames."""

    def _from_file(self, content: bytes, sequence: int, position_s: float, utc: datetime) -> Frame | None:
        began = time.perf_counter()
        picture = _decode(content)
        if picture is None:
            self._damage(sequence, "picture that is cut short or cannot be decoded")
            return None
        decode_ms = (time.perf_counter() - began) * 1e3
        return self._from_picture(picture, sequence, position_s, utc, decode_ms)

    def _first_size(self) -> tuple[int, int]:
        """Return the width and the height of the first whole picture."""
        for file in self._files:
            try:
                content = file.read_bytes()
                jpeg = content.startswith(_JPEG_START)
                picture = decode_grey(complete_jpeg(content)) if jpeg else _decode(content)
            except (OSError, DamagedJpegError):
                continue
            if picture is not None:
                return picture.shape[1], picture.shape[0]
        raise SourceError(
            self.spec, f"none of its {len(self._files)} pictures can be decoded", "name a folder with whole pictures"
        )


def natural_key(name: str) -> list[tuple[int, str]]:
    """Return a key that sorts frame2 before frame10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name.casefold())]


def _decode(content: bytes) -> Image | None:
    """Decode a picture to 8 bits: grey, shape (height, width), or blue, green and red, shape (height, width, 3)."""
    if not content or (content.startswith(_PNG_START) and _PNG_END not in content[-64:]):
        return None
    try:
        picture: Image | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_ANYCOLOR)
    except cv2.error:
        return None
    return picture


def _pictures_in(path: Path) -> list[Path]:
    try:
        files = [
            entry
            for entry in path.iterdir()
            if entry.suffix.lower() in PICTURE_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        ]
    except OSError as error:
        raise SourceError(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    if not files:
        raise SourceError(
            path, "is a folder without pictures", f"it needs files that end in {', '.join(PICTURE_SUFFIXES[:3])}"
        )
    return sorted(files, key=lambda file: (natural_key(file.name), file.name))


def _modified(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
