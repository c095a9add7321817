"""Cosmic muons through the sensor: the background that no shield takes away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.charge import charge_maps
from trainer.sensor.electrons import straight_tracks
from trainer.sensor.interactions import Electrons
from trainer.sensor.library import MIN_PEAK_E, MUON, HitLibrary
from trainer.sensor.stopping import MUON_MASS_KEV

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera

# At sea level 1 cm⁻² min⁻¹ cross a horizontal plane, with an intensity that goes with the squared cosine of the zenith
# angle (Review of Particle Physics, "Cosmic rays", section 30.3.1).
HORIZONTAL_CM2_S = 1.0 / 60.0
MEDIAN_KEV, ENERGY_SPREAD = 3e6, 0.9  # log-normal; mean 4.5 GeV (ibid.: about 4 GeV)


def muon_directions(rng: Generator, count: int, tilt_deg: float) -> tuple[NDArray[np.float64], float]:
    """Draw directions of muons through a sensor, in its axes; return them with the rate at which they cross it.

    Parameters
    ----------
    rng : Generator
    count : int
    tilt_deg : float
        Angle between the sensor's normal and the zenith: 90 for a camera that looks to the horizon.

    Returns
    -------
    (float64 array of shape (count, 3), float)
        Unit vectors with z > 0, into the sensor; muons cm⁻² s⁻¹.

    """
    tilt = np.deg2rad(tilt_deg)
    normal = np.array([np.sin(tilt), 0.0, np.cos(tilt)])
    drawn = []
    tried = met = 0
    while met < count:
        size = 4 * count + 1000
        cosine = rng.random(size) ** (1.0 / 3.0)  # fluence by solid angle goes with cos² θ
        azimuth = rng.uniform(0.0, 2.0 * np.pi, size)
        sine = np.sqrt(1.0 - cosine**2)
        down = np.stack([sine * np.cos(azimuth), sine * np.sin(azimuth), cosine], axis=-1)
        squareness = np.abs(down @ normal)
        crossing = rng.random(size) < squareness
        drawn.append(down[crossing])
        tried, met = tried + size, met + int(crossing.sum())
    down = np.concatenate(drawn)[:count]
    along = np.abs(down @ normal)
    across = np.array([np.cos(tilt), 0.0, -np.sin(tilt)])
    inside = np.stack([down @ across, down[:, 1], np.maximum(along, 1e-3)], axis=-1)
    fluence_cm2_s = HORIZONTAL_CM2_S * 4.0 / 3.0  # of cos² θ: ∫cos³ / ∫cos² over the upper half is 3/4
    return inside / np.linalg.norm(inside, axis=1, keepdims=True), fluence_cm2_s * met / tried


def muon_library(camera: Camera, count: int = 1000, seed: int = 1, tilt_deg: float = 90.0) -> HitLibrary:
    """Simulate muons through the sensor; `hits_per_fluence_cm2` is hits per muon that crosses it."""
    rng = np.random.default_rng([0x309, seed])
    direction, _ = muon_directions(rng, count, tilt_deg)
    energy = MEDIAN_KEV * np.exp(ENERGY_SPREAD * rng.standard_normal(count))
    muons = Electrons(np.arange(count), energy, np.zeros((count, 3)), direction)
    zone = (0.0, camera.epi_um + 6.0 * camera.substrate_diffusion_um)
    deposits = straight_tracks(muons, MUON_MASS_KEV, zone, rng)
    charges = charge_maps(camera, deposits, rng, MIN_PEAK_E)
    share = len(charges.maps) / count
    return HitLibrary(
        MUON,
        charges.maps,
        np.bincount(deposits.hit, deposits.energy_kev, count)[charges.hit].astype(np.float32),
        np.zeros(len(charges.maps), np.float32),
        share,
        float(np.sqrt(share * (1.0 - share) / count)),
    )


def muon_hits_per_s(camera: Camera, library: HitLibrary, tilt_deg: float = 90.0, seed: int = 1) -> float:
    """Return the muon hits a second on the whole sensor at full duty."""
    _, rate = muon_directions(np.random.default_rng([0x30A, seed]), 100_000, tilt_deg)
    return library.hits_per_s(camera, rate)
