"""The same source over a still, a busy and a bright scene: hits per live second, without and with sensitivity."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count, islice, repeat
from typing import TYPE_CHECKING, Protocol

from edge.detect.detector import Detector
from trainer.errors import SensorError
from trainer.filming.events import film_events
from trainer.filming.frames import simulated_frames
from trainer.judging.frame_scores import score_frames
from trainer.judging.lighting import median_grey_dn, relighting
from trainer.scenes.film_scene import GENERATED, scene_frames
from trainer.scenes.generated import generate_scene

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from edge.detect.manifest import Bundle
    from edge.truth import TrueHit
    from trainer.judging.frame_scores import FrameScores
    from trainer.sensor.camera import Camera
    from trainer.sensor.radiation import Field

BRIGHT_DN = 185.0
"""Median grey of the bright scenes."""
CROWD = 2.5
"""Number of actors in the generated busy scene, as a multiple of the mean in training scenes."""


class Scene(Protocol):
    """A function that plays a scene from its beginning."""

    def __call__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield frames without end, uint8 (height, width, 3)."""


@dataclass(frozen=True, slots=True)
class SceneRate:
    """Hits of the source over one scene, and their rate.

    Attributes
    ----------
    scene : str
    frames : int
    median_dn : float
        Median grey of its first picture.
    live_fraction, sensitivity : float
        Means over the frames.
    live_hits, live_true_hits : int
        Hits on live ground; those of them that come from the source.
    plain_hz, corrected_hz : float
        live_true_hits per exposure × live fraction, and per live second, which takes sensitivity into account.
    plain_ratio, corrected_ratio : float
        Each of them over that of the first scene.
    ratio_error : float
        Standard error of the ratios from the counts alone. It is an upper bound, because the hits are the same ones.
    false_hz : float
        Hits on live ground that match no true hit, per live second: the background of the detector in this scene.

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
    """Film the same hits over four scenes and return the rate that the detector measures in each.

    Parameters
    ----------
    bundle : Bundle
    camera : Camera
    field : Field
        Radiation field of the source.
    spec : str
        "generated", or a video: see `scenes_of`.
    frames : int
        Number of frames of each scene.
    seed : int
    progress : callable
        Called with the number of scenes done.

    Raises
    ------
    SensorError
        A scene without a hit on live ground.

    """
    events = film_events(camera, [field], frames / camera.fps, seed, background=False)
    rows: list[SceneRate] = []
    for done, (name, scene) in enumerate(scenes_of(spec, (camera.width, camera.height), seed).items(), start=1):
        truth: dict[int, list[TrueHit]] = {}
        shown = simulated_frames(camera, islice(scene(), frames), events, truth, seed=seed)
        scores = score_frames(shown, Detector(bundle), truth)
        if not scores.live_true_hits.sum() or not scores.live_s:
            raise SensorError(f"scene {name}: no hit on live ground; give a stronger source or another scene")
        rows.append(_rate_of(name, median_grey_dn(next(scene())), scores, rows[0] if rows else None))
        progress(done)
    return rows


def _rate_of(name: str, median_dn: float, scores: FrameScores, first: SceneRate | None) -> SceneRate:
    live_hits, hits = int(scores.live_hits.sum()), int(scores.live_true_hits.sum())
    plain, corrected = hits / scores.live_ground_s, hits / scores.live_s
    corrected_ratio = corrected / first.corrected_hz if first else 1.0
    return SceneRate(
        scene=name,
        frames=scores.frames,
        median_dn=median_dn,
        live_fraction=float(scores.live_fraction.mean()),
        sensitivity=float(scores.sensitivity.mean()),
        live_hits=live_hits,
        live_true_hits=hits,
        plain_hz=plain,
        corrected_hz=corrected,
        plain_ratio=plain / first.plain_hz if first else 1.0,
        corrected_ratio=corrected_ratio,
        ratio_error=corrected_ratio * (1 / hits + 1 / first.live_true_hits) ** 0.5 if first else 0.0,
        false_hz=(live_hits - hits) / scores.live_s,
    )


def scenes_of(spec: str, size: tuple[int, int], seed: int) -> dict[str, Scene]:
    """Return four scenes of one place: still, busy, and both of them lit to a bright median.

    Parameters
    ----------
    spec : str
        "generated", for ground with the test textures and many actors; or a video with something moving in it, whose
        first frame is the still scene.
    size : (int, int)
    seed : int

    """
    moving: Scene
    if spec == GENERATED:
        made = generate_scene(seed, "test", size, crowd=CROWD)

        def moving() -> Iterator[NDArray[np.uint8]]:
            return map(made.picture, count())

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
