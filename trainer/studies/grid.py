"""A seeded grid of small equal hits over every block and border of a still noisy scene, through the whole cascade."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.frame import Frame, Triple
from edge.capture.jpeg import decode_grey
from edge.config.device import DetectionSettings
from edge.detect.detector import Detector
from edge.detect.fast_path import find_candidates
from edge.detect.networks import Screen
from edge.detect.noise_map import noise_of_pair
from edge.detect.view import View
from edge.statistics import wilson_interval
from trainer.scenes.generated import generate_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle

    Places = list[tuple[int, int]]

ADDED_DN = 30
SIDE = 3
BLOCK = 8
_REACH_PX = 2
_CEILING_DN = 225
"""On ground above it there is no room for 30 grey levels."""
_BUDGET = 1000
_BEGINNING = datetime(2026, 1, 1, tzinfo=timezone.utc)
_NOISE_DN, _SHOT_DN = 2.0, 0.02


@dataclass(frozen=True, slots=True)
class GridFound:
    """What was found of the grid at one JPEG quality.

    Attributes
    ----------
    quality : int
    hits, proposed, screened, found : int
        Hits on ground with room for them; those among the fast path's candidates; those that pass the screen, too;
        those reported.
    share, share_interval : float, (float, float)
        found / hits, with its 95 % interval.
    false_hits, unclassified : int

    """

    quality: int
    hits: int
    proposed: int
    screened: int
    found: int
    share: float
    share_interval: tuple[float, float]
    false_hits: int
    unclassified: int


def find_grid(
    bundle: Bundle,
    size: tuple[int, int],
    qualities: Sequence[int] = (85, 95),
    *,
    pitch: int = 12,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> list[GridFound]:
    """Put a 3×3 hit of +30 grey levels into every JPEG block of a still scene, each once, and count what is found.

    Hits of one picture stand `pitch` blocks apart, and along the borders against them, corners included; pitch²
    pictures cover all blocks. The scene is textured ground without actors; noise of each frame and pixel as of
    `composite.py`: variance 4 + 0.02 × grey.

    Parameters
    ----------
    bundle : Bundle
    size : (int, int)
    qualities : sequence of int
    pitch : int
        The budget of crops is lifted; a smaller pitch crowds the picture.
    seed : int
        Of scene, noise, and the place of a hit within its block.
    progress : callable
        Told the number of pictures done.

    """
    scene = generate_scene(seed, "test", size, crowd=0.0).levels(0)
    made = []
    done = 0
    for quality in qualities:
        rng = np.random.default_rng([seed, quality])
        detector = Detector(bundle, DetectionSettings(max_crops_per_frame=_BUDGET))
        screen = Screen(bundle)
        hits = proposed = screened = found = false = unclassified = 0
        for number, places in enumerate(_pictures(size, pitch, rng)):
            triple = _triple(scene, places, quality, number, rng)
            room = [place for place in places if _has_room(scene, place)]
            greys = (triple.previous.grey, triple.current.grey, triple.following.grey)
            rules = bundle.manifest.candidates
            offered = find_candidates(greys, rules, noise_of_pair(greys[0], greys[2], rules)).candidates
            detection = detector.detect(triple)
            at = [(one.x, one.y) for one in detection.hits]
            hits += len(room)
            proposed += len(_near(room, [(one.x, one.y) for one in offered]))
            passed = screen.sift(View(triple.current, greys), offered).candidates
            screened += len(_near(room, [(one.x, one.y) for one in passed]))
            found += len(_near(room, at))
            false += len(at) - len(_near(at, [(x + 1, y + 1) for x, y in places], shift=0))
            unclassified += detection.unclassified
            done += 1
            progress(done)
        made.append(
            GridFound(
                quality=quality,
                hits=hits,
                proposed=proposed,
                screened=screened,
                found=found,
                share=found / hits,
                share_interval=wilson_interval(found, hits),
                false_hits=false,
                unclassified=unclassified,
            )
        )
    return made


def _pictures(size: tuple[int, int], pitch: int, rng: Generator) -> Iterator[Places]:
    """Give the places (upper left pixels) of each picture: pitch² of them hold every block once."""
    width, height = size
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    for down in range(pitch):
        for right in range(pitch):
            places = []
            for row in range(down, rows, pitch):
                for column in range(right, columns, pitch):
                    x, y = (int(start) * BLOCK + int(rng.integers(BLOCK)) for start in (column, row))
                    # Against the border in its blocks: the first and last ones.
                    x = 0 if column == 0 else width - SIDE if column == columns - 1 else min(x, width - SIDE)
                    y = 0 if row == 0 else height - SIDE if row == rows - 1 else min(y, height - SIDE)
                    places.append((x, y))
            yield places


def _triple(scene: NDArray[np.float32], places: Places, quality: int, number: int, rng: Generator) -> Triple:
    frames = []
    for i in range(3):
        levels = scene.copy()
        if i == 1:
            for x, y in places:
                levels[y : y + SIDE, x : x + SIDE] += ADDED_DN
        sigma = np.sqrt(_NOISE_DN**2 + _SHOT_DN * np.clip(levels, 0, 255))
        common = rng.standard_normal((*levels.shape[:2], 1), np.float32)
        noise = common + rng.standard_normal(levels.shape, np.float32) / 2
        picture = np.clip(np.rint(levels + sigma * noise), 0, 255).astype(np.uint8)
        jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
        sequence = 4 * number + i
        time_s = sequence / 25
        frames.append(Frame(sequence, time_s, _BEGINNING + timedelta(seconds=time_s), decode_grey(jpeg), jpeg=jpeg))
    return Triple(*frames)


def _has_room(scene: NDArray[np.float32], place: tuple[int, int]) -> bool:
    x, y = place
    return float(scene[y : y + SIDE, x : x + SIDE].max()) < _CEILING_DN


def _near(places: Sequence[tuple[int, int]], seen: Sequence[tuple[int, int]], shift: int = 1) -> Places:
    """Give the places whose middle has something seen within reach."""
    if not seen:
        return []
    points = np.asarray(seen)
    return [(x, y) for x, y in places if bool((np.abs(points - (x + shift, y + shift)).max(axis=1) <= _REACH_PX).any())]
