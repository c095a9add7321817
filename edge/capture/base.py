"""The base of every source of frames: its mode, its report, its states, and the way from pixels to a frame."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2

from edge.capture.camera_fault import MAX_SENTENCE
from edge.capture.camera_monitor import CameraMonitor
from edge.capture.camera_watch import SourceFacts
from edge.capture.colour_demand import ColourDemand
from edge.capture.frame import Frame
from edge.capture.jpeg import DamagedJpegError, InterlacedError, complete_jpeg, decode_grey, weave
from edge.capture.jpeg_colours import decode_both
from edge.capture.report import LISTED_DAMAGES, Damage, Report, count_reason
from edge.errors import SourceError
from edge.redaction import redacted
from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from types import TracebackType

    from typing_extensions import Self

    from edge.capture.camera_fault import CameraChange, CameraFault
    from edge.capture.frame import Image
    from edge.capture.view_watch import Reference

MIN_SIDE = 64  # pixels; a smaller picture has no room for a crop nor for the noise around a spike
USUAL_FPS = 25.0  # assumed where a source names no rate
INTERLACED_WARNING = (
    "its pictures are interlaced: two fields, taken one after the other, which are woven into one; a hit may stand in "
    "every second row only, and what moves has combs; record progressive pictures where the camera can"
)
INTER_FRAME_WARNING = (
    "{codec} predicts frames from one another and smears or swallows hits: good for scenes, not for detection; "
    "use Motion JPEG"
)


@dataclass(frozen=True, slots=True)
class Mode:
    """The present mode of a source: size in pixels, declared frames a second, codec in words."""

    width: int
    height: int
    fps: float
    codec: str


class Source(ABC):
    """Frames in order: a context manager that can be iterated once.

    Attributes
    ----------
    spec : str
        Name of the source, without credentials.
    live : bool
        Whether frames come in real time, so that frames are lost when they are not read in time.

    """

    live = False

    def __init__(
        self, spec: str, *, fps: float | None = None, exposure_s: float | None = None, gain: float | None = None
    ) -> None:
        self.spec = spec
        self._exposure_s = exposure_s
        self._gain = gain
        self._period_s: float | None = None
        self._mode: Mode | None = None
        self._mode_number = 0
        self._full_height: int | None = None
        self._delivered = 0
        self._damaged = 0
        self._damages: list[Damage] = []
        self._reasons: dict[str, int] = {}
        self._latest_damage = ""
        self._reconnects = 0
        self._losses: dict[str, int] = {}
        self._warnings: dict[str, str] = {}
        self._events: dict[str, int] = {}
        self._refused: tuple[str, ...] = ()
        self._demand = ColourDemand()
        self._monitor = CameraMonitor(self._facts, expected_fps=fps if self.live else 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames without repeats of the picture before.

        Damaged frames are left out and leave a gap in `sequence`. Repeats leave none: see `Frame.repeats_before`.
        """
        return self._monitor.new_pictures(self.pictures())

    @abstractmethod
    def pictures(self) -> Iterator[Frame]:
        """Yield the frame of every picture, repeats included. The states of the camera are not judged then."""

    @abstractmethod
    def close(self) -> None:
        """Release the file, connection or camera. A second call does nothing."""

    @property
    def exposure_s(self) -> float | None:
        """Exposure of each frame as stated when the source was opened; None where it was not."""
        return self._exposure_s

    @property
    def mode(self) -> Mode:
        """Size, rate and codec of the frames at the moment."""
        if self._mode is None:
            raise SourceError(self.spec, "has delivered no frame yet", "read a frame first")
        return self._mode

    @property
    def report(self) -> Report:
        """Counts of the frames that were delivered and lost up to now."""
        return Report(
            delivered=self._delivered,
            dropped=self._dropped_count(),
            repeated=self._monitor.repeated,
            damaged=self._damaged,
            damages=tuple(self._damages),
            reasons=dict(self._reasons),
            reconnects=self._reconnects,
            losses=dict(self._losses),
            warnings=tuple(self._sentence(kind) for kind in list(self._warnings)),
        )

    @property
    def faults(self) -> tuple[CameraFault, ...]:
        """The states of the camera that stand now. It may be read from any thread."""
        self._check()
        return self._monitor.faults

    def take_changes(self) -> tuple[CameraChange, ...]:
        """Return the states that have begun or ended since the last call. It may be called from any one thread."""
        self._check()
        return self._monitor.take_changes()

    @property
    def reference(self) -> Reference | None:
        """What the camera shows when all is well; None until it is known."""
        return self._monitor.reference

    def expect(self, reference: Reference) -> None:
        """Judge focus and view by a reference from calibration, and not by what the camera shows at first."""
        self._monitor.expect_view(reference)

    def _now(self) -> tuple[float, datetime] | None:
        """Return the time on the clocks of the frames; None for a recording, whose time stands between frames."""
        return None

    def _check(self) -> None:
        """Judge a live source while no picture comes."""
        now = self._now()
        if now is not None:
            self._monitor.check(*now)

    def _facts(self) -> SourceFacts:
        return SourceFacts(
            pictures=self._delivered + self._damaged,
            damaged=self._damaged,
            damage=self._latest_damage,
            refused=self._refused,
        )

    def _dropped_count(self) -> int:
        return 0

    def _warn(self, kind: str, sentence: str) -> None:
        """Warn of something that holds from now on, in place of an earlier warning of this kind."""
        self._warnings[kind] = one_line(redacted(sentence), MAX_SENTENCE)

    def _warn_of_event(self, kind: str, sentence: str) -> None:
        """Warn of something that has happened. Warnings of one kind are counted, and the latest is shown."""
        self._events[kind] = self._events.get(kind, 0) + 1
        self._warn(kind, sentence)

    def _sentence(self, kind: str) -> str:
        times = self._events.get(kind, 1)
        return self._warnings[kind] + (f" ({times:,} times)" if times > 1 else "")

    def _damage(self, sequence: int, reason: str) -> None:
        self._damaged += 1
        self._latest_damage = reason
        count_reason(self._reasons, reason)
        if len(self._damages) < LISTED_DAMAGES:
            self._damages.append(Damage(sequence, reason))

    def _from_jpeg(self, packet: bytes, sequence: int, monotonic_s: float, utc: datetime) -> Frame | None:
        """Return the frame of a packet with one JPEG. A damaged one is entered in the report, and None is returned."""
        began = time.perf_counter()
        jpeg, colours, halved = None, None, None
        try:
            try:
                jpeg = complete_jpeg(packet, self._full_height)
                both = self._demand.is_likely(sequence)
                grey, halved = decode_both(jpeg) if both else (decode_grey(jpeg), None)
            except InterlacedError as fields:
                grey, colours = weave(fields.top, fields.bottom)
                self._warn("interlaced", INTERLACED_WARNING)
        except DamagedJpegError as error:
            self._damage(sequence, str(error))
            return None
        frame = Frame(sequence, monotonic_s, utc, grey, jpeg=jpeg, bgr=colours, bgr_halved=halved, demand=self._demand)
        return self._deliver(replace(frame, decode_ms=(time.perf_counter() - began) * 1e3))

    def _from_picture(
        self, picture: Image, sequence: int, monotonic_s: float, utc: datetime, decode_ms: float
    ) -> Frame | None:
        """Return the frame of a decoded picture, grey or BGR, that took `decode_ms` up to here."""
        if picture.ndim == 2:
            return self._deliver(Frame(sequence, monotonic_s, utc, picture, decode_ms=decode_ms))
        began = time.perf_counter()
        grey: Image = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
        decode_ms += (time.perf_counter() - began) * 1e3
        return self._deliver(Frame(sequence, monotonic_s, utc, grey, bgr=picture, decode_ms=decode_ms))

    def _from_i420(self, i420: Image, sequence: int, monotonic_s: float, utc: datetime) -> Frame | None:
        """Return the frame of a planar YUV 4:2:0 picture, whose brightness is the grey without any decoding."""
        return self._deliver(Frame(sequence, monotonic_s, utc, i420[: i420.shape[0] * 2 // 3], i420=i420))

    def _deliver(self, frame: Frame) -> Frame | None:
        if not self._follow_size(*frame.size, frame.sequence):
            return None
        self._delivered += 1
        return replace(
            frame,
            exposure_s=self._exposure_s,
            gain=self._gain,
            mode=self._mode_number,
            period_s=self._period_s,
        )

    def _follow_size(self, width: int, height: int, sequence: int) -> bool:
        """Begin a new mode where the size of the picture changes. Return False for a picture that is too small."""
        if min(width, height) < MIN_SIDE:
            if self._delivered:
                # A single small picture is no reason to end the source.
                self._damage(sequence, f"picture of {width}x{height} pixels, under {MIN_SIDE} a side")
                return False
            raise SourceError(
                self.spec,
                f"frame {sequence} measures {width}x{height} pixels",
                f"at least {MIN_SIDE} pixels a side are needed",
            )
        known = self.mode
        if (width, height) == (known.width, known.height):
            return True
        if self._delivered:
            self._mode_number += 1
            self._warn_of_event(
                "size",
                f"the size changes from {known.width}x{known.height} to {width}x{height} at frame {sequence}; "
                "no hit is looked for across the change",
            )
        self._mode = Mode(width, height, known.fps, known.codec)
        return True


def quiet_opencv() -> None:
    """Keep OpenCV and FFmpeg from writing to stderr, unless the user asks for it in the environment.

    OpenCV reads the level of FFmpeg once, when it first opens a recording or a stream.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    if "OPENCV_LOG_LEVEL" not in os.environ:
        # OpenCV 4 knows the first, OpenCV 5 the second.
        quieten = cv2.setLogLevel if hasattr(cv2, "setLogLevel") else cv2.utils.logging.setLogLevel
        quieten(0)
