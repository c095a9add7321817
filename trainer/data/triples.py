"""Three frames in a row of a window of a scene, generated or footage, as levels before the camera."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.scenes.footage import read_run
from trainer.scenes.generated import generate_scene

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.scenes.footage import Footage
    from trainer.scenes.generated import GeneratedScene
    from trainer.scenes.splits import Split

RUN_FRAMES = 9
CUT_SHARE = 0.03
TILED_SHARE = 0.12
SOFT_SHARE = 0.5
MIN_SCALE, USUAL_SCALE, CLOSE_UP_SCALE = 0.6, 2.6, 5.0
"""Least scale of footage, and the greatest of usual windows and of close-ups, in which a car fills the picture."""
CLOSE_UP_SHARE = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class SceneTriple:
    """Previous, current and next view of a scene, without noise.

    Attributes
    ----------
    scene : str
        Name of the scene: what splits are made by.
    recording : str
        The recording it was read from; "generated" without one.
    levels : tuple of three float32 arrays, shape (h, w, 3)
        sRGB levels 0..255 (lamps of generated scenes above), blue first.
    trait : str
        "plain", "cut" (the clip jumps within the three frames) or "tiled" (two scenes side by side).

    """

    scene: str
    recording: str
    levels: tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]] = field(repr=False)
    trait: str = "plain"


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    footage: Footage
    frames: list[NDArray[np.uint8]] = field(repr=False)


class SceneSource:
    """The scenes of one shard: a few generated ones and a few short runs of footage, drawn from again and again."""

    def __init__(
        self,
        rng: Generator,
        split: Split,
        seeds: Sequence[int],
        recordings: Sequence[Footage],
        size: int,
        *,
        footage_share: float,
        runs: int = 4,
    ) -> None:
        self._size = size
        self._share = footage_share if recordings else 0.0
        self._scenes = [_scene(seed, split, size, rng) for seed in seeds]
        self._runs = [_run(rng, recordings) for _ in range(runs)] if self._share > 0 else []

    def draw(self, rng: Generator) -> SceneTriple:
        """Draw three frames of a window of some scene."""
        if self._runs and rng.random() < self._share:
            return self._from_footage(rng)
        scene = self._scenes[int(rng.integers(len(self._scenes)))]
        return self._from_scene(scene, rng)

    def _from_scene(self, scene: GeneratedScene, rng: Generator) -> SceneTriple:
        step = float(rng.choice([0.5, 1.0, 1.0, 2.0, 2.5]))  # 2 to 2.5: what 10 or 12.5 frames a second show
        t = float(rng.integers(0, 400))
        views = [scene.levels(t + k * step)[: self._size, : self._size] for k in (-1, 0, 1)]
        if rng.random() < SOFT_SHARE:
            sigma = float(rng.uniform(0.4, 1.4))
            views = [cv2.GaussianBlur(view, (0, 0), sigma) for view in views]
        trait = "plain"
        if rng.random() < CUT_SHARE:
            views[int(rng.choice([0, 2]))] = scene.levels(t + 150)[: self._size, : self._size]
            trait = "cut"
        return SceneTriple(scene.name, "generated", (views[0], views[1], views[2]), trait)

    def _from_footage(self, rng: Generator) -> SceneTriple:
        run = self._runs[int(rng.integers(len(self._runs)))]
        views, trait = self._window(run, rng), "plain"
        if rng.random() < CUT_SHARE:
            other = self._window(self._runs[int(rng.integers(len(self._runs)))], rng)
            views[int(rng.choice([0, 2]))] = other[1]
            trait = "cut"
        elif rng.random() < TILED_SHARE:
            other = self._window(self._runs[int(rng.integers(len(self._runs)))], rng)
            edge = int(rng.integers(self._size // 4, 3 * self._size // 4))
            for view, beside in zip(views, other, strict=True):
                if edge % 2:
                    view[:edge] = beside[:edge]
                else:
                    view[:, :edge] = beside[:, :edge]
            trait = "tiled"
        return SceneTriple(run.footage.scene, run.footage.path.name, (views[0], views[1], views[2]), trait)

    def _window(self, run: _Run, rng: Generator) -> list[NDArray[np.float32]]:
        """Cut a window from three frames in a row."""
        middle = int(rng.integers(1, len(run.frames) - 1))
        max_scale = CLOSE_UP_SCALE if rng.random() < CLOSE_UP_SHARE else USUAL_SCALE
        scale = float(np.exp(rng.uniform(np.log(MIN_SCALE), np.log(max_scale))))
        return cut_window(run.frames[middle - 1 : middle + 2], self._size, scale, rng)


def cut_window(
    frames: Sequence[NDArray[np.uint8]], size: int, scale: float, rng: Generator
) -> list[NDArray[np.float32]]:
    """Cut a window from frames in a row, where it moves more often than not, scaled, mirrored, relit.

    A recording that is smaller than the window goes on as its mirror image: enlarged instead, it would never be as
    sharp as its camera shows it.

    Parameters
    ----------
    frames : sequence of uint8 arrays, shape (height, width, 3)
    size : int
        Side of the window, pixels.
    scale : float
        Size of the picture that is shown for that of the recording.
    rng : Generator

    Returns
    -------
    list of float32 arrays, shape (size, size, 3)
        Levels 0..255.

    """
    height, width = frames[0].shape[:2]
    side = max(round(size / scale), 1)
    wide, high = min(side, width), min(side, height)
    x, y = _moving_place((frames[0], frames[-1]), wide, high, rng)
    scaled = tuple(size if part == side else min(round(part * scale), size) for part in (wide, high))
    how = cv2.INTER_CUBIC if side < size else cv2.INTER_AREA
    views = [
        _mirrored(cv2.resize(frame[y : y + high, x : x + wide], scaled, interpolation=how), size) for frame in frames
    ]
    if rng.random() < 0.5:
        views = [view[:, ::-1] for view in views]
    if rng.random() < 0.2:
        views = [view[::-1] for view in views]
    gain = float(np.exp(rng.uniform(np.log(0.4), np.log(1.3)))) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    return [np.ascontiguousarray(np.clip(view * gain, 0, 255)) for view in views]


def _scene(seed: int, split: Split, size: int, rng: Generator) -> GeneratedScene:
    crowd = float(np.exp(rng.uniform(np.log(0.3), np.log(2.5))))
    return generate_scene(seed, split, (size, size), crowd=crowd, speed_scale=float(rng.uniform(0.5, 1.5)))


def draw_footage(recordings: Sequence[Footage], rng: Generator) -> Footage:
    """Draw a recording by the root of its length."""
    weights = np.sqrt([footage.frames for footage in recordings])
    return recordings[int(rng.choice(len(recordings), p=weights / weights.sum()))]


def _run(rng: Generator, recordings: Sequence[Footage]) -> _Run:
    """Read a run of frames from a drawn recording, every frame or fewer a second."""
    footage = draw_footage(recordings, rng)
    for stride in (int(rng.choice([1, 1, 2, 3, 4])), 1):
        count = min(RUN_FRAMES, (footage.frames - 1) // stride + 1)
        last = footage.frames - 1 - (count - 1) * stride
        if count < 3:
            continue
        frames = read_run(footage, int(rng.integers(0, last + 1)), count, stride)
        if len(frames) >= 3:
            return _Run(footage, frames)
    return _Run(footage, read_run(footage, 0, footage.frames))


def _mirrored(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return a picture (h, w, 3) as size × size, continued by its mirror images to the right and below."""
    height, width = picture.shape[:2]
    beyond = ((0, size - height), (0, size - width), (0, 0))
    return np.pad(picture, beyond, mode="symmetric").astype(np.float32)


def _moving_place(
    ends: tuple[NDArray[np.uint8], NDArray[np.uint8]], wide: int, high: int, rng: Generator
) -> tuple[int, int]:
    """Choose among five random windows, three times in four the one that differs most between the two frames."""
    height, width = ends[0].shape[:2]
    xs, ys = rng.integers(0, width - wide + 1, 5), rng.integers(0, height - high + 1, 5)
    if rng.random() < 1 / 4:
        return int(xs[0]), int(ys[0])
    moved = cv2.absdiff(*ends)
    sums = cv2.integral(cv2.cvtColor(moved, cv2.COLOR_BGR2GRAY))
    motion = sums[ys + high, xs + wide] - sums[ys, xs + wide] - sums[ys + high, xs] + sums[ys, xs]
    best = int(np.argmax(motion))
    return int(xs[best]), int(ys[best])
