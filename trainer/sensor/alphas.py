"""Alpha particles in the sensor: white discs of a few pixels, as cameras without a cover glass show them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erf

from trainer.sensor.library import ALPHA, MIN_PEAK_E, HitLibrary

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera

MAX_KEV = 5500.0  # of Am-241, with nothing between source and silicon
MIN_KEV = 300.0
CLOUD_UM = (1.2, 3.5)
"""Standard deviation of the charge at the pixels.

The charge of an alpha particle is so dense that it screens the field that should collect it, and spreads meanwhile.
With 2 µm in pixels of 1.4 µm a disc has about 36 pixels above half of the full well. The 190 discs of a Raspberry Pi
camera (OV5647) beside Am-241 have 30 to 50.
"""


def alpha_library(camera: Camera, count: int = 1000, seed: int = 1) -> HitLibrary:
    """Simulate alpha particles that have lost between nothing and nearly all of their energy in front of the silicon.

    How many come is not modelled: a glass stops them all, so `hits_per_fluence_cm2` is 0.

    Examples
    --------
    >>> from trainer.sensor.camera import OV2710
    >>> alphas = alpha_library(OV2710, 50)
    >>> len(alphas), bool(max(charge.max() for charge in alphas.maps) > OV2710.full_well_e)
    (50, True)

    """
    rng = np.random.default_rng([0xA1, seed])
    energy = np.exp(rng.uniform(np.log(MIN_KEV), np.log(MAX_KEV), count))
    cloud_px = np.exp(rng.uniform(np.log(CLOUD_UM[0]), np.log(CLOUD_UM[1]), count)) / camera.pixel_um
    maps = [
        _disc(1e3 * kev / camera.pair_ev, sigma, rng)
        for kev, sigma in zip(energy.tolist(), cloud_px.tolist(), strict=True)
    ]
    return HitLibrary(ALPHA, maps, energy.astype(np.float32), np.zeros(count, np.float32), 0.0, 0.0)


def _disc(electrons: float, sigma_px: float, rng: Generator) -> NDArray[np.float32]:
    """Return the electrons in the pixels under a round cloud of charge, Poisson in each."""
    x, y = rng.uniform(-0.5, 0.5, 2)
    reach = int(np.ceil(5 * sigma_px)) + 1
    edges = (np.arange(-reach, reach + 2) - 0.5) / (np.sqrt(2) * sigma_px)
    columns, rows = (np.diff(erf(edges - shift / (np.sqrt(2) * sigma_px))) / 2 for shift in (x, y))
    charge = rng.poisson(electrons * rows[:, None] * columns).astype(np.float32)
    kept_rows, kept_columns = ((charge >= MIN_PEAK_E).any(axis=axis) for axis in (1, 0))
    kept: NDArray[np.float32] = charge[np.ix_(kept_rows, kept_columns)]
    return kept
