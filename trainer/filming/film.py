"""Films the simulated camera: scene and radiation in, Motion JPEG and its truth out."""

from __future__ import annotations

import json
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.arguments import as_path, takes
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.errors import RecordingError
from edge.truth import VISIBLE_DN
from trainer.errors import SensorError
from trainer.filming.events import hits_of
from trainer.filming.exposure import PlacedCharge, place_charge, whole_picture
from trainer.filming.record import KeptFilm, begin_or_resume
from trainer.filming.studio import film_studio
from trainer.filming.temporal import TemporalFilter
from trainer.filming.truth import truth_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from typing_extensions import Self

    from trainer.filming.events import FilmHits, HitEvent
    from trainer.filming.nuisances import Nuisance
    from trainer.filming.record import Record
    from trainer.filming.studio import Studio
    from trainer.sensor.camera import Camera

_END_OF_JPEG = b"\xff\xd9"
MAX_FRAMES = 10_000_000


@dataclass(frozen=True, slots=True)
class FilmSummary:
    """The counts and files of a film.

    Attributes
    ----------
    frames : int
    hits : int
        Number of lines in the truth.
    visible : int
        Number of hits that add at least 25 grey levels.
    clip, truth : Path
    kept : int
        Frames of an earlier run among them.

    """

    frames: int
    hits: int
    visible: int
    clip: Path
    truth: Path
    kept: int = 0


def film_frame(
    studio: Studio,
    scene_bgr: NDArray[np.uint8],
    number: int,
    hits: Sequence[HitEvent],
    temporal: TemporalFilter | None = None,
) -> tuple[bytes, list[dict[str, Any]]]:
    """Return the JPEG of one frame of a film and the truth of its hits.

    The truth is that of the undisturbed scene: no nuisance changes it.

    Parameters
    ----------
    studio : Studio
    scene_bgr : uint8 array, shape (height, width, 3)
    number : int
        Number of the frame.
    hits : sequence of HitEvent
        Hits that fall into the frame.
    temporal : TemporalFilter or None
        The film's temporal noise reduction, which holds the frames before; needed where the studio has one.

    Examples
    --------
    >>> from trainer.filming.events import HitEvent
    >>> from trainer.sensor.camera import OV2710, change
    >>> studio = film_studio(change(OV2710, width=64, height=48, defect_correction=False), seed=1)
    >>> grey_wall = np.full((48, 64, 3), 90, np.uint8)
    >>> hit = HitEvent(frame=7, x0=30, y0=20, charge_e=np.float32([[2000]]), energy_kev=7.3, origin="Tc-99m")
    >>> jpeg, truth = film_frame(studio, grey_wall, 7, [hit])
    >>> truth[0]["x"], truth[0]["y"], truth[0]["added"] > 25
    (30, 20, True)

    """
    picture, truth = _picture_and_truth(studio, scene_bgr, number, hits)
    return _jpeg(studio, picture if temporal is None else temporal.filtered(picture), number), truth


def _picture_and_truth(
    studio: Studio, scene_bgr: NDArray[np.uint8], number: int, hits: Sequence[HitEvent]
) -> tuple[NDArray[np.uint8], list[dict[str, Any]]]:
    """Return a frame's picture before temporal noise reduction, and the truth of its hits."""
    charges = [PlacedCharge(hit.x0, hit.y0, hit.charge_e) for hit in hits]
    charge_e = place_charge((scene_bgr.shape[0], scene_bgr.shape[1]), charges) if hits else None
    picture = whole_picture(studio.frame(scene_bgr, number), charge_e)
    return picture, [truth_line(scene_bgr, hit, studio.camera) for hit in hits]


def _jpeg(studio: Studio, picture: NDArray[np.uint8], number: int) -> bytes:
    """Return the JPEG of a frame after temporal noise reduction."""
    return studio.send(studio.finish(picture, number), number)


def frame_count(camera: Camera, seconds: float) -> int:
    """Return the number of frames of a film of a length in seconds.

    Raises
    ------
    SensorError
        No frame at all, or more than ten million.

    """
    frames = round(seconds * camera.fps) if np.isfinite(seconds) else 0
    if not 1 <= frames <= MAX_FRAMES:
        raise SensorError(f"a film of {seconds} s at {camera.fps:g} frames/s: give 1 to {MAX_FRAMES} frames")
    return frames


@takes(out=as_path, frames=int, seed=int)
def film(
    out: Path,
    scene: Iterable[NDArray[np.uint8]],
    events: FilmHits | Iterable[HitEvent],
    camera: Camera,
    *,
    frames: int,
    seed: int,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    nuisances: tuple[Nuisance, ...] = (),
    record: Record | None = None,
) -> FilmSummary:
    """Film a scene and write OUT.avi and OUT.jsonl.

    Interrupted or out of disk space, it leaves a clip that plays and the truth of its frames. With a record, written to
    OUT.json, the next run goes on from there to the same bytes.

    Parameters
    ----------
    out : Path
        The clip; the truth lies beside it with the ending .jsonl.
    scene : iterable of uint8 arrays, shape (height, width, 3)
        At least `frames` frames of the camera's size.
    events : FilmHits, or iterable of HitEvent
    camera : Camera
    frames, seed : int
        The seed is that of noise and sensor faults.
    threads : int, optional
        Frames made at a time; by default one a processor, at most 4. The bytes do not depend on it.
    progress : callable, optional
        Called with the number of frames written after each.
    nuisances : tuple of Nuisance
        The truth is the same with and without them.
    record : Record or None
        An earlier run of the same record is continued; anything else in its place is refused. None replaces it.

    Raises
    ------
    FilmError, RecordingError
        Another film is there; the disk is full or the folder cannot be written.
    SensorError
        The scene ends early or has another size.

    """
    if out.suffix.lower() != ".avi":
        raise SensorError(f"{out}: a film is a Motion JPEG AVI; name it with the ending .avi")
    kept = KeptFilm(out) if record is None else begin_or_resume(out, record)
    lines = list(kept.truth)
    if not kept.finished:
        studio = film_studio(camera, seed, nuisances)
        shots = _in_order(studio, scene, events, range(kept.frames, frames), threads or min(os.cpu_count() or 1, 4))
        with _FilmFiles(out, camera, kept) as files:
            for jpeg, truth in shots:
                files.write(jpeg, truth)
                lines += truth
                if progress:
                    progress(files.frames)
    visible = sum(line["added"] >= VISIBLE_DN for line in lines)
    return FilmSummary(frames, len(lines), visible, out, out.with_suffix(".jsonl"), kept.frames)


