"""A grid of small equal hits over every JPEG block and border of a still noisy scene, and what each stage finds."""

from __future__ import annotations

from collections import Counter
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
class GridCounts:
    """The hits of the grid that were found at one JPEG quality.

    Attributes
    ----------
    quality : int
    hits, proposed, screened, found : int
        Hits on ground with room for them; those among the candidates of the fast path; those that the screen passes,
        too; those that the detector reports.
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
) -> list[GridCounts]:
    """Put a 3×3 hit of +30 grey levels into every JPEG block of a still scene, each once, and count what is found.

    The hits of one picture stand `pitch` blocks apart, so pitch² pictures cover all blocks. In the blocks at the border
    they touch the border, in those at the corners the corner. The scene is textured ground without actors. Each pixel
    of each frame has noise of variance 4 + 0.02 × grey.

    Parameters
    ----------
    bundle : Bundle
    size : (int, int)
    qualities : sequence of int
        JPEG qualities to try.
    pitch : int
        The smaller, the more crowded the picture; the budget of crops in a frame is lifted.
    seed : int
        Seed of the scene, the noise, and the place of a hit within its block.
    progress : callable
        Called with the number of pictures done.

    Returns
    -------
    list of GridCounts
        The counts, in the order of `qualities`.

    """
    scene = generate_scene(seed, "test", size, crowd=0.0).levels(0)
    rows: list[GridCounts] = []
    for quality in qualities:
        rng = np.random.default_rng([seed, quality])
        cascade = _Cascade(bundle)
        total: Counter[str] = Counter()
        for number, places in enumerate(_pictures(size, pitch, rng)):
            room = [place for place in places if _has_room(scene, place)]
            total.update(cascade.count(_triple(scene, places, quality, number, rng), places, room))
            progress(len(rows) * pitch**2 + number + 1)
        share, interval = total["found"] / total["hits"], wilson_interval(total["found"], total["hits"])
        rows.append(GridCounts(quality, **total, share=share, share_interval=interval))
    return rows


class _Cascade:
    """The detector, and beside it the fast path and the screen alone."""

    def __init__(self, bundle: Bundle) -> None:
        self._detector = Detector(bundle, DetectionSettings(max_crops_per_frame=_BUDGET))
        self._screen = Screen(bundle)
        self._rules = bundle.manifest.candidates

    def count(self, triple: Triple, places: Places, room: Places) -> dict[str, int]:
        """Count the hits at `room` that each stage finds, and the false hits that are at none of `places`."""
        greys = (triple.previous.grey, triple.current.grey, triple.following.grey)
        noise = noise_of_pair(greys[0], greys[2], self._rules)
        candidates = find_candidates(greys, self._rules, noise).candidates
        passed = self._screen.sift(View(triple.current, greys), candidates).candidates
        detection = self._detector.detect(triple)
        hits = [(hit.x, hit.y) for hit in detection.hits]
        return {
            "hits": len(room),
            "proposed": len(_near(room, [(candidate.x, candidate.y) for candidate in candidates])),
            "screened": len(_near(room, [(candidate.x, candidate.y) for candidate in passed])),
            "found": len(_near(room, hits)),
            "false_hits": len(hits) - len(_near(hits, [(x + 1, y + 1) for x, y in places], shift=0)),
            "unclassified": detection.unclassified,
        }


def _pictures(size: tuple[int, int], pitch: int, rng: Generator) -> Iterator[Places]:
    """Yield the places (upper left pixels) of each picture; in pitch² pictures every block comes once."""
    width, height = size
    columns, rows = -(-width // BLOCK), -(-height // BLOCK)
    for down in range(pitch):
        for right in range(pitch):
            places = []
            for row in range(down, rows, pitch):
                for column in range(right, columns, pitch):
                    x, y = (int(start) * BLOCK + int(rng.integers(BLOCK)) for start in (column, row))
                    # In the first and last blocks they touch the border.
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


def _near(places: Sequence[tuple[int, int]], spots: Sequence[tuple[int, int]], shift: int = 1) -> Places:
    """Return the places whose middle, `shift` pixels inwards, is near a spot."""
    if not spots:
        return []
    points = np.asarray(spots)
    return [(x, y) for x, y in places if bool((np.abs(points - (x + shift, y + shift)).max(axis=1) <= _REACH_PX).any())]
