"""Recordings: Motion JPEG as raw pictures, every other codec through the decoder of FFmpeg."""

from __future__ import annotations

import os
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import cv2

from edge.capture.base import INTER_FRAME_WARNING, USUAL_FPS, Mode, Source, quiet_opencv
from edge.capture.pace import Pace
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.capture.frame import Frame

LIKELY_FPS = (0.01, 1000.0)
MAX_FRAMES = 1 << 31  # a header that declares more is damaged
LONGEST_S = 1e9
LONGEST_JUMP_S = 3600.0  # a stamp that lies further ahead is damaged
STAMP_UNIT_S = 1.5e-3  # Matroska rounds times to milliseconds
LONGEST_GAP = 1 << 20  # frames; a longer gap means that the structure of the file is damaged

MOTION_JPEG = {"MJPG", "JPEG", "AVDJ", "AVRN", "DMB1", "MJPA"}
# Codecs with independent frames. Every other codec is assumed to predict frames from each other.
INTRA_FRAME = {
    *("", "RAW", "DIB", "BGR", "RGB", "RGBA", "BGRA", "I420", "YV12", "YUY2", "YUYV", "UYVY", "NV12", "Y800", "GREY"),
    *("FFV1", "HFYU", "FFVH", "ULRG", "ULRA", "ULY0", "ULY2", "ULY4", "LAGS", "MPNG", "PNG", "MJ2C", "MJP2"),
    *("APCN", "APCH", "APCS", "APCO", "AP4H", "AP4X", "DVSD", "DV25", "DVCP", "CFHD"),
}


