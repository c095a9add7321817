"""Places of set B: recordings and generated scenes at three spans of time, and windows of them where people are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from trainer.errors import DatasetError
from trainer.scenes import actors
from trainer.scenes.footage import read_run, require_footage
from trainer.scenes.generated import GeneratedScene, generate_scene
from trainer.scenes.textures import available_pictures

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.scenes.footage import Footage
    from trainer.scenes.splits import Split

    Views = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]

TIMES: dict[Split, tuple[float, float]] = {"train": (0.0, 0.6), "validation": (0.63, 0.77), "test": (0.8, 1.0)}
"""Part of a place's time that each split sees; what lies between is left out."""
MIN_FRAMES = 40
"""A shorter recording has no other times."""
GENERATED_FRAMES = 1500
_SCENE_SIZE = (640, 480)
_WALKERS = (3, 7)
_MOVED_DN = 12
_MOVED_SHARE = 0.01  # of a window's pixels, at least, have to move: there somebody is
_TRIED = 12
_RUNS = 6  # runs of a recording that are tried for something that moves
_RUN_FRAMES = 7


class Place(Protocol):
    """A place that cameras look at."""

    @property
    def name(self) -> str:
        """Name of the place, unique among all."""
        ...

    def windows(self, rng: Generator, split: Split, side: int, count: int) -> list[Views]:
        """Return up to `count` windows at a time of the split, each as previous, current and next view.

        All lie where people are. They are uint8 arrays of shape (side, side, 3), blue first. None are returned where
        nobody is in sight.
        """
        ...


@dataclass(frozen=True, slots=True)
class RecordedPlace:
    """A recording of a fixed camera; people are where something moves."""

    footage: Footage

    @property
    def name(self) -> str:
        """Name of the recording."""
        return self.footage.scene

    def windows(self, rng: Generator, split: Split, side: int, count: int) -> list[Views]:
        """Return windows of three frames in a row; see `Place`."""
        low, high = (round(share * self.footage.frames) for share in TIMES[split])
        for _ in range(_RUNS):
            start = int(rng.integers(low, max(high - _RUN_FRAMES, low) + 1))
            frames = read_run(self.footage, start, min(_RUN_FRAMES, high - start))
            if len(frames) < 3:
                continue
            middle = int(rng.integers(1, len(frames) - 1))
            views = _at_least(frames[middle - 1 : middle + 2], side)
            moved = _moved(_at_least([frames[0], frames[-1]], side))
            found = [_busiest(moved, side, rng) for _ in range(count)]
            cut = [(views[0][window], views[1][window], views[2][window]) for window in found if window is not None]
            if cut:
                return cut
        return []


@dataclass(frozen=True, slots=True)
class GeneratedPlace:
    """A generated scene through which people walk."""

    seed: int
    textures: Split

    @property
    def name(self) -> str:
        """Name of the scene."""
        return f"people-{self.textures}-{self.seed}"

    def windows(self, rng: Generator, split: Split, side: int, count: int) -> list[Views]:
        """Return windows around people who walk; see `Place`."""
        scene = _people(self.seed, self.textures)
        low, high = (share * GENERATED_FRAMES for share in TIMES[split])
        for _ in range(_RUNS):
            t = float(rng.uniform(low + 1, high - 1))
            middles = [actor.path.at(t) for actor in scene.cast if isinstance(actor, actors.Walker)]
            width, height = _SCENE_SIZE
            near = [(x, y) for x, y in middles if 0 < x < width and 0 < y < height]
            if near:
                break
        else:
            return []
        views = _at_least([scene.picture(t + k) for k in (-1, 0, 1)], side)
        cut = []
        for _ in range(count):
            x, y = near[int(rng.integers(len(near)))]
            left, top = (
                int(np.clip(place - side * float(rng.uniform(0.3, 0.7)), 0, limit - side))
                for place, limit in ((x, views[0].shape[1]), (y, views[0].shape[0]))
            )
            window = np.s_[top : top + side, left : left + side]
            cut.append((views[0][window], views[1][window], views[2][window]))
        return cut


@lru_cache(maxsize=64)
def _people(seed: int, textures: Split) -> GeneratedScene:
    """Return a generated place with people of several sizes instead of its own actors."""
    empty = generate_scene(seed, textures, _SCENE_SIZE, crowd=0.0)
    rng = np.random.default_rng([0xB, seed])
    pictures = available_pictures(textures)
    cast = tuple(actors.walker(rng, _SCENE_SIZE, 1.0, pictures) for _ in range(int(rng.integers(*_WALKERS))))
    return GeneratedScene(empty.name, empty.background, cast, empty.shutter)


def places_of(
    scenes: Sequence[Path],
    generated: int,
    textures: Split,
    warn: Callable[[str], object] = lambda _: None,
    *,
    first_seed: int = 0,
) -> tuple[Place, ...]:
    """Return the places of recordings, people first, and generated ones.

    Raises
    ------
    DatasetError
        Recordings were named and nothing moves in any of them, or none can be read.

    """
    recorded: list[Place] = []
    for footage in require_footage(scenes, warn) if scenes else []:
        if footage.frames < MIN_FRAMES:
            warn(f"{footage.path}: not used: it has {footage.frames} frames, {MIN_FRAMES} are needed")
        elif not _has_people(RecordedPlace(footage)):
            warn(f"{footage.path}: not used: nobody moves in it")
        else:
            recorded.append(RecordedPlace(footage))
    if scenes and not recorded:
        raise DatasetError(scenes[0], "no footage with people: nothing moves in it", "name recordings with people")
    made = [GeneratedPlace(first_seed + number, textures) for number in range(generated)]
    return (*recorded, *made)


def _has_people(place: RecordedPlace) -> bool:
    rng = np.random.default_rng(1)
    side = min(256, place.footage.width // 2 * 2, place.footage.height // 2 * 2)
    return all(place.windows(rng, split, side, 1) for split in TIMES)


def _at_least(frames: Sequence[NDArray[np.uint8]], side: int) -> list[NDArray[np.uint8]]:
    """Scale frames up where a window of this side does not fit into them."""
    height, width = frames[0].shape[:2]
    if min(height, width) >= side:
        return list(frames)
    scale = side / min(height, width)
    size = max(round(width * scale), side), max(round(height * scale), side)
    return [cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames]


def _moved(frames: Sequence[NDArray[np.uint8]]) -> NDArray[np.int32]:
    """Return the integral picture of the pixels that differ between the first and the last frame."""
    first, last = (cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY) for frame in (frames[0], frames[-1]))
    moved = cv2.medianBlur(cv2.absdiff(first, last), 5) > _MOVED_DN
    integral: NDArray[np.int32] = cv2.integral(moved.astype(np.uint8))
    return integral


def _busiest(moved: NDArray[np.int32], side: int, rng: Generator) -> tuple[slice, slice] | None:
    """Return the busiest of some windows drawn at random, or None where nothing moves in it."""
    height, width = (extent - 1 for extent in moved.shape)
    ys, xs = rng.integers(0, height - side + 1, _TRIED), rng.integers(0, width - side + 1, _TRIED)
    sums = moved[ys + side, xs + side] - moved[ys, xs + side] - moved[ys + side, xs] + moved[ys, xs]
    best = int(np.argmax(sums))
    if sums[best] < _MOVED_SHARE * side**2:
        return None
    y, x = int(ys[best]), int(xs[best])
    return slice(y, y + side), slice(x, x + side)