@contextmanager
def named_when_whole(clip: Path) -> Iterator[Path]:
    """Yield a name to film under; after the block, which has filmed the whole clip, it and its truth get their own."""
    part = clip.with_name(f"{clip.stem}.part.avi")
    yield part
    part.with_suffix(".jsonl").replace(clip.with_suffix(".jsonl"))
    part.replace(clip)


class _FilmFiles:
    """Clip and truth being written; frames of an earlier run are copied before its files are replaced."""

    def __init__(self, out: Path, camera: Camera, kept: KeptFilm) -> None:
        truth, resumed = out.with_suffix(".jsonl"), kept.frames > 0
        clip_part, truth_part = (place.with_name(f"part.{place.name}") for place in (out, truth))
        with ExitStack() as stack:
            clip = MotionJpegWriter(clip_part if resumed else out, camera.fps, camera.picture_size)
            self._clip = stack.enter_context(clip)
            self._truth = stack.enter_context(_TruthFile(truth_part if resumed else truth))
            for jpeg in kept.jpegs():
                self._clip.write(jpeg, damaged=not jpeg.endswith(_END_OF_JPEG))
            self._truth.write(list(kept.truth))
            if resumed:
                clip_part.replace(out)
                truth_part.replace(truth)
                self._clip.path, self._truth.path = out, truth
            self._stack = stack.pop_all()

    @property
    def frames(self) -> int:
        """Frames written."""
        return self._clip.frames

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._stack.close()

    def write(self, jpeg: bytes, truth: list[dict[str, Any]]) -> None:
        """Write a frame's picture, then the truth of its hits."""
        self._clip.write(jpeg, damaged=not jpeg.endswith(_END_OF_JPEG))
        self._truth.write(truth)


class _TruthFile:
    """The truth being written, a line per hit; the lines of a frame are on disk before those of the next."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("w", encoding="utf-8")
        except OSError as error:
            raise RecordingError(path, f"cannot be written ({error.strerror})", "check the folder") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise RecordingError(self.path, f"is cut off ({error.strerror})", "make room and film again") from error

    def write(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        try:
            self._file.write("".join(json.dumps(line) + "\n" for line in lines))
            self._file.flush()
        except OSError as error:
            raise RecordingError(self.path, f"is cut off ({error.strerror})", "make room and film again") from error


@contextmanager
def _one_thread_in_opencv() -> Iterator[None]:
    """Keep OpenCV from splitting each call: whole frames are shared out instead."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _in_order(
    studio: Studio,
    scene: Iterable[NDArray[np.uint8]],
    events: FilmHits | Iterable[HitEvent],
    numbers: range,
    threads: int,
) -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
    """Make frames on several threads, a few ahead, and yield them in order.

    Temporal noise reduction needs every frame from the first on; those before `numbers` are made and not yielded.
    """
    of_frame = hits_of(events)
    temporal = TemporalFilter(studio.temporal_denoise) if studio.temporal_denoise else None
    make = film_frame if temporal is None else _picture_and_truth
    first = numbers.start if temporal is None else 0
    pictures = _checked(islice(scene, first, None), range(first, numbers.stop), studio.camera)
    with _one_thread_in_opencv(), ThreadPoolExecutor(threads) as pool:
        waiting: deque[Any] = deque()

        def finished() -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
            number, task = waiting.popleft()
            made, truth = task.result()
            if temporal is not None:
                filtered = temporal.filtered(made)
                made = _jpeg(studio, filtered, number) if number >= numbers.start else b""
            if number >= numbers.start:
                yield made, truth

        try:
            for number, picture in pictures:
                waiting.append((number, pool.submit(make, studio, picture, number, of_frame(number))))
                if len(waiting) > threads:
                    yield from finished()
            while waiting:
                yield from finished()
        finally:
            for _, task in waiting:
                task.cancel()


def _checked(
    pictures: Iterator[NDArray[np.uint8]], numbers: range, camera: Camera
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield number and picture of each frame; raises `SensorError` where one is missing or has another size."""
    size = (camera.height, camera.width, 3)
    for number in numbers:
        picture = next(pictures, None)
        if picture is None:
            raise SensorError(f"the scene ends after {number} of {numbers.stop} frames; give a longer one")
        if picture.shape != size:
            shape = "×".join(str(side) for side in picture.shape)
            raise SensorError(f"frame {number} of the scene has the shape {shape}, the camera {size[:2]}")
        yield number, picture
