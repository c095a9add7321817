"""A frame of a camera, and the triples of consecutive frames in which hits are looked for."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from edge.arguments import described, require
from edge.capture.jpeg import DamagedJpegError, is_coloured
from edge.capture.jpeg_colours import decode_both, halved
from edge.errors import InputError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from numpy.typing import NDArray

    from edge.capture.colour_demand import ColourDemand

Image: TypeAlias = "NDArray[np.uint8]"

MAX_REPEATS = 25
"""After more repeats of a picture, too much time has passed to compare it with the next one."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A frame whose grey picture is decoded and whose colours are decoded on demand.

    Attributes
    ----------
    sequence : int
        Number of the frame in its source, from 0. Missing numbers are dropped or damaged frames.
    monotonic_s : float
        Time of the frame in seconds, never set back: the clock of the box for a camera or stream, the position in a
        recording.
    utc : datetime
        Wall time of the frame, time zone UTC.
    grey : uint8 array, shape (height, width)
    exposure_s, gain : float or None
        As the camera reports them or the caller states them; None where unknown.
    jpeg : bytes or None
        The compressed picture as the camera sent it, from FFD8 to FFD9; None where the source has none.
    bgr : uint8 array, shape (height, width, 3), or None
        Decoded colours, where the source delivers them.
    i420 : uint8 array, shape (3 * height / 2, width), or None
        Brightness and colours of a CSI camera (planar YUV 4:2:0); `grey` is its upper part.
    mode : int
        Number that rises by 1 whenever the size of the picture changes.
    period_s : float or None
        Usual time from picture to picture, from the camera's own time stamps or from its rate, never from when this one
        picture arrived. None where the frame comes from no source: the times of its neighbours tell it then.
    repeats_before : int
        Pictures between the frame before and this one that were left out because they repeat it.
    decode_ms : float
        Milliseconds that decoding the grey picture took, with its colours where both were decoded at once.
    bgr_halved : uint8 array, shape (ceil(height / 2), ceil(width / 2), 3), or None
        Colours at half the size, where they were decoded with the grey.
    demand : ColourDemand or None
        Of the frame's source; it is told when the colours of a JPEG are asked for.

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
    period_s: float | None = None
    repeats_before: int = 0
    decode_ms: float = 0.0
    bgr_halved: Image | None = field(default=None, repr=False)
    demand: ColourDemand | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        grey = require(self.grey, np.ndarray, "the grey of a frame")
        if grey.dtype != np.uint8 or grey.ndim != 2:
            raise InputError(f"the grey of a frame: found {described(grey)}, expected uint8 of shape (height, width)")

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels."""
        height, width = self.grey.shape
        return width, height

    @property
    def has_colours(self) -> bool:
        """Whether the frame has colours. Reads the header of the JPEG."""
        if self.bgr is not None or self.i420 is not None:
            return True
        try:
            return self.jpeg is not None and is_coloured(self.jpeg)
        except DamagedJpegError:
            return False

    def colour_halved(self) -> Image:
        """Decode the colours at half the size: uint8, shape (ceil(height / 2), ceil(width / 2), 3), blue first.

        Cameras send colours at half the size anyway. It takes longer than decoding the grey, unless they were decoded
        together. The colours are the same either way.

        Raises
        ------
        SourceError
            The JPEG holds no picture.

        """
        if self.jpeg is None or self.bgr is not None or self.i420 is not None:
            return halved(self.colour())
        if self.demand is not None:
            self.demand.note(self.sequence)
        if self.bgr_halved is not None:
            return self.bgr_halved
        try:
            _, colours = decode_both(self.jpeg)
        except DamagedJpegError as error:
            raise self._without_picture() from error
        return colours if colours is not None else halved(self.colour())

    def colour(self) -> Image:
        """Decode the colours: uint8, shape (height, width, 3), blue first. Each call decodes the JPEG again."""
        if self.bgr is not None:
            return self.bgr
        if self.i420 is not None:
            colour: Image = cv2.cvtColor(self.i420, cv2.COLOR_YUV2BGR_I420)
            return colour
        if self.jpeg is None:
            grey: Image = cv2.cvtColor(self.grey, cv2.COLOR_GRAY2BGR)
            return grey
        return self._decoded()

    def _decoded(self) -> Image:
        # The grey is not rotated, so a rotation noted in the file must not turn the colours either.
        content = np.frombuffer(self.jpeg or b"", np.uint8)
        try:
            picture: Image | None = cv2.imdecode(content, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:
            picture = None
        if picture is None:
            raise self._without_picture()
        return picture

    def _without_picture(self) -> SourceError:
        return SourceError(f"frame {self.sequence}", "its JPEG holds no picture", "check the camera's cable")


@dataclass(frozen=True, slots=True, eq=False)
class Triple:
    """Three consecutive frames. Hits are looked for in the middle frame."""

    previous: Frame
    current: Frame
    following: Frame

    def __post_init__(self) -> None:
        shapes = {
            require(frame, Frame, "a triple").grey.shape for frame in (self.previous, self.current, self.following)
        }
        if len(shapes) > 1:
            raise InputError("a triple: its frames have different sizes, expected three of one size")


def triples(frames: Iterable[Frame]) -> Iterator[Triple]:
    """Yield each three consecutive frames without a gap in sequence or a change of mode or size.

    Repeats of a picture that were left out are no gap, unless the picture stood for long.
    The first and the last frame of an unbroken run are in the middle of no triple, so they are not analysed.
    """
    window: deque[Frame] = deque(maxlen=3)
    for frame in frames:
        require(frame, Frame, "the frames")
        if window and not _follows(window[-1], frame):
            window.clear()
        window.append(frame)
        if len(window) == 3:
            yield Triple(*window)


def _follows(earlier: Frame, later: Frame) -> bool:
    return (
        later.sequence == earlier.sequence + 1 + later.repeats_before
        and later.repeats_before <= MAX_REPEATS
        and later.mode == earlier.mode
        and later.grey.shape == earlier.grey.shape
    )
