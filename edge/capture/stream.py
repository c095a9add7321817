"""Network streams: Motion JPEG over HTTP as raw pictures, RTSP and others through FFmpeg."""

from __future__ import annotations

import itertools
import time
import urllib.error
from email.message import Message
from http.client import HTTPException
from typing import TYPE_CHECKING

import cv2

from edge.capture.base import INTER_FRAME_WARNING, Mode, quiet_opencv
from edge.capture.camera_fault import MAX_SENTENCE
from edge.capture.http_client import HttpOpener
from edge.capture.jpeg import DamagedJpegError, size_of
from edge.capture.live import FIRST_PAUSE_S, LiveSource, LostError, RawPicture
from edge.capture.multipart import MultipartError, Part, parts
from edge.capture.network_words import advice_for, refusal, words_of
from edge.capture.stamps import CameraStamps
from edge.capture.video import INTRA_FRAME, MOTION_JPEG, codec_of
from edge.errors import SourceError
from edge.redaction import without_login
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse
    from pathlib import Path

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
    ca_file : Path or None
        PEM file with the camera's own certificate, or that of its authority.

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
        ca_file: Path | None = None,
        first_pause_s: float = FIRST_PAUSE_S,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(
            without_login(url), fps=fps, exposure_s=exposure_s, gain=gain, first_pause_s=first_pause_s, clock=clock
        )
        self._opener = HttpOpener(url, ca_file=ca_file)
        self._timeout_s = timeout_s
        self._fps = fps
        self._response: HTTPResponse | None = None
        self._parts: Iterator[Part] = iter(())
        self._stamps = CameraStamps()
        self._start()

    def _connect(self) -> None:
        self._response = response = self._opened()
        declared = Message()
        declared["Content-Type"] = one_line(response.headers.get("Content-Type", ""), MAX_SENTENCE)
        boundary = declared.get_param("boundary")
        self._stamps = CameraStamps()
        self._parts = parts(response, boundary if isinstance(boundary, str) else None)
        if self._mode is not None:
            return
        # What a server calls its stream says little: pictures are looked for in whatever it sends.
        kind = declared["Content-Type"].split(";")[0].strip().lower()
        if kind.startswith("image/") and response.length is not None:
            raise self._no_stream(kind)
        try:
            width, height = self._first_size(min_pictures=2 if kind.startswith("image/") else 1)
        except LostError:
            if declared.get_content_maintype() == "multipart":
                raise
            raise self._no_stream(kind) from None
        self._mode = Mode(width, height, self._fps or 0.0, "Motion JPEG")

    def _opened(self) -> HTTPResponse:
        try:
            return self._opener.open(self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            raise SourceError(self.spec, *refusal(error, has_login=self._opener.has_login)) from None
        except (OSError, ValueError, HTTPException) as error:
            raise SourceError(self.spec, f"cannot be reached ({words_of(error)})", advice_for(error)) from None

    def _no_stream(self, kind: str) -> SourceError:
        what = "a single picture and no stream" if kind.startswith("image/") else "which is no Motion JPEG stream"
        return SourceError(
            self.spec,
            f"sends {kind or 'no content type'}, {what}",
            "look up the address of the MJPEG stream in the camera's manual (multipart/x-mixed-replace)",
        )

    def _take(self) -> RawPicture:
        part = self._next_part()
        return RawPicture(jpeg=part.body, stamp_s=self._stamps.seconds(part.stamp, arrived_s=self._clock.monotonic_s()))

    def _next_part(self) -> Part:
        try:
            part = next(self._parts, None)
        except (OSError, MultipartError, HTTPException) as error:
            raise LostError(f"broken stream: {words_of(error)}") from None
        if part is None:
            raise LostError("the server ended the stream")
        return part

    def _disconnect(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None

    def _first_size(self, *, min_pictures: int) -> tuple[int, int]:
        """Return the size of the first whole picture, once so many have come. They are still delivered."""
        inspected: list[Part] = []
        size: tuple[int, int] | None = None
        while len(inspected) < FIRST_PICTURES and (size is None or len(inspected) < min_pictures):
            part = self._next_part()
            inspected.append(part)
            size = size or _size_or_none(part.body)
        if size is None:
            raise SourceError(
                self.spec, f"none of its first {FIRST_PICTURES} pictures is a whole JPEG", "check the camera"
            )
        self._parts = itertools.chain(inspected, self._parts)
        return size


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
            without_login(url),
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
        self._stamps = CameraStamps(unit=1000.0)
        self._start()

    def _connect(self) -> None:
        limits = [
            *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, self._timeout_ms),
            *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, self._timeout_ms),
        ]
        capture = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, limits)
        self._capture = capture
        self._stamps = CameraStamps(unit=1000.0)
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
        position_ms = float(self._capture.get(cv2.CAP_PROP_POS_MSEC))
        stamp_s = self._stamps.seconds(position_ms, arrived_s=self._clock.monotonic_s())
        if self._raw:
            return RawPicture(jpeg=picture.tobytes(), stamp_s=stamp_s)
        return RawPicture(pixels=picture, decode_ms=(time.perf_counter() - began) * 1e3, stamp_s=stamp_s)

    def _disconnect(self) -> None:
        if self._capture is not None:
            self._capture.release()
            self._capture = None


def _size_or_none(part: bytes) -> tuple[int, int] | None:
    try:
        return size_of(part)
    except DamagedJpegError:
        return None
