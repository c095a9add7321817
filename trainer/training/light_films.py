"""Films for the network that tells light from ionisation: sources in clear weather and in nuisances, many cameras."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.filming.cameras import random_camera
from trainer.filming.events import film_events
from trainer.filming.film import film, named_when_whole
from trainer.filming.nuisances import make_nuisances
from trainer.scenes.generated import generate_scene
from trainer.sensor.camera import OV2710, change
from trainer.sensor.radiation import nuclide_field

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trainer.sensor.camera import Camera

EXPOSURE_S = 1 / 30
_FPS, _SIZE = 25.0, (640, 480)
_NUCLIDES = ("Tc-99m", "Cs-137", "Co-60", "Am-241", "I-131", "Ir-192")
_WEATHER = ("glints", "snow", "leaves", "rain", "stars")
_HARD_WEATHER = ("snow", "rain", "snow", "glints")
"""Nuisances in which a source is hardest to find."""
_FIRST_HARD = 20
"""Number of the first clip of those, from which its scene, camera and chance are drawn."""
_STRONG_USV_H = (20_000.0, 50_000.0, 120_000.0)
_HIDING = ("snow", "rain")
_WEAK_USV_H, _HIDDEN_USV_H = 12_000.0, 25_000.0
"""Of the source in a nuisance: rain and snow hide most of its hits, but for the hard clips it is weak there, too."""


def film_light_clips(
    out: Path,
    counts: tuple[int, int, int],
    seconds: float,
    *,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Path]:
    """Film the clips that are missing, and return all of them.

    Their names are clear-NUMBER.avi, weather-NUMBER.avi, and hard-NUMBER.avi for the nuisances in which a source is
    hardest to find; `counts` says how many of each.
    """
    out.mkdir(parents=True, exist_ok=True)
    clips = []
    for kind, count in zip(("clear", "weather", "hard"), counts, strict=True):
        for number in range(count):
            clip = out / f"{kind}-{number}.avi"
            if not clip.exists():
                _film_clip(clip, number + (_FIRST_HARD if kind == "hard" else 0), seconds, kind, threads)
            clips.append(clip)
            progress(len(clips))
    return clips


def camera_of(number: int, *, weather: bool) -> Camera:
    """Return the camera of a clip: every third one is an OV2710, in weather every second one; the others are drawn."""
    if weather and number % 2 == 0:
        return _timed(OV2710, *_SIZE)
    rng = np.random.default_rng([number, 77])
    if number % 3 == 0:
        camera = change(
            OV2710,
            gain=float(rng.choice([1.0, 2.0, 4.0, 6.0])),
            jpeg_quality=int(rng.choice([80, 90, 95])),
            defect_correction=bool(rng.random() < 0.6),
        )
    else:
        camera = random_camera(rng, _SIZE[1])
        if rng.random() < 0.3:
            camera = change(camera, chroma_422=True)
    if number % 7 == 5:
        return change(_timed(camera, 2 * _SIZE[0], 2 * _SIZE[1]), scale_down=2)
    return _timed(camera, *_SIZE)


def _timed(camera: Camera, width: int, height: int) -> Camera:
    return change(camera, width=width, height=height, fps=_FPS, exposure_s=EXPOSURE_S, readout_s=EXPOSURE_S)


def _film_clip(clip: Path, number: int, seconds: float, kind: str, threads: int | None) -> None:
    camera = camera_of(number, weather=kind != "clear")
    frames = round(seconds * _FPS)
    rng = np.random.default_rng([number, 78])
    nuisances: list[str] = []
    if kind != "clear":
        kinds = _HARD_WEATHER if kind == "hard" else _WEATHER
        nuisances = [kinds[number % len(kinds)]]
        nuclide = "Tc-99m" if number % 3 else _NUCLIDES[number % len(_NUCLIDES)]
        dose_rate = _HIDDEN_USV_H if kind == "weather" and nuisances[0] in _HIDING else _WEAK_USV_H
        scene = generate_scene(
            8000 + number, "validation" if number % 4 == 1 else "train", (camera.width, camera.height)
        )
    else:
        nuclide, dose_rate = _NUCLIDES[number % len(_NUCLIDES)], float(rng.choice(_STRONG_USV_H))
        scene = generate_scene(5000 + number, "validation" if number % 2 else "train", (camera.width, camera.height))
    with named_when_whole(clip) as part:
        film(
            part,
            map(scene.picture, range(frames)),
            film_events(camera, [nuclide_field(nuclide, dose_rate=dose_rate)], seconds, number, background=False),
            camera,
            frames=frames,
            seed=number,
            threads=threads,
            nuisances=make_nuisances(nuisances, camera.width, camera.height, 9500 + number),
        )
