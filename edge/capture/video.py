"""Recordings: Motion JPEG as raw pictures, every other codec through the decoder of FFmpeg."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypeAlias

import cv2

from edge.capture.base import INTER_FRAME_WARNING, USUAL_FPS, Mode, Source, quiet_opencv
from edge.capture.container import container_of, not_opened
from edge.capture.report import LEFT_OUT, WEAVE, no_whole_frame
from edge.capture.timeline import AHEAD, Place, placed
from edge.errors import SourceError
from edge.files import name_in_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.capture.frame import Frame, Image

_Packet: TypeAlias = "bytes | tuple[Image, float]"
"""A JPEG, or a decoded picture with the milliseconds that it took."""

LIKELY_FPS = (0.01, 1000.0)
MAX_FRAMES = 1 << 31  # a header that declares more is damaged
LONGEST_S = 1e9
RATE_TOLERANCE = 1.1
AHEAD_BYTES = 48 << 20  # of decoded pictures that are read ahead
MIN_AHEAD = 4

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
        self._container = container_of(path)
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
        # Time stamps of an AVI are the frames' numbers, in which recorders leave out lost frames. In other containers
        # they are measured times.
        self._numbered = self._container.kind == "avi" and (self._raw or codec in INTRA_FRAME)
        self._stamp_rate = self._declared_rate() or rate
        self._fps = fps
        self._ahead = AHEAD if self._raw else min(max(AHEAD_BYTES // max(3 * width * height, 1), MIN_AHEAD), AHEAD)
        name = "Motion JPEG" if codec in MOTION_JPEG else codec or "raw"
        self._mode = Mode(width, height, rate, name)
        self._full_height = height
        self._warn_of_what_is_lost()
        if self._container.video_streams > 1:
            self._warn(
                "streams",
                f"the recording holds {self._container.video_streams} streams of pictures, of which only the first is "
                "read; write each to a file of its own to analyse them all",
            )
        if not self._raw and codec not in INTRA_FRAME:
            self._warn("codec", INTER_FRAME_WARNING.format(codec=name))

    def _warn_of_what_is_lost(self) -> None:
        """Warn of what the recording holds and the decoder does not deliver."""
        if self._raw:
            return
        self._capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 0)
        turned = int(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 360
        if turned:
            self._warn(
                "rotation",
                f"it is to be shown turned by {turned} degrees, but x and y count in the picture as it was taken",
            )
        bits = bits_of_pixels(int(self._capture.get(cv2.CAP_PROP_CODEC_PIXEL_FORMAT)))
        if bits > 8:
            self._warn("depth", f"its pictures have {bits} bits, of which the upper 8 are read; faint hits may be lost")

    @property
    def declared_frames(self) -> int:
        """Frames that the header declares: 0 where it declares none, an estimate for some containers."""
        return self._declared_frames

    def pictures(self) -> Iterator[Frame]:
        """Yield the frames. `sequence` counts from 0 as in the file, damaged and missing frames included."""
        place: Place[_Packet] | None = None
        for place in placed(self._packets(), self._stamp_rate, numbered=self._numbered, ahead=self._ahead):
            if self._closed:
                return
            frame = self._frame_at(place)
            if frame is not None:
                yield frame
        if not self._closed:
            self._settle_account(place)

    def _packets(self) -> Iterator[tuple[float, _Packet]]:
        while True:
            began = time.perf_counter()
            with self._lock:
                if self._closed:
                    return
                is_read, picture = self._capture.read()
                if not is_read:
                    return
                stamp_s = float(self._capture.get(cv2.CAP_PROP_POS_MSEC)) * 1e-3
            if self._raw:
                yield stamp_s, picture.tobytes()
            else:
                yield stamp_s, (picture, (time.perf_counter() - began) * 1e3)

    def _follow_rate(self, period_s: float) -> None:
        """Take the rate of the first frames for that of the recording, where the header counts at another one."""
        mode = self.mode
        if self._fps is None and not 1 / RATE_TOLERANCE < mode.fps * period_s < RATE_TOLERANCE:
            self._mode = replace(mode, fps=round(1 / period_s, 3))

    def _frame_at(self, place: Place[_Packet]) -> Frame | None:
        """Return the frame at a place, and enter in the report what is missing before it."""
        for number in range(place.sequence - place.missing, place.sequence):
            self._damage(number, LEFT_OUT)
        if place.pause_s:
            self._warn_of_event(
                "pause", f"the recording pauses for {place.pause_s:.0f} s before frame {place.sequence}"
            )
        if place.is_joined:
            self._warn_of_event("joined", f"the time stamps begin anew at frame {place.sequence}; a gap is assumed")
        position_s, self._period_s = place.position_s, place.period_s
        if not self._delivered:
            self._follow_rate(place.period_s)
        if self._fps is not None:
            position_s, self._period_s = place.sequence / self._fps, 1 / self._fps
        utc = self._start_utc + timedelta(seconds=position_s)
        if isinstance(place.packet, bytes):
            frame = self._from_jpeg(place.packet, place.sequence, position_s, utc)
            if frame is not None and 2 * frame.size[1] == self._full_height:
                raise SourceError(
                    self.spec,
                    f"declares a height of {self._full_height} and holds pictures of half of it: it is interlaced, "
                    "with each field in a packet of its own",
                    WEAVE,
                )
            return frame
        picture, spent_ms = place.packet
        return self._from_picture(picture, place.sequence, position_s, utc, spent_ms)

    def close(self) -> None:
        """Close the file and end the iteration. It may be called from another thread."""
        with self._lock:
            self._closed = True
            self._capture.release()

    def _settle_account(self, last: Place[_Packet] | None) -> None:
        if not self._delivered:
            raise no_whole_frame(self.spec, self._reasons)
        found = 0 if last is None else last.sequence + 1
        declared = f"the recording declares {self._declared_frames} frames and ends after {found}"
        if self._numbered:
            places = 0.0 if last is None else (last.position_s + last.period_s) * self._stamp_rate
            if places < self._declared_frames - 0.5:
                why = "its last places are empty" if self._container.is_cut is False else "it was cut off"
                self._warn("cut", f"{declared}: {why}")
        elif self._container.is_cut:
            self._warn("cut", f"{declared}: it was cut off" if found < self._declared_frames else "it was cut off")

    def _open(self) -> cv2.VideoCapture:
        # An absolute path, so that no part of a file's name reads as a protocol.
        with name_in_utf8(self._path) as name:
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG)
        if not capture.isOpened():
            capture.release()
            raise SourceError(self._path, *not_opened(self._container, self._size_bytes))
        return capture

    def _rate(self, wanted: float | None) -> float:
        if wanted is not None:
            return wanted
        declared = self._declared_rate()
        if declared is not None and self._container.kind != "jpeg":
            return declared
        named = float(self._capture.get(cv2.CAP_PROP_FPS))
        nothing = "has no times" if declared else f"names no usable frame rate ({named:g})"
        self._warn("rate", f"the recording {nothing}; {USUAL_FPS:g} frames a second are assumed")
        return USUAL_FPS

    def _declared_rate(self) -> float | None:
        declared = float(self._capture.get(cv2.CAP_PROP_FPS))
        return declared if LIKELY_FPS[0] <= declared <= LIKELY_FPS[1] else None


def codec_of(capture: cv2.VideoCapture) -> str:
    """Return the four letters of the codec in capitals, as FFmpeg names it; an empty text for raw video."""
    fourcc = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    letters = fourcc.to_bytes(4, "little").decode("latin-1").strip(" \0").upper()
    return letters if letters.isprintable() else hex(fourcc)


def bits_of_pixels(pixel_format: int) -> int:
    r"""Return the bits a colour of a pixel format as FFmpeg names it by four bytes; 8 where it is not known.

    Formats of more than 8 bits are Y1 (grey), Y3 and Y4 (YUV), G3 and G4 (RGB) with a byte for the layout and one for
    the bits, or the same backwards for the other order of bytes; RGB and BGR with 48 or 64 bits a pixel.

    Examples
    --------
    >>> [bits_of_pixels(int.from_bytes(name, "little")) for name in (b"Y3\x0b\x0a", b"\x10\x001Y", b"I420")]
    [10, 16, 8]

    """
    name = (pixel_format & 0xFFFFFFFF).to_bytes(4, "little")
    name = name if name[:1] in b"YGRB" else name[::-1]
    if name[:2] in {b"Y1", b"Y2", b"Y3", b"Y4", b"G3", b"G4"} and 8 < name[3] <= 16:
        return name[3]
    return 16 if name[:3] in {b"RGB", b"BGR", b"RBA", b"BRA"} and name[3] in {48, 64} else 8


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
