"""A film of an analysed recording: hits are ringed, the state of the alarm and the rate are written above."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.output import GENERATOR
from edge.pages.pictures import NARROW_PX, blurred

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from edge.alarm.recent_rate import RecentRate
    from edge.alarm.tracker import AlarmTracker
    from edge.capture.frame import Frame, Image
    from edge.detect.hit import Hit
    from edge.pipeline import AnalysedFrame
    from edge.review.report import Scene

RING_PX = 14
"""Radius of a ring in pixels of the picture."""
COUNTS_BGR, APART_BGR = (44, 90, 255), (63, 210, 255)
QUALITY = 85
AFTERGLOW = 6
"""Frames for which a thin ring stays where a hit was: a hit stands in one frame, too short for an eye."""
_STATES = {
    "learning": ("LEARNING", (230, 200, 140)),
    "clear": ("CLEAR", (150, 220, 130)),
    "alarm": ("ALARM", (90, 90, 255)),
    "changed": ("BACKGROUND CHANGED", (90, 190, 255)),
}
_MARK = f"{GENERATOR} overlay".encode()
_MAX_FILLED = 250
"""Frames that are missing in a row and are filled with the picture before, so that numbers of frames agree."""


class Overlay:
    """A Motion JPEG film being written; also a context manager.

    Frame n of the film is frame n of the part of the recording that was analysed: frames without a result, such as
    damaged ones, show the picture before.

    Parameters
    ----------
    path : Path
        The film; an existing file is replaced.
    fps : float
        Frames a second.
    scene : {"blurred", "sharp", "none"}
        Blurred or left out, the picture is sharp within the crops around hits only.

    Raises
    ------
    RecordingError
        The film cannot be written.

    """

    def __init__(self, path: Path, fps: float, scene: Scene = "blurred") -> None:
        self._path = path
        self._fps = fps
        self._scene = scene
        self._writer: MotionJpegWriter | None = None
        self._size = (0, 0)
        self._next = 0
        self._last: bytes = b""
        self._pending: tuple[Frame, str] | None = None
        self._glow: list[tuple[int, Hit]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def follow(self, analysed: AnalysedFrame, tracker: AlarmTracker) -> None:
        """Write one analysed frame."""
        triple = analysed.triple
        if triple.previous.sequence >= self._next:  # the first of an unbroken run is in the middle of no triple
            self._finish()
            self._put(triple.previous, (), "not analysed", tracker.condition)
        words = _rate_words(tracker.recent.over(10))
        self._put(triple.current, analysed.detection.hits, words, tracker.condition)
        self._pending = (triple.following, tracker.condition)

    def close(self) -> None:
        """Write what is left and close the film."""
        self._finish()
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _finish(self) -> None:
        """Write the last frame of an unbroken run, which is in the middle of no triple."""
        if self._pending is not None and self._pending[0].sequence >= self._next:
            frame, condition = self._pending
            self._put(frame, (), "not analysed", condition)
        self._pending = None

    def _put(self, frame: Frame, hits: tuple[Hit, ...], words: str, condition: str) -> None:
        if self._writer is None:
            self._size = frame.size
            self._next = frame.sequence
            self._writer = MotionJpegWriter(self._path, self._fps, self._size)
        for _ in range(min(frame.sequence - self._next, _MAX_FILLED)):
            self._writer.write(self._last)
        words = f"frame {frame.sequence}   {frame.monotonic_s:.2f} s   {words}"
        drawn = self._drawn(frame, hits, condition, words)
        if frame.size != self._size:
            drawn = cv2.resize(drawn, self._size, interpolation=cv2.INTER_AREA)
        self._last = _marked(cv2.imencode(".jpg", drawn, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
        self._writer.write(self._last)
        self._next = frame.sequence + 1

    def _drawn(self, frame: Frame, hits: tuple[Hit, ...], condition: str, words: str) -> Image:
        picture = frame.colour()
        scene = shown(picture, self._scene)
        _write_state(scene, condition, words)  # below the hits, so that it hides none
        for hit in hits:
            _keep_sharp(scene, picture, hit)
        self._glow = [(until, hit) for until, hit in self._glow if until >= frame.sequence]
        for _, hit in self._glow:
            cv2.circle(scene, (hit.x, hit.y), RING_PX, _colour(hit), 1, cv2.LINE_AA)
        for hit in hits:
            cv2.circle(scene, (hit.x, hit.y), RING_PX, _colour(hit), 3, cv2.LINE_AA)
        self._glow += [(frame.sequence + AFTERGLOW, hit) for hit in hits]
        return scene


def is_overlay(head: bytes) -> bool:
    """Return whether a file begins as a film of this module."""
    return _MARK in head


def _marked(jpeg: bytes) -> bytes:
    """Return a JPEG with a comment that says who has made it, behind its first segment."""
    behind = 4 + int.from_bytes(jpeg[4:6], "big")
    comment = b"\xff\xfe" + (2 + len(_MARK)).to_bytes(2, "big") + _MARK
    return jpeg[:behind] + comment + jpeg[behind:]


def shown(picture: Image, scene: Scene) -> Image:
    """Return a picture that may be drawn upon: sharp, blurred, or an even grey in its place."""
    if scene == "sharp":
        return np.array(picture)
    if scene == "blurred":
        return blurred(picture)
    return np.full(picture.shape, 48, np.uint8)


def _keep_sharp(scene: Image, picture: Image, hit: Hit) -> None:
    half = NARROW_PX // 2
    rows = slice(max(hit.y - half, 0), hit.y + half + 1)
    columns = slice(max(hit.x - half, 0), hit.x + half + 1)
    scene[rows, columns] = picture[rows, columns]


def _colour(hit: Hit) -> tuple[int, int, int]:
    return COUNTS_BGR if hit.counts else APART_BGR


def _rate_words(rate: RecentRate) -> str:
    return "no live time" if rate.rate_hz is None else f"{rate.rate_hz:.3g} hits a live second in 10 s"


def _write_state(picture: Image, condition: str, words: str) -> None:
    """Write the state of the alarm and a line of words into the upper left corner, on a dark ground."""
    state, colour = _STATES[condition]
    scale = max(picture.shape[1] / 1600, 0.45)
    font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(round(2 * scale), 1)
    wide = max(cv2.getTextSize(text, font, scale, thickness)[0][0] for text in (state, words))
    line = round(34 * scale)
    corner = (slice(0, 2 * line + round(16 * scale)), slice(0, wide + round(24 * scale)))
    picture[corner] = picture[corner] // 3
    for number, (text, ink) in enumerate(((state, colour), (words, (240, 240, 240)))):
        place = (round(12 * scale), round(30 * scale) + number * line)
        cv2.putText(picture, text, place, font, scale, ink, thickness, cv2.LINE_AA)
