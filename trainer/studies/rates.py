"""The same source over a still, a busy and a bright scene: hits per live second, as they come and by brightness."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge.detect.detector import Detector
from trainer.errors import SensorError
from trainer.film.events import film_events
from trainer.judging.lighting import median_grey_dn, relighting
from trainer.judging.watching import filmed, watch
from trainer.scenes.film_scene import GENERATED, scene_frames
from trainer.scenes.generated import generate_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit
    from trainer.sensor.camera import Camera
    from trainer.sensor.radiation import Field

BRIGHT_DN = 185.0
"""Median grey of the bright scenes."""
CROWD = 2.5
"""Actors of the generated busy scene, as a multiple of what training scenes have on the mean."""


class Scene(Protocol):
    """What begins a scene anew: endless frames, uint8 (height, width, 3)."""

    def __call__(self) -> Iterator[NDArray[np.uint8]]:
        """Give its frames."""


@dataclass(frozen=True, slots=True)
class SceneRate:
    """One line: what the same source gave over one scene.

    Attributes
    ----------
    scene : str
    frames : int
    median_dn : float
        Median grey of its first picture.
    live_fraction, sensitivity : float
        Means over the frames.
    live_hits, live_true_hits : int
        Hits on live ground; those of them that are the source's.
    plain_hz, corrected_hz : float
        live_true_hits per exposure × live fraction, and per live second, in which ground counts by its sensitivity.
    plain_ratio, corrected_ratio : float
        Each over that of the first scene.
    ratio_error : float
        Standard error of the ratios from the counts alone; the hits are the same ones, so it is an upper bound.
    false_hz : float
        Hits on live ground that match no true one, per live second: the detector's own background over this scene.

    """

    scene: str
    frames: int
    median_dn: float
    live_fraction: float
    sensitivity: float
    live_hits: int
    live_true_hits: int
    plain_hz: float
    corrected_hz: float
    plain_ratio: float
    corrected_ratio: float
    ratio_error: float
    false_hz: float


def compare_scenes(
    bundle: Bundle,
    camera: Camera,
    field: Field,
    spec: str = GENERATED,
    *,
    frames: int = 300,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> list[SceneRate]:
    """Film the same hits over four scenes and let the detector watch each.

    Parameters
    ----------
    bundle : Bundle
    camera : Camera
    field : Field
        The source.
    spec : str
        "generated", or a video: see `scenes_of`.
    frames : int
        Of each scene.
    seed : int
    progress : callable
        Told the number of scenes done.

    """
    events = film_events(camera, [field], frames / camera.fps, seed, muons=False)
    rows: list[SceneRate] = []
    for done, (name, scene) in enumerate(scenes_of(spec, (camera.width, camera.height), seed).items(), start=1):
        truth: dict[int, list[TrueHit]] = {}
        seen = watch(filmed(camera, islice(scene(), frames), events, truth, seed=seed), Detector(bundle), truth)
        hits = int(seen.live_true_hits.sum())
        if not hits or not seen.live_s:
            raise SensorError(f"scene {name}: no hit on live ground; give a stronger source or another scene")
        plain, corrected = hits / seen.live_ground_s, hits / seen.live_s
        first = rows[0] if rows else None
        rows.append(
            SceneRate(
                scene=name,
                frames=seen.frames,
                median_dn=median_grey_dn(next(scene())),
                live_fraction=float(seen.live_fraction.mean()),
                sensitivity=float(seen.sensitivity.mean()),
                live_hits=int(seen.live_hits.sum()),
                live_true_hits=hits,
                plain_hz=plain,
                corrected_hz=corrected,
                plain_ratio=plain / first.plain_hz if first else 1.0,
                corrected_ratio=corrected / first.corrected_hz if first else 1.0,
                ratio_error=corrected / first.corrected_hz * (1 / hits + 1 / first.live_true_hits) ** 0.5
                if first
                else 0.0,
                false_hz=(int(seen.live_hits.sum()) - hits) / seen.live_s,
            )
        )
        progress(done)
    return rows


def scenes_of(spec: str, size: tuple[int, int], seed: int) -> dict[str, Scene]:
    """Give four scenes of one place: still and busy, and both relit to a bright median.

    Parameters
    ----------
    spec : str
        "generated": textured ground of the test textures with many actors. Or a video with something moving in it,
        whose first frame is the still scene.
    size : (int, int)
    seed : int

    """
    moving: Scene
    if spec == GENERATED:
        made = generate_scene(seed, "test", size, crowd=CROWD)

        def moving() -> Iterator[NDArray[np.uint8]]:
            time = 0
            while True:
                yield np.clip(np.rint(made.levels(time)), 0, 255).astype(np.uint8)
                time += 1

    else:

        def moving() -> Iterator[NDArray[np.uint8]]:
            return scene_frames(spec, size, seed)

    first = next(moving())
    relight = relighting(first, max(BRIGHT_DN, median_grey_dn(first)))
    bright = relight[first]
    return {
        "still": lambda: repeat(first),
        "busy": moving,
        "bright": lambda: repeat(bright),
        "busy and bright": lambda: (relight[picture] for picture in moving()),
    }
