"""A folder of pictures as a recording: one frame a file, in the natural order of their names."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.capture.base import USUAL_FPS, Mode, Source, quiet_opencv
from edge.capture.jpeg import JPEG_START, DamagedJpegError, size_of
from edge.capture.picture_file import (
    PICTURE_SUFFIXES,
    bits_in_use,
    content_of,
    content_or_empty,
    decode_picture,
    orientation_of,
    pages_of,
    samples_of,
)
from edge.capture.report import count_reason, no_whole_frame
from edge.errors import SourceError
from edge.files import in_natural_order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.capture.frame import Frame

CUT_SHORT = "picture that is cut short or cannot be decoded"


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
        self._bits = self._bits_in_use()
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
                content = content_of(file)
            except OSError as error:
                self._damage(sequence, f"file that cannot be read ({error.strerror})")
                continue
            if content.startswith(JPEG_START):
                frame = self._from_jpeg(content, sequence, position_s, utc)
            else:
                frame = self._from_file(content, sequence, position_s, utc)
            if frame is not None:
                yield frame

    def close(self) -> None:
        """Do nothing: no file stays open between frames."""

    def _from_file(self, content: bytes, sequence: int, position_s: float, utc: datetime) -> Frame | None:
        began = time.perf_counter()
        picture = decode_picture(content, self._bits)
        if picture is None:
            self._damage(sequence, CUT_SHORT)
            return None
        decode_ms = (time.perf_counter() - began) * 1e3
        return self._from_picture(picture, sequence, position_s, utc, decode_ms)

    def _bits_in_use(self) -> int | None:
        """Return how many bits the pictures use, None for 8, and warn of what is in the files and is not used."""
        contents = [content for file in samples_of(self._files) if (content := content_or_empty(file))]
        if any(pages_of(content) > 1 for content in contents):
            self._warn("pages", "its files hold several pictures each, of which only the first is read")
        if any(orientation_of(content) != 1 for content in contents):
            self._warn(
                "rotation",
                "its pictures are to be shown turned (EXIF); x and y count in the picture as it was taken",
            )
        bits = bits_in_use(contents)
        if bits is not None:
            self._warn("depth", f"its pictures have 16 bits and use {bits} of them, which are scaled to 8")
        return bits

    def _first_size(self) -> tuple[int, int]:
        """Return the width and the height of the first whole picture."""
        why: dict[str, int] = {}
        for file in self._files:
            content = content_or_empty(file)
            try:
                if content.startswith(JPEG_START):
                    return size_of(content)
                picture = decode_picture(content)
            except DamagedJpegError as error:
                count_reason(why, str(error))
                continue
            if picture is not None:
                return picture.shape[1], picture.shape[0]
            count_reason(why, CUT_SHORT)
        raise no_whole_frame(self.spec, why, recording=False)


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
    return in_natural_order(files)


def _modified(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, timezone.utc)
