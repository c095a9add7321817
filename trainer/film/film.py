"""Films the simulated camera: scene and radiation in, Motion JPEG and its truth out."""

from __future__ import annotations

import json
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.errors import RecordingError
from trainer.errors import SensorError
from trainer.film.disturb import disturbed_picture, disturbed_scene, disturbed_stream
from trainer.film.truth import truth_line
from trainer.sensor.fixed_pattern import make_pattern
from trainer.sensor.isp import encode, photograph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from typing_extensions import Self

    from trainer.film.events import HitEvent
    from trainer.film.nuisances import Nuisance
    from trainer.sensor.camera import Camera
    from trainer.sensor.fixed_pattern import FixedPattern

VISIBLE_DN = 25.0
_END_OF_JPEG = b"\xff\xd9"
MAX_FRAMES = 10_000_000


@dataclass(frozen=True, slots=True)
class FilmSummary:
    """What was filmed.

    Attributes
    ----------
    frames : int
    hits : int
        Lines of the truth.
    visible : int
        Those that add at least 25 grey levels.
    clip, truth : Path

    """

    frames: int
    hits: int
    visible: int
    clip: Path
    truth: Path


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """All that a frame needs besides its scene: camera, faults of the sensor, hits by frame, seed, nuisances."""

    camera: Camera
    pattern: FixedPattern = field(repr=False)
    events: dict[int, list[HitEvent]] = field(repr=False)
    seed: int
    nuisances: tuple[Nuisance, ...] = ()

    def shoot(self, number: int, scene_bgr: NDArray[np.uint8]) -> tuple[bytes, list[dict[str, Any]]]:
        """Make one frame's JPEG and its truth; depends on nothing but seed, number and scene."""
        hits = self.events.get(number, [])
        charge = None
        if hits:
            charge = np.zeros(scene_bgr.shape[:2], np.float32)
            for hit in hits:
                h, w = hit.charge_e.shape
                charge[hit.y0 : hit.y0 + h, hit.x0 : hit.x0 + w] += hit.charge_e
        noise = np.random.default_rng([self.seed, 2, number])
        seen = disturbed_scene(self.nuisances, scene_bgr, number)
        picture = photograph(seen, charge, self.camera, self.pattern, noise, number)
        # The truth is about the undisturbed scene: no nuisance changes it.
        truth = [truth_line(scene_bgr, hit, self.camera) for hit in hits]
        picture = disturbed_picture(self.nuisances, picture, number)
        return disturbed_stream(self.nuisances, encode(picture, self.camera.jpeg_quality), number), truth


def frame_count(camera: Camera, seconds: float) -> int:
    """Give the frames of a film of so many seconds.

    Raises
    ------
    SensorError
        No frame at all, or more than ten million.

    """
    frames = round(seconds * camera.fps) if np.isfinite(seconds) else 0
    if not 1 <= frames <= MAX_FRAMES:
        raise SensorError(f"a film of {seconds} s at {camera.fps:g} frames/s: give 1 to {MAX_FRAMES} frames")
    return frames


def film(
    out: Path,
    scene: Iterable[NDArray[np.uint8]],
    events: Iterable[HitEvent],
    camera: Camera,
    *,
    frames: int,
    seed: int,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    nuisances: tuple[Nuisance, ...] = (),
) -> FilmSummary:
    """Film a scene and write OUT.avi and OUT.jsonl.

    Interrupted or out of disk space, it leaves what is complete: a clip that plays and the truth of its frames.

    Parameters
    ----------
    out : Path
        The clip; the truth lies beside it with the ending .jsonl.
    scene : iterable of uint8 arrays, shape (height, width, 3)
        At least `frames` frames of the camera's size.
    events : iterable of HitEvent
    camera : Camera
    frames : int
    seed : int
        Of noise and sensor faults.
    threads : int, optional
        Frames made at a time; by default one a processor, at most 4. The bytes do not depend on it.
    progress : callable, optional
        Told the number of frames written after each.
    nuisances : tuple of Nuisance
        Disturbances, from `trainer.film.nuisances`; the truth is the same with and without.

    Raises
    ------
    RecordingError
        The disk is full or the folder cannot be written.
    SensorError
        The scene ends early or has another size.

    """
    by_frame: dict[int, list[HitEvent]] = {}
    for event in events:
        by_frame.setdefault(event.frame, []).append(event)
    studio = Studio(camera, make_pattern(camera, seed), by_frame, seed, nuisances)
    truth_path = out.with_suffix(".jsonl")
    if out.suffix.lower() != ".avi":
        raise SensorError(f"{out}: a film is a Motion JPEG AVI; name it with the ending .avi")
    done = hits = visible = 0
    with MotionJpegWriter(out, camera.fps, camera.picture_size) as clip, _TruthFile(truth_path) as truth:
        for jpeg, lines in _in_order(studio, scene, frames, threads or min(os.cpu_count() or 1, 4)):
            clip.write(jpeg, damaged=not jpeg.endswith(_END_OF_JPEG))
            truth.write(lines)
            done += 1
            hits += len(lines)
            visible += sum(line["added"] >= VISIBLE_DN for line in lines)
            if progress:
                progress(done)
    return FilmSummary(done, hits, visible, out, truth_path)


class _TruthFile:
    """The truth being written, a line a hit; every frame's lines are on disk before the next frame's."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
            raise RecordingError(self._path, f"is cut off ({error.strerror})", "make room and film again") from error

    def write(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        try:
            self._file.write("".join(json.dumps(line) + "\n" for line in lines))
            self._file.flush()
        except OSError as error:
            raise RecordingError(self._path, f"is cut off ({error.strerror})", "make room and film again") from error


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
    studio: Studio, scene: Iterable[NDArray[np.uint8]], frames: int, threads: int
) -> Iterator[tuple[bytes, list[dict[str, Any]]]]:
    """Make frames on several threads, a few ahead, and yield them in order."""
    size = (studio.camera.height, studio.camera.width, 3)
    source = iter(scene)
    with _one_thread_in_opencv(), ThreadPoolExecutor(threads) as pool:
        waiting: deque[Any] = deque()
        try:
            for number in range(frames):
                picture = next(source, None)
                if picture is None:
                    raise SensorError(f"the scene ends after {number} of {frames} frames; give a longer one")
                if picture.shape != size:
                    found = "×".join(str(side) for side in picture.shape)
                    raise SensorError(f"frame {number} of the scene has the shape {found}, the camera {size[:2]}")
                waiting.append(pool.submit(studio.shoot, number, picture))
                if len(waiting) > threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for task in waiting:
                task.cancel()
