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
from trainer.film.events import film_events
from trainer.judging.lighting import relighting
from trainer.judging.watching import filmed, watch
from trainer.scenes.generated import generate_scene
from trainer.sensor.radiation import Field, hit_rate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit
    from trainer.sensor.camera import Camera
    from trainer.sensor.photons import Spectrum

MEDIANS_DN = (12, 25, 45, 70, 95, 115, 135, 155, 170, 185, 195, 205, 215, 225)
"""Median grey of the scenes; each holds darker and brighter ground as well."""
EDGES_DN = (0, 12, 24, 40, 60, 85, 110, 135, 155, 175, 190, 205, 220, 235, 250)
HITS_A_FRAME = 8.0
MIN_HITS = 60
"""Fewer on ground of one brightness say too little."""


@dataclass(frozen=True, slots=True)
class OnGround:
    """What was found on ground of one brightness.

    Attributes
    ----------
    ground_dn : float
        Mean grey of the blocks that hits fell on.
    hits, found : int
        Hits of the source there, and those reported.
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
    """Film still generated scenes under weak to strong light and sort what the whole detector finds by the ground.

    The scenes have the textures that networks are validated on; flat ground would show hits better than any real one.

    Parameters
    ----------
    bundle : Bundle
    camera : Camera
    spectrum : Spectrum
        Of the source; how strong it is does not matter.
    frames : int
        Of each scene.
    seed : int
    cache : Path or None
        Folder of the hit library, where not the user's cache.
    progress : callable
        Told the number of scenes done.

    Returns
    -------
    list of OnGround
        The darkest first; brightnesses that too few hits fell on are left out.

    """
    rate_hz, _ = hit_rate(camera, Field(spectrum, 1.0), cache)
    if not rate_hz:
        raise SensorError(f"{spectrum.name} makes no hits in this camera; choose another source")
    field = Field(spectrum, HITS_A_FRAME * camera.fps / (rate_hz * camera.duty))
    grounds, reported = [], []
    for done, median_dn in enumerate(MEDIANS_DN, start=1):
        own = seed * 1000 + done
        scene = generate_scene(own, "validation", (camera.width, camera.height), crowd=0.0)
        picture = np.rint(scene.levels(0)).astype(np.uint8)
        lit = relighting(picture, median_dn)[picture]
        events = film_events(camera, [field], frames / camera.fps, own, muons=False, cache=cache)
        truth: dict[int, list[TrueHit]] = {}
        seen = watch(filmed(camera, repeat(lit, frames), events, truth, seed=own), Detector(bundle), truth)
        grounds.append(seen.ground_dn)
        reported.append(seen.reported)
        progress(done)
    ground_dn, found = np.concatenate(grounds), np.concatenate(reported)
    rows = []
    for low, high in pairwise(EDGES_DN):
        here = (ground_dn >= low) & (ground_dn < high)
        hits, right = int(here.sum()), int(found[here].sum())
        if hits >= MIN_HITS:
            interval = wilson_interval(right, hits)
            rows.append(OnGround(round(float(ground_dn[here].mean()), 1), hits, right, right / hits, interval))
    return rows


def as_table(rows: list[OnGround], measured: dict[str, object]) -> Sensitivity:
    """Make the bundle's table: each share over the greatest.

    Raises
    ------
    SensorError
        Too few brightnesses for a table, or nothing found on any.

    """
    best = max((row.share for row in rows), default=0.0)
    if not best or len(rows) < 2:
        raise SensorError(
            f"hits enough for {len(rows)} brightnesses, the best of which shows {best:.0%} of them: no table can be "
            "made; give more frames, or a source that makes brighter hits in this camera"
        )
    return Sensitivity(
        ground_dn=tuple(row.ground_dn for row in rows),
        relative=tuple(round(row.share / best, 3) for row in rows),
        measured=measured,
    )
