"""One frame of a camera and the triples of consecutive frames that the fast path looks at."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.capture.jpeg import DamagedJpegError, is_coloured
from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from numpy.typing import NDArray

Image: TypeAlias = "NDArray[np.uint8]"


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame with its grey picture decoded and its colours still packed.

    Attributes
    ----------
    sequence : int
        Counts from 0 as the source delivers; a gap in it is a dropped or damaged frame.
    monotonic_s : float
        Seconds on a clock that never jumps: the box's clock for a camera, the position in a recording.
    utc : datetime
        Wall time of the frame, time zone UTC.
    grey : uint8 array, shape (height, width)
    exposure_s, gain : float or None
        As the camera reports them; None where unknown.
    jpeg : bytes or None
        The compressed picture as the camera sent it, from FFD8 to FFD9; None where the source had none.
    bgr : uint8 array, shape (height, width, 3), or None
        Set only where the source gives decoded colours.
    i420 : uint8 array, shape (3 * height / 2, width), or None
        Brightness and colours as a CSI camera gives them (planar YUV 4:2:0); `grey` is its upper part.
    mode : int
        Changes whenever the source changes size, rate or exposure mode.
    decode_ms : float
        What decoding the grey picture has cost, in milliseconds.

    """

    sequence: int
    monotonic_s: float
    utc: datetime
    grey: Image = field(repr=False)
    exposure_s: float | None = None
    gain: float | None = None
    jpeg: bytes | None = field(default=None, repr=False)
    bgr: Image | None = field(default=None, repr=False)
    i420: Image | None = field(default=None, repr=False)
    mode: int = 0
    decode_ms: float = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.grey.shape
        return width, height

    @property
    def has_colours(self) -> bool:
        """Whether the source gives colours; costs a look at the JPEG's header."""
        if self.bgr is not None or self.i420 is not None:
            return True
        try:
            return self.jpeg is not None and is_coloured(self.jpeg)
        except DamagedJpegError:
            return False

    def colour_halved(self) -> Image:
        """Decode the colours at half the size: uint8, shape (ceil(height / 2), ceil(width / 2), 3), blue first.

        Cameras send colours at half the size anyway. Costs about as much as decoding the grey.

        Raises
        ------
        SourceError
            The JPEG holds no picture.

        """
        if self.jpeg is None or self.bgr is not None or self.i420 is not None:
            return _halved(self.colour())
        return self._decoded(cv2.IMREAD_REDUCED_COLOR_2)

    def colour(self) -> Image:
        """Decode the colours: uint8, shape (height, width, 3), blue first. Costs a JPEG decode at each call."""
        if self.bgr is not None:
            return self.bgr
        if self.i420 is not None:
            colour: Image = cv2.cvtColor(self.i420, cv2.COLOR_YUV2BGR_I420)
            return colour
        if self.jpeg is None:
            grey: Image = cv2.cvtColor(self.grey, cv2.COLOR_GRAY2BGR)
            return grey
        return self._decoded(cv2.IMREAD_COLOR)

    def _decoded(self, how: int) -> Image:
        # The grey was decoded as the sensor lies: a rotation noted in the file must not turn the colours against it.
        content = np.frombuffer(self.jpeg or b"", np.uint8)
        try:
            picture: Image | None = cv2.imdecode(content, how | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:
            picture = None
        if picture is None:
            raise SourceError(f"frame {self.sequence}", "its JPEG holds no picture", "check the camera's cable")
        return picture


@dataclass(frozen=True, slots=True, eq=False)
class Triple:
    """Three consecutive frames; hits are looked for in the middle one."""

    previous: Frame
    current: Frame
    following: Frame


def triples(frames: Iterable[Frame]) -> Iterator[Triple]:
    """Yield each run of three frames with no gap in sequence and no change of mode or size between them.

    The first and last frame of each unbroken run are in the middle of no triple: they count as not analysed.
    """
    window: deque[Frame] = deque(maxlen=3)
    for frame in frames:
        if window and not _follows(window[-1], frame):
            window.clear()
        window.append(frame)
        if len(window) == 3:
            yield Triple(*window)


def _halved(picture: Image) -> Image:
    """Average pixels two by two; the last ones of an odd row or column count twice."""
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    size = (picture.shape[1] // 2, picture.shape[0] // 2)
    smaller: Image = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return smaller


def _follows(earlier: Frame, later: Frame) -> bool:
    return (
        later.sequence == earlier.sequence + 1 and later.mode == earlier.mode and later.grey.shape == earlier.grey.shape
    )
