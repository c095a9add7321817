"""Opens a source of frames by its name: a recording, a folder of pictures, a stream or a camera."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edge.arguments import as_path, described, optional, positive, takes
from edge.capture.controls import Wanted
from edge.capture.folder import FolderSource
from edge.capture.picamera import PicameraSource
from edge.capture.picture_file import PICTURE_SUFFIXES, content_or_empty, pages_of
from edge.capture.stream import FfmpegStreamSource, HttpSource
from edge.capture.v4l2 import V4l2Source
from edge.capture.video import VideoSource
from edge.errors import InputError, SourceError
from edge.redaction import fault_of_address, may_hold_login, without_login

if TYPE_CHECKING:
    from edge.capture.base import Source
    from edge.capture.controls import WhiteBalance

KINDS = (
    "a recording (Motion JPEG AVI, MP4, MKV), a folder of pictures, http://… (Motion JPEG), rtsp://…, "
    "/dev/video0 or /dev/v4l/by-path/…, or csi:0"
)

_ADDRESS = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):/{1,2}")
_HTTP = {"http", "https"}
_FFMPEG = {"rtsp", "rtsps", "rtmp", "rtmps", "srt", "udp", "tcp"}


def _size(value: object, what: str) -> tuple[int, int]:
    sides = value if isinstance(value, (tuple, list)) else ()
    if len(sides) != 2 or not all(isinstance(side, int) and side > 0 for side in sides):
        raise InputError(f"{what}: found {described(value)}, expected width and height in pixels")
    return sides[0], sides[1]


def _spec(value: object, what: str) -> str | Path:
    return value if isinstance(value, str) and value and "\0" not in value else as_path(value, what)


@takes(
    spec=_spec,
    fps=optional(positive),
    size=optional(_size),
    start_utc=optional(datetime),
    exposure_s=optional(positive),
    gain=optional(positive),
)
def open_source(
    spec: str | Path,
    *,
    fps: float | None = None,
    size: tuple[int, int] | None = None,
    start_utc: datetime | None = None,
    exposure_s: float | None = None,
    gain: float | None = None,
    white_balance: WhiteBalance | None = None,
    ca_file: Path | None = None,
) -> Source:
    """Open a source of frames by its name: a context manager that yields each Frame once.

    Parameters
    ----------
    spec : str or Path
        A recording; a folder of pictures; an address that begins with http://, https:// or rtsp://; a V4L2 camera
        under /dev; or a CSI camera as csi:0.
    fps : float or None
        Frames a second: a request to a camera, an assumption for anything else. None takes what the source declares.
    size : (int, int) or None
        Width and height to ask a camera for, 1920x1080 by default. Other sources have no choice of size.
    start_utc : datetime or None
        Time of the first frame of a recording. By default the recording ends at the file's modification time.
    exposure_s, gain : float or None
        A camera is set to them, or left automatic where they are None. For other sources they say how the frames
        were taken; None where unknown.
    white_balance : float, (float, float) or None
        A camera is set to this colour temperature in kelvin, or to these gains of red and blue.
    ca_file : Path or None
        PEM file with the certificate of an https:// camera or of its authority.

    Raises
    ------
    SourceError
        Nothing usable is there. The message says why and what to do, and holds no password.
    InputError
        A name of another type, or a rate, exposure or gain that is not positive.

    Examples
    --------
    >>> import cv2
    >>> import numpy as np
    >>> Path("pictures").mkdir()
    >>> for number in range(3):
    ...     _ = cv2.imwrite(f"pictures/{number}.png", np.full((480, 640), 60 + number, np.uint8))
    >>> with open_source("pictures", fps=25) as source:
    ...     print([(frame.sequence, frame.monotonic_s) for frame in source])
    [(0, 0.0), (1, 0.04), (2, 0.08)]

    """
    address = _ADDRESS.match(spec) if isinstance(spec, str) else None
    if address is not None:
        return _open_stream(address.string, address[1].lower(), ca_file, fps=fps, exposure_s=exposure_s, gain=gain)
    if str(spec).startswith(("csi:", "/dev/")):
        return _open_camera(str(spec), size, fps, Wanted(exposure_s, gain, white_balance))
    return _open_recording(Path(spec), fps, start_utc, exposure_s, gain)


def is_live(spec: str) -> bool:
    """Return whether a source is a camera or a stream, which may come and go, and no recording.

    Examples
    --------
    >>> [is_live(spec) for spec in ("/dev/video0", "csi:0", "rtsp://camera/1", "film.avi", "ftp://films/1")]
    [True, True, True, False, False]

    """
    address = _ADDRESS.match(spec)
    return spec.startswith(("/dev/", "csi:")) or (address is not None and address[1].lower() in _HTTP | _FFMPEG)


def _open_camera(spec: str, size: tuple[int, int] | None, fps: float | None, wanted: Wanted) -> Source:
    if spec.startswith("csi:"):
        return PicameraSource(_csi_number(spec), size=size, fps=fps, wanted=wanted)
    return V4l2Source(spec, size=size, fps=fps, wanted=wanted)


def _open_stream(
    url: str, scheme: str, ca_file: Path | None, *, fps: float | None, exposure_s: float | None, gain: float | None
) -> Source:
    if not url.isascii() and any(0xD800 <= ord(sign) < 0xE000 for sign in url):
        raise SourceError(url, "its address holds bytes that are not UTF-8", "write them as %XX")
    fault = fault_of_address(url)
    if fault is not None and scheme in _HTTP | _FFMPEG:
        raise SourceError(url, *fault.split("; ", 1))
    try:
        if scheme in _HTTP:
            return HttpSource(url, fps=fps, exposure_s=exposure_s, gain=gain, ca_file=ca_file)
        if scheme in _FFMPEG:
            return FfmpegStreamSource(url, fps=fps, exposure_s=exposure_s, gain=gain)
    except SourceError as error:
        if not may_hold_login(url):
            raise
        raise SourceError(url, error.problem, f'{error.advice}; a "/" in a login is written as %2F') from None
    raise SourceError(url, f"{scheme}:// is not understood", f"name {KINDS}")


def _open_recording(
    path: Path, fps: float | None, start_utc: datetime | None, exposure_s: float | None, gain: float | None
) -> Source:
    if path.is_dir():
        return FolderSource(path, fps=fps, start_utc=start_utc, exposure_s=exposure_s, gain=gain)
    if path.suffix.lower() in PICTURE_SUFFIXES and path.is_file():
        pages = pages_of(content_or_empty(path))
        if pages > 1:
            raise SourceError(
                path, f"holds {pages} pictures in one file", "write each to a file of its own and name their folder"
            )
        raise SourceError(
            path, "is a single picture", "name the folder: a hit is found by comparison with the pictures around it"
        )
    if not path.exists() and (str(path).isdecimal() or re.fullmatch(r"video\d+", str(path))):
        raise SourceError(path, "no such file", f"for a camera name /dev/video{str(path).removeprefix('video')}")
    if not path.exists() and without_login(str(path)) != str(path):
        raise SourceError(path, "names no file, and no stream without its scheme", "begin with rtsp:// or http://")
    return VideoSource(path, fps=fps, start_utc=start_utc, exposure_s=exposure_s, gain=gain)


def _csi_number(text: str) -> int:
    number = text.removeprefix("csi:")
    if not number.isdecimal():
        raise SourceError(text, "names no camera", "csi:0 is the first CSI camera")
    return int(number)
