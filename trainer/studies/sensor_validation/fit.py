"""Fits the webcam's unknown parameters to one run of real hits: a seeded random search within stated bounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.camera import WEBCAM_XRAY, Camera, change
from trainer.sensor.charge import charge_maps
from trainer.sensor.library import MIN_PEAK_E, HitLibrary, simulate_deposits
from trainer.studies.sensor_validation.clusters import Clusters, distances, find_clusters
from trainer.studies.sensor_validation.webcam import beam, covered_frames

if TYPE_CHECKING:
    from numpy.random import Generator

    from trainer.sensor.electrons import Deposits

# What is free, and within which bounds: nobody published anything about this webcam's sensor.
FREE: dict[str, tuple[float, float]] = {
    "pixel_um": (2.0, 4.0),
    "epi_um": (3.0, 25.0),
    "diffusion_um": (0.2, 1.5),
    "diffusion_slope": (0.1, 1.5),
    "full_well_e": (2500.0, 12000.0),
    "digital_gain": (1.5, 8.0),
    "black_offset_dn": (3.0, 40.0),
    "wb_red": (0.8, 1.8),
    "wb_blue": (0.8, 1.8),
}
INTERACTIONS = 9000  # in the thickest layer and what feeds it
STEP = 0.25  # σ of the natural logarithm of a change


@dataclass(frozen=True, slots=True)
class Trial:
    """A set of parameters and how far its simulation is from the real run; a smaller score is better."""

    score: float
    values: dict[str, float] = field(repr=False)
    apart: dict[str, float]


def fit_webcam(
    real: Clusters, aluminium_mm: float, *, trials: int = 60, seed: int = 1, scaled: bool = True
) -> list[Trial]:
    """Search for parameters whose clusters are like the real ones and return all trials, the best first.

    A third of the trials are drawn evenly, the rest change the best ones. What is made small is the sum of the
    Kolmogorov–Smirnov distances of size, peak and sum of light and a third of the colours'. Where not `scaled`, the
    sensor has the picture's 640×480 pixels, each twice as wide.
    """
    rng = np.random.default_rng(seed)
    bounds = FREE if scaled else {**FREE, "pixel_um": (4.0, 8.0)}
    low, high = (dict(zip(bounds, edge, strict=True)) for edge in zip(*bounds.values(), strict=True))
    base = WEBCAM_XRAY if scaled else change(WEBCAM_XRAY, width=640, height=480, scale_down=1)
    wide = change(base, epi_um=high["epi_um"])
    deposits, _ = simulate_deposits(wide, beam(aluminium_mm), INTERACTIONS, np.random.default_rng(seed), normal=True)
    tried: list[Trial] = []
    for number in range(trials):
        if number <= trials / 3:
            values = {name: float(np.exp(rng.uniform(np.log(low[name]), np.log(high[name])))) for name in FREE}
        else:
            values = _changed(tried[int(rng.integers(min(4, len(tried))))].values, bounds, rng)
        tried.append(try_values(change(base, **values), values, deposits, real))
        tried.sort(key=lambda trial: trial.score)
    return tried


def try_values(camera: Camera, values: dict[str, float], deposits: Deposits, real: Clusters) -> Trial:
    """Simulate a webcam with these parameters and compare it with the real run."""
    library = library_of(camera, deposits)
    if not library.maps:
        return Trial(9.0, values, {})
    simulated = find_clusters(covered_frames(camera, library, 1.15 * real.per_frame, 10, 3))
    apart = distances(real, simulated)
    score = apart["size"] + apart["peak"] + apart["sum"] + (apart["red_share"] + apart["blue_share"]) / 6.0
    return Trial(score, values, apart)


def library_of(camera: Camera, deposits: Deposits) -> HitLibrary:
    """Turn deposits, made once for the thickest layer, into hits of this camera."""
    maps = charge_maps(camera, deposits, np.random.default_rng(2), MIN_PEAK_E).maps
    none = np.zeros(len(maps), np.float32)
    return HitLibrary("fit", maps, none, none, 0.0, 0.0)


def _changed(values: dict[str, float], bounds: dict[str, tuple[float, float]], rng: Generator) -> dict[str, float]:
    changed = dict(values)
    for name in rng.choice(list(FREE), 3, replace=False):
        low, high = bounds[str(name)]
        changed[str(name)] = float(np.clip(values[str(name)] * np.exp(rng.normal(0.0, STEP)), low, high))
    return changed