class VideoSource(Source):
    """A recording.

    Parameters
    ----------
    path : Path
        The video file.
    fps : float or None
        Frames a second; None takes the rate that the file declares.
    start_utc : datetime or None
        Time of the first frame. By default the recording ends at the file's modification time.
    exposure_s, gain : float or None
        Exposure time in seconds and gain of the recording; None where unknown.

    Raises
    ------
    SourceError
        The file is missing, empty, unreadable or no recording, or it holds no whole frame.

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
        size_bytes, modified = _check_file(path)
        quiet_opencv()
        self._path = path
        self._size_bytes = size_bytes
        self._capture = self._open()
        self._lock = threading.Lock()
        self._closed = False
        codec = codec_of(self._capture)
        declared = float(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self._declared_frames = int(declared) if 0 <= declared < MAX_FRAMES else 0
        width = int(self._capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(self._capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        rate = self._rate(fps)
        lasts_s = min(self._declared_frames / rate, LONGEST_S)
        self._start_utc = start_utc or modified - timedelta(seconds=lasts_s)
        self._raw = codec in MOTION_JPEG and bool(self._capture.set(cv2.CAP_PROP_FORMAT, -1))
        self._declared_fps = float(self._capture.get(cv2.CAP_PROP_FPS))
        # The timestamps of an AVI are the frames' numbers, in which recorders leave out lost frames. In other
        # containers they are measured times.
        self._numbered = self._raw and LIKELY_FPS[0] <= self._declared_fps <= LIKELY_FPS[1] and _is_avi(path)
        self._times = _Times(rate, stamped=fps is None and not _is_avi(path))
        name = "Motion JPEG" if codec in MOTION_JPEG else codec or "raw"
        self._mode = Mode(width, height, rate, name)
        if not self._raw and codec not in INTRA_FRAME:
            self._warn("codec", INTER_FRAME_WARNING.format(codec=name))

    @property
    def declared_frames(self) -> int:
        """Frames that the header declares: 0 where it declares none, an estimate for some containers."""
        return self._declared_frames

    def pictures(self) -> Iterator[Frame]:
        """Yield the frames. `sequence` counts from 0 as in the file, damaged frames included."""
        sequence = 0
        while True:
            began = time.perf_counter()
            with self._lock:
                if self._closed:
                    return
                is_read, picture = self._capture.read()
                stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) * 1e-3 if is_read else 0.0
                place = round(stamp_s * self._declared_fps) if is_read and self._numbered else sequence
            if not is_read:
                break
            for left_out in range(sequence, place if place - sequence < LONGEST_GAP else sequence):
                self._damage(left_out, "left out by the recorder")
                sequence += 1
            position_s, self._period_s = self._times.of(sequence, stamp_s)
            utc = self._start_utc + timedelta(seconds=position_s)
            if self._raw:
                frame = self._from_jpeg(picture.tobytes(), sequence, position_s, utc)
            else:
                spent_ms = (time.perf_counter() - began) * 1e3
                frame = self._from_picture(picture, sequence, position_s, utc, spent_ms)
            sequence += 1
            if frame is not None:
                yield frame
        self._settle_account(sequence)

    def close(self) -> None:
        """Close the file and end the iteration. It may be called from another thread."""
        with self._lock:
            self._closed = True
            self._capture.release()

    def _settle_account(self, found: int) -> None:
        if not self._delivered:
            raise SourceError(
                self.spec,
                f"holds no whole frame ({self._damaged} damaged)" if self._damaged else "holds no frame",
                "record it again: it was cut off at its beginning or is damaged",
            )
        # Containers other than AVI only let FFmpeg estimate the number of frames.
        slack = 0 if self._numbered else 2 + self._declared_frames // 50
        if found < self._declared_frames - slack and not self._times.reached(self._declared_frames - slack):
            self._warn(
                "cut",
                f"the recording declares {self._declared_frames} frames and ends after {found}: it was cut off",
            )

    def _open(self) -> cv2.VideoCapture:
        # An absolute path, so that no part of a file's name reads as a protocol.
        capture = cv2.VideoCapture(str(self._path.absolute()), cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise SourceError(
                self._path,
                f"no video is recognised in its {self._size_bytes} bytes",
                "name a recording (Motion JPEG AVI, MP4, MKV); if it is one, it was cut off in its header",
            )
        return capture

    def _rate(self, wanted: float | None) -> float:
        if wanted is not None:
            return wanted
        declared = float(self._capture.get(cv2.CAP_PROP_FPS))
        if LIKELY_FPS[0] <= declared <= LIKELY_FPS[1]:
            return declared
        self._warn(
            "rate",
            f"the recording names no usable frame rate ({declared:g}); {USUAL_FPS:g} a second are assumed",
        )
        return USUAL_FPS


class _Times:
    """Positions of the frames of a recording, and the usual time between them.

    Parameters
    ----------
    rate : float
        Declared frames a second.
    stamped : bool
        Whether the container holds measured times, as that of a camera with a variable rate does.

    """

    def __init__(self, rate: float, *, stamped: bool) -> None:
        self._rate = rate
        self._stamped = stamped
        self._pace = Pace()
        self._first_s: float | None = None
        self._last_s = -1 / rate
        self._even = True

    def of(self, sequence: int, stamp_s: float) -> tuple[float, float]:
        """Return the position of the next frame and the usual time between frames, both in seconds."""
        even_s, period_s = sequence / self._rate, 1 / self._rate
        if not self._stamped:
            return even_s, period_s
        self._first_s = stamp_s if self._first_s is None else self._first_s
        position_s = stamp_s - self._first_s
        self._even &= abs(position_s - even_s) < STAMP_UNIT_S
        if self._even:  # measured times are rounded, and these are those of a constant rate
            position_s = even_s
        elif not self._last_s < position_s < self._last_s + LONGEST_JUMP_S:
            position_s = self._last_s + (self._pace.period_s or period_s)
        self._pace.missed_before(position_s)
        self._last_s = position_s
        return position_s, period_s if self._even else self._pace.period_s or period_s

    def reached(self, frames: int) -> bool:
        """Return whether the positions of a variable rate reach as far as so many frames of the declared rate."""
        return not self._even and self._last_s >= frames / self._rate


def codec_of(capture: cv2.VideoCapture) -> str:
    """Return the four letters of the codec in capitals, as FFmpeg names it; an empty text for raw video."""
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = fourcc.to_bytes(4, "little").decode("latin-1").strip(" \0").upper()
    return letters if letters.isprintable() else hex(fourcc)


def _is_avi(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(12)
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def _check_file(path: Path) -> tuple[int, datetime]:
    """Return the size in bytes and the modification time of a readable file."""
    try:
        status = path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError(13, "Permission denied")
    except FileNotFoundError:
        raise SourceError(path, "no such file", "check the path") from None
    except OSError as error:
        raise SourceError(path, f"cannot be read ({error.strerror})", "check its permissions") from error
    if not path.is_file():
        raise SourceError(path, "is no regular file", "name a recording, a folder of pictures or a camera")
    if status.st_size == 0:
        raise SourceError(path, "is empty", "record it again")
    return status.st_size, datetime.fromtimestamp(status.st_mtime, timezone.utc)
