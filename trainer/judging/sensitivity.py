"""Sensitivity by brightness: the share of a source's hits that a bundle finds on ground from black to white."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.detector import Detector
from edge.detect.manifest import Sensitivity
from edge.statistics import wilson_interval
from trainer.errors import SensorError
from trainer.filming.events import film_events
from trainer.filming.frames import simulated_frames
from trainer.judging.frame_scores import score_frames
from trainer.judging.lighting import relighting
from trainer.scenes.generated import generate_scene
from trainer.sensor.radiation import Field, hit_rate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit
    from trainer.sensor.camera import Camera
    from trainer.sensor.photons import Spectrum

MEDIANS_DN = (12, 25, 45, 70, 95, 115, 135, 155, 170, 185, 195, 205, 215, 225)
"""Median grey of each scene; it holds darker and brighter ground as well."""
EDGES_DN = (0, 12, 24, 40, 60, 85, 110, 135, 155, 175, 190, 205, 220, 235, 250)
HITS_A_FRAME = 8.0
MIN_HITS = 60
"""Ground of one brightness with fewer hits is left out of the table."""


@dataclass(frozen=True, slots=True)
class OnGround:
    """Hits on ground of one brightness.

    Attributes
    ----------
    ground_dn : float
        Mean grey of the blocks that hits fell on.
    hits, found : int
        Hits of the source there, and how many of them were reported.
    share, share_interval : float, (float, float)
        found / hits, with its 95 % interval.

    """

    ground_dn: float
    hits: int
    found: int
    share: float
    share_interval: tuple[float, float]


def measure_sensitivity(
    bundle: Bundle,
    camera: Camera,
    spectrum: Spectrum,
    *,
    frames: int = 150,
    seed: int = 1,
    cache: Path | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[OnGround]:
    """Measure which share of a source's hits the detector finds, by the brightness of the ground.

    Generated scenes in which nothing moves are filmed from dark to bright. They have the textures of the validation
    split, because hits on flat ground are found more easily than on real ground.

    Parameters
    ----------
    bundle : Bundle
    camera : Camera
    spectrum : Spectrum
        Spectrum of the source. Its strength does not matter.
    frames : int
        Number of frames of each scene.
    seed : int
    cache : Path or None
        Folder of the hit library; None for the user's cache.
    progress : callable
        Called with the number of scenes done.

    Returns
    -------
    list of OnGround
        The darkest first. Brightnesses on which fewer than MIN_HITS hits fell are left out.

    Raises
    ------
    SensorError
        The source makes no hits in this camera.

    """
    rate_hz, _ = hit_rate(camera, Field(spectrum, 1.0), cache)
    if not rate_hz:
        raise SensorError(f"{spectrum.name} makes no hits in this camera; choose another source")
    field = Field(spectrum, HITS_A_FRAME * camera.fps / (rate_hz * camera.duty))
    ground_parts, found_parts = [], []
    for done, median_dn in enumerate(MEDIANS_DN, start=1):
        own = seed * 1000 + done
        scene = generate_scene(own, "validation", (camera.width, camera.height), crowd=0.0)
        picture = np.rint(scene.levels(0)).astype(np.uint8)
        lit = relighting(picture, median_dn)[picture]
        events = film_events(camera, [field], frames / camera.fps, own, background=False, cache=cache)
        truth: dict[int, list[TrueHit]] = {}
        shown = simulated_frames(camera, repeat(lit, frames), events, truth, seed=own)
        scores = score_frames(shown, Detector(bundle), truth)
        ground_parts.append(scores.ground_dn)
        found_parts.append(scores.reported)
        progress(done)
    return _by_ground(np.concatenate(ground_parts), np.concatenate(found_parts))


def _by_ground(ground_dn: NDArray[np.int64], found: NDArray[np.bool_]) -> list[OnGround]:
    rows = []
    for low, high in pairwise(EDGES_DN):
        inside = (ground_dn >= low) & (ground_dn < high)
        hits, right = int(inside.sum()), int(found[inside].sum())
        if hits >= MIN_HITS:
            interval = wilson_interval(right, hits)
            rows.append(OnGround(round(float(ground_dn[inside].mean()), 1), hits, right, right / hits, interval))
    return rows


def as_table(rows: list[OnGround], measured: dict[str, object]) -> Sensitivity:
    """Return the table for the bundle's manifest: each share over the greatest.

    Raises
    ------
    SensorError
        Too few brightnesses for a table, or no hit found on any.

    """
    best = max((row.share for row in rows), default=0.0)
    if not best or len(rows) < 2:
        raise SensorError(
            f"no table can be made: {len(rows)} brightnesses have enough hits, of which at most {best:.0%} are found; "
            "give more frames, or a source that makes brighter hits in this camera"
        )
    return Sensitivity(
        ground_dn=tuple(row.ground_dn for row in rows),
        relative=tuple(round(row.share / best, 3) for row in rows),
        measured=measured,
    )
