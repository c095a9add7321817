"""Network streams: Motion JPEG over HTTP as raw pictures, RTSP and others through FFmpeg."""

from __future__ import annotations

import itertools
import time
import urllib.error
from email.message import Message
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import cv2

from edge.capture.base import INTER_FRAME_WARNING, Mode, quiet_opencv
from edge.capture.jpeg import DamagedJpegError, complete_jpeg, picture_size
from edge.capture.live import FIRST_PAUSE_S, LiveSource, LostError, RawPicture
from edge.capture.login import HttpOpener
from edge.capture.multipart import MultipartError, parts
from edge.capture.video import INTRA_FRAME, MOTION_JPEG, codec_of
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

    from edge.capture.live import Clock

TIMEOUT_S = 10.0
DECODED_BACKLOG = 3  # decoded pictures are large
FIRST_PICTURES = 25  # a stream is refused if none of its first pictures is whole


class HttpSource(LiveSource):
    """Motion JPEG over HTTP. Each picture is kept as the camera sent it.

    Parameters
    ----------
    url : str
        An http:// or https:// address, with user:password@ for a login (Basic or Digest).
    timeout_s : float
        The stream counts as lost when no byte arrives for this time.

    Raises
    ------
    SourceError
        There is no answer, the login is refused, or the answer is no Motion JPEG. No message holds the password.

    """

    def __init__(
        self,
        url: str,
        *,
        fps: float | None = None,
        exposure_s: float | None = None,
        gain: float | None = None,
        timeout_s: float = TIMEOUT_S,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            without_secrets(url), fps=fps, exposure_s=exposure_s, gain=gain, first_pause_s=first_pause_s, clock=clock
        )
        self._opener = HttpOpener(url)
        self._timeout_s = timeout_s
        self._fps = fps
        self._response: HTTPResponse | None = None
        self._parts: Iterator[bytes] = iter(())
        self._start()

    def _connect(self) -> None:
        try:
            response = self._opener.open(self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            login = error.code in {401, 403}
            raise SourceError(
                self.spec,
                f"the server answers {error.code} ({error.reason})",
                "put user:password@ before the host, or check them" if login else "check the path of the address",
            ) from None
        except (OSError, ValueError, HTTPException) as error:
            raise SourceError(
                self.spec, f"cannot be reached ({_reason(error)})", "check address, cable and power"
            ) from None
        self._response = response
        declared = Message()
        declared["Content-Type"] = response.headers.get("Content-Type", "")
        boundary = declared.get_param("boundary")
        if declared.get_content_maintype() != "multipart" or not isinstance(boundary, str):
            raise SourceError(
                self.spec,
                f"sends {declared['Content-Type'].split(';')[0] or 'no content type'}, which is no Motion JPEG stream",
                "look up the address of the MJPEG stream in the camera's manual (multipart/x-mixed-replace)",
            )
        self._parts = parts(response, boundary)
        if self._mode is None:
            width, height = self._first_size()
            self._mode = Mode(width, height, self._fps or 0.0, "Motion JPEG")

    def _take(self) -> RawPicture:
        try:
            part = next(self._parts, None)
        except (MultipartError, HTTPException) as error:
            raise LostError(f"broken stream: {type(error).__name__}") from None
        if part is None:
            raise LostError("the server ended the stream")
        return RawPicture(jpeg=part)

    def _disconnect(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def _first_size(self) -> tuple[int, int]:
        """Return the size of the first whole picture. The pictures up to it are still delivered."""
        inspected: list[bytes] = []
        for _ in range(FIRST_PICTURES):
            part = self._take().jpeg or b""
            inspected.append(part)
            size = _size_or_none(part)
            if size is not None:
                self._parts = itertools.chain(inspected, self._parts)
                return size
        raise SourceError(self.spec, f"none of its first {FIRST_PICTURES} pictures is a whole JPEG", "check the camera")


class FfmpegStreamSource(LiveSource):
    """RTSP and every other stream that FFmpeg reads. Motion JPEG in it is kept as raw pictures.

    Parameters
    ----------
    url : str
        An address that FFmpeg knows, with user:password@ for a login.
    timeout_s : float
        Time limit for connecting and for each frame.

    Raises
    ------
    SourceError
        There is no answer, or FFmpeg finds no video. No message holds the password.

    """

    def __init__(
        self,
        url: str,
        *,
        fps: float | None = None,
        exposure_s: float | None = None,
        gain: float | None = None,
        timeout_s: float = TIMEOUT_S,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            without_secrets(url),
            fps=fps,
            exposure_s=exposure_s,
            gain=gain,
            backlog=DECODED_BACKLOG,
            first_pause_s=first_pause_s,
            clock=clock,
        )
        quiet_opencv()
        self._url = url
        self._timeout_ms = int(timeout_s * 1e3)
        self._fps = fps
        self._capture: cv2.VideoCapture | None = None
        self._raw = False
        self._start()

    def _connect(self) -> None:
        limits = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, self._timeout_ms),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, self._timeout_ms),
        ]
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, limits)
        self._capture = capture
        if not capture.isOpened():
            raise SourceError(
                self.spec, "does not answer, or sends no video", "check address, user, password, cable and power"
            )
        codec = codec_of(capture)
        self._raw = codec in MOTION_JPEG and bool(capture.set(cv2.CAP_PROP_FORMAT, -1))
        name = "Motion JPEG" if codec in MOTION_JPEG else codec or "raw"
        if not self._raw and codec not in INTRA_FRAME:
            self._warn("codec", INTER_FRAME_WARNING.format(codec=name))
        width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
        height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if self._mode is None:
            self._mode = Mode(width, height, self._fps or float(capture.get(cv2.CAP_PROP_FPS)), name)

    def _take(self) -> RawPicture:
        if self._capture is None:
            raise LostError("the stream is closed")
        began = time.perf_counter()
        is_read, picture = self._capture.read()
        if not is_read:
            raise LostError("no frame came in time, or the stream ended")
        if self._raw:
            return RawPicture(jpeg=picture.tobytes())
        return RawPicture(pixels=picture, decode_ms=(time.perf_counter() - began) * 1e3)

    def _disconnect(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def without_secrets(url: str) -> str:
    """Return an address for messages: without user and password, and with … instead of a query."""
    split = urlsplit(url)
    host = split.netloc.rpartition("@")[2]
    return urlunsplit((split.scheme, host, split.path, "…" if split.query else "", ""))


def _size_or_none(part: bytes) -> tuple[int, int] | None:
    try:
        return picture_size(complete_jpeg(part))
    except DamagedJpegError:
        return None


def _reason(error: Exception) -> str:
    """Return the cause of an error in words, without the address."""
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, TimeoutError):
        return "no answer in time"
    if isinstance(cause, OSError):
        return cause.strerror or type(cause).__name__
    return type(cause).__name__
