"""Recordings of the box's own camera for datasets A (noise), B (scenes) and C (hits), each with a note beside it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Literal

import cv2
from pydantic import AwareDatetime, Field

from edge import __version__
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.config.strict import StrictModel
from edge.errors import RecordingError
from edge.files import read_text, replace_file
from edge.redaction import without_login
from edge.site.dark import MAX_MEAN_DN
from edge.telemetry.health import temperature_c

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from edge.capture.base import Source
    from edge.capture.frame import Frame
    from edge.config.device import DeviceSettings

SetName = Literal["A", "B", "C"]
COVERED: dict[SetName, bool] = {"A": True, "B": False, "C": True}
RESERVE_BYTES = 200_000_000
"""Room that a recording leaves on the disk."""
MAX_GAP = 1000
"""A longer gap ends a recording: the file would hold mostly nothing."""
_FIRST_FRAMES = 50
_JPEG_QUALITY = 95
_CHECK_FRAMES = 25
_RATE_MISMATCH = 0.1


class RecordingNote(StrictModel):
    """What is known of a recording: `NAME.json` beside `NAME.avi`. `gammabox-trainer import` reads it."""

    schema_version: Literal[1] = 1
    set: SetName
    covered: bool
    radiation: str | None = Field(default=None, max_length=500, description="of set C: source, activity, distance")
    remark: str | None = Field(default=None, max_length=500)
    site: str
    device: str
    camera: str
    software: str
    started_utc: AwareDatetime
    seconds: float = Field(default=0.0, ge=0)
    complete: bool = False
    ended: str = Field(default="not ended", description="why the recording ended")
    frames: int = Field(default=0, ge=0)
    missing: int = Field(default=0, ge=0, description="lost frames, for which the file holds empty ones")
    width: int
    height: int
    fps: float = Field(gt=0)
    exposure_s: float | None
    gain: float | None
    temperature_c: float | None = Field(description="of the processor at the start")
    jpeg: Literal["camera", "box"] = Field(description="who made the JPEGs; the box with quality 95")


@dataclass(frozen=True, slots=True)
class Start:
    """The first frames of a recording, and what they tell of the camera."""

    frames: tuple[Frame, ...]
    fps: float
    bytes_a_frame: float

    @property
    def covered(self) -> bool:
        """Whether the lens is covered."""
        return float(self.frames[-1].grey[::8, ::8].mean()) <= MAX_MEAN_DN


def begin(source: Source, frames: Iterator[Frame]) -> Start:
    """Read the first frames, to measure the rate and the size of pictures.

    Raises
    ------
    RecordingError
        There are too few.

    """
    first = tuple(islice(frames, _FIRST_FRAMES))
    if len(first) < 3 or first[-1].monotonic_s <= first[0].monotonic_s:
        raise RecordingError(source.spec, "delivers too few frames", "check the camera with gammabox-edge doctor")
    measured = (first[-1].sequence - first[0].sequence) / (first[-1].monotonic_s - first[0].monotonic_s)
    declared = source.mode.fps
    # Cameras often do not keep the rate that they declare.
    fps = declared if abs(declared - measured) <= _RATE_MISMATCH * measured else round(measured, 2)
    return Start(first, fps, sum(len(jpeg_of(frame)) for frame in first[:5]) / len(first[:5]))


def jpeg_of(frame: Frame) -> bytes:
    """Return the JPEG as the camera sent it, or make one."""
    if frame.jpeg is not None:
        return frame.jpeg
    picture = frame.colour() if frame.has_colours else frame.grey
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1])


def check_room(folder: Path, start: Start, seconds: float) -> None:
    """Check that a recording fits the disk.

    Raises
    ------
    RecordingError
        It does not.

    """
    free = shutil.disk_usage(folder).free - RESERVE_BYTES
    a_second = start.bytes_a_frame * start.fps
    if a_second * seconds > free:
        fits = max(0, int(free / a_second))
        needed, left = a_second * seconds / 1e9, max(free, 0) / 1e9
        raise RecordingError(
            folder,
            f"{seconds:g} s need {needed:.2g} GB, {left:.2g} GB are free beside a reserve",
            f"make room, or record {fits} s",
        )


class Recorder:
    """Writes one recording and its note; never over another one.

    Parameters
    ----------
    folder : Path
        The recording goes to the subfolder of its set.
    settings : DeviceSettings
    source : Source
    start : Start
    note : mapping
        Fields of the note that the caller knows: set, radiation, remark.

    Raises
    ------
    RecordingError
        A file of the name exists, or the folder cannot be written.

    """

    def __init__(
        self, folder: Path, settings: DeviceSettings, source: Source, start: Start, note: Mapping[str, object]
    ) -> None:
        utc = datetime.now(timezone.utc)
        first = start.frames[0]
        self.note = RecordingNote.model_validate(
            {
                "site": settings.site,
                "device": settings.device,
                "camera": without_login(settings.source.spec),
                "software": __version__,
                "started_utc": utc,
                "covered": start.covered,
                "width": first.size[0],
                "height": first.size[1],
                "fps": start.fps,
                "exposure_s": first.exposure_s,
                "gain": first.gain,
                "temperature_c": temperature_c(),
                "jpeg": "box" if first.jpeg is None else "camera",
                **note,
            }
        )
        self.path = folder / self.note.set / file_name(settings.device, self.note.set, utc)
        self._source = source
        self._start = start
        self._reserve()

    @property
    def note_path(self) -> Path:
        """The note beside the recording."""
        return self.path.with_suffix(".json")

    def write(
        self, frames: Iterator[Frame], seconds: float, progress: Callable[[float], None] = lambda _: None
    ) -> RecordingNote:
        """Write the first frames and those that follow, and return the note.

        Whatever ends the recording early, what was written stays, and the note says why.

        Raises
        ------
        RecordingError
            The disk is full or the file cannot be written.

        """
        ended = "interrupted"
        first, last = self._start.frames[0], self._start.frames[0]
        size = (self.note.width, self.note.height)
        count = missing = 0
        try:
            with MotionJpegWriter(self.path, self.note.fps, size) as writer:
                for frame in self._all(frames):
                    ended = self._reason_to_end(frame, last, count) or ended
                    if ended != "interrupted":
                        break
                    for _ in range(last.sequence + 1, frame.sequence):
                        writer.write(b"", damaged=True)
                        missing += 1
                    writer.write(jpeg_of(frame))
                    count, last = count + 1, frame
                    progress(frame.monotonic_s - first.monotonic_s)
                    if frame.monotonic_s - first.monotonic_s >= seconds:
                        ended = "complete"
                        break
                else:
                    ended = "the source ended"
        except RecordingError as error:
            ended = str(error)
            raise
        finally:
            self.note = self.note.model_copy(
                update={
                    "frames": count,
                    "missing": missing,
                    "seconds": round(last.monotonic_s - first.monotonic_s, 3),
                    "complete": ended == "complete",
                    "ended": ended,
                }
            )
            self._write_note()
        return self.note

    def _all(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        yield from self._start.frames
        yield from frames

    def _reason_to_end(self, frame: Frame, last: Frame, count: int) -> str | None:
        if frame.size != (self.note.width, self.note.height):
            return f"the size of the pictures changed to {frame.size[0]}x{frame.size[1]}"
        if frame.sequence - last.sequence > MAX_GAP:
            return f"{frame.sequence - last.sequence:,} frames were missing in a row"
        if count % _CHECK_FRAMES == 0 and shutil.disk_usage(self.path.parent).free < RESERVE_BYTES:
            return "the disk is almost full"
        return None

    def _reserve(self) -> None:
        """Create the note, so that no other recording takes the name."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            for path in (self.path, self.note_path):
                path.touch(exist_ok=False)
        except FileExistsError as error:
            raise RecordingError(self.path, "exists", "recordings are never replaced; try again") from error
        except OSError as error:
            raise RecordingError(self.path, f"cannot be written ({error.strerror})", "name another folder") from error
        self._write_note()

    def _write_note(self) -> None:
        try:
            replace_file(self.note_path, self.note.model_dump_json(indent=1) + "\n")
        except OSError as error:
            raise RecordingError(
                self.note_path, f"cannot be written ({error.strerror})", "make room and check the folder"
            ) from error


def file_name(device: str, name: SetName, utc: datetime) -> str:
    """Return the name of a recording of a set that began at a time."""
    return f"{device}-{name}-{utc:%Y%m%dT%H%M%SZ}.avi"


def note_of(recording: Path) -> RecordingNote | None:
    """Return the note of a recording; None where there is none.

    Raises
    ------
    ValueError
        The note is damaged.

    """
    try:
        text = read_text(recording.with_suffix(".json"))
    except FileNotFoundError:
        return None
    return RecordingNote.model_validate_json(text)
