"""The real webcam behind aluminium in front of an X-ray tube, and its simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.attenuation import Layer
from trainer.sensor.camera import WEBCAM_XRAY, Camera
from trainer.sensor.fixed_pattern import make_pattern
from trainer.sensor.isp import photograph
from trainer.sensor.library import HitLibrary, simulate_hits
from trainer.sensor.tube import tube_spectrum
from trainer.studies.sensor_validation.clusters import Clusters, find_clusters, without_dark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from trainer.sensor.photons import Spectrum

TUBE_KV = 100.0
# The package of the run's name says 5, 10, 20, 40, 60 mm; the experiment's notes give the true thicknesses.
TRUE_MM = {"05mm": 5.05, "10mm": 10.1, "20mm": 20.5, "40mm": 40.3, "60mm": 60.5}


def beam(aluminium_mm: float) -> Spectrum:
    """Return the spectrum of the tube behind so much aluminium."""
    return tube_spectrum(TUBE_KV, (Layer("aluminium", aluminium_mm),))


def covered_frames(
    camera: Camera, library: HitLibrary, hits_per_frame: float, count: int, seed: int
) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of the covered camera: nothing but dark current, noise and hits."""
    rng = np.random.default_rng([seed, 7])
    pattern = make_pattern(camera, seed)
    black = np.zeros((camera.height, camera.width, 3), np.uint8)
    for frame in range(count):
        charge = np.zeros((camera.height, camera.width), np.float32)
        for hit, _ in library.sample(rng, int(rng.poisson(hits_per_frame))):
            h, w = hit.shape
            if h >= camera.height or w >= camera.width:
                continue
            y, x = int(rng.integers(camera.height - h)), int(rng.integers(camera.width - w))
            charge[y : y + h, x : x + w] += hit
        yield photograph(black, charge, camera, pattern, rng, frame)


def simulate_run(
    aluminium_mm: float,
    clusters_per_frame: float,
    *,
    camera: Camera = WEBCAM_XRAY,
    frames: int = 20,
    hits: int = 3000,
    seed: int = 1,
) -> Clusters:
    """Simulate a run whose frames show about as many clusters as the real ones.

    The number of hits is set in two steps, for faint hits show no cluster and near ones share one.
    """
    library = simulate_hits(camera, beam(aluminium_mm), hits, seed, normal=True)
    rate = clusters_per_frame * 1.2
    probe = find_clusters(covered_frames(camera, library, rate, 4, seed + 1))
    rate *= clusters_per_frame / max(probe.per_frame, 1e-3)
    return find_clusters(without_dark(list(covered_frames(camera, library, rate, frames, seed + 2))))
