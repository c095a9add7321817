"""Photon fields that are no bare nuclide: a patient who carries one, and the natural gammas of ground and walls."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import SensorError
from trainer.sensor.attenuation import MATERIALS, cross_sections
from trainer.sensor.interactions import klein_nishina, rotated, scattered_kev
from trainer.sensor.nuclides import load_nuclide
from trainer.sensor.photons import Spectrum, spectrum_of

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

BODY_RADIUS_CM = 12.0  # a trunk as a sphere of water, in which the nuclide is spread evenly: assumed
NATURAL = "natural"
NATURAL_USV_H = 0.08  # ambient dose equivalent rate of terrestrial gammas outdoors; 0.05 to 0.1 are usual
_PHOTONS = 150_000
_LOWEST_KEV = 15.0  # softer photons do not get through a lens
_BIN_KEV = 2.0
# Lines of potassium, uranium and thorium in soil by unscattered fluence (UNSCEAR 2000, annex B: 420, 33, 45 Bq/kg;
# yield over the attenuation of soil), and what ground and air scatter: three photons in four, with a density of 1/E.
_NATURAL_LINES = ((239, 8.0), (295, 2.5), (352, 5.4), (583, 8.5), (609, 9.6), (911, 8.5), (1120, 3.8), (1461, 42.0),
                  (1764, 5.4), (2615, 17.0))  # fmt: skip
_SCATTERED_SHARE = 0.75
_SCATTERED_KEV = (60.0, 1000.0)


@lru_cache(maxsize=8)
def patient_spectrum(name: str) -> Spectrum:
    """Simulate what leaves a patient who carries a nuclide: mostly scattered photons, hardly any soft X-rays.

    Raises
    ------
    SensorError
        A nuclide whose photons do not leave a body.

    """
    source = spectrum_of(load_nuclide(name))
    rng = np.random.default_rng(0xB0D1)
    energy = rng.choice(source.energies_kev, _PHOTONS, p=source.weights)
    left = _through_water(energy[energy > _LOWEST_KEV], rng)
    if len(left) < _PHOTONS / 1000:
        raise SensorError(f"{name}: its photons do not leave a patient; choose a nuclide of nuclear medicine")
    bins = np.floor(left / _BIN_KEV).astype(np.int64)
    counts = np.bincount(bins)
    used = np.flatnonzero(counts)
    shares: NDArray[np.float64] = counts[used] / len(left)
    energies = np.asarray((used + 0.5) * _BIN_KEV, np.float64)
    return Spectrum(f"{source.name} in a patient", energies, shares)


@lru_cache(maxsize=1)
def natural_spectrum() -> Spectrum:
    """Return the spectrum of natural gammas a metre above the ground: lines of K, U and Th and their scattered photons.

    Examples
    --------
    >>> natural = natural_spectrum()
    >>> 0.5 < natural.psv_cm2 / 3 < 1.5
    True

    """
    edges = np.geomspace(*_SCATTERED_KEV, 25)
    scattered = np.full(24, _SCATTERED_SHARE / 24)  # 1/E: as many photons in each step of equal ratio
    lines, fluence = np.array(_NATURAL_LINES, np.float64).T
    energies = np.concatenate([np.sqrt(edges[1:] * edges[:-1]), lines])
    weights = np.concatenate([scattered, (1.0 - _SCATTERED_SHARE) * fluence / fluence.sum()])
    order = np.argsort(energies, kind="stable")
    return Spectrum(NATURAL, energies[order], weights[order])


def _through_water(energy: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Follow photons from anywhere in a sphere of water until they leave it or are absorbed; return what has left."""
    grid = np.geomspace(_LOWEST_KEV, 3000.0, 200)
    photo, compton = (part * MATERIALS["water"][1] for part in cross_sections(grid, "water"))
    count = len(energy)
    place = BODY_RADIUS_CM * np.cbrt(rng.random(count))[:, None] * _directions(count, rng)
    direction = _directions(count, rng)
    left: list[NDArray[np.float64]] = [np.empty(0)]
    while energy.size:
        of_photo, of_compton = (np.interp(energy, grid, part) for part in (photo, compton))
        place = place + direction * (rng.exponential(size=len(energy)) / (of_photo + of_compton))[:, None]
        outside = (place**2).sum(axis=1) > BODY_RADIUS_CM**2
        left.append(energy[outside])
        scatters = ~outside & (rng.random(len(energy)) * (of_photo + of_compton) > of_photo)
        place, direction, energy = place[scatters], direction[scatters], energy[scatters]
        cosine = _compton_cosines(energy, rng)
        direction = rotated(direction, cosine, rng.uniform(0.0, 2.0 * np.pi, len(cosine)))
        energy = scattered_kev(energy, cosine)
        hard = energy > _LOWEST_KEV
        place, direction, energy = place[hard], direction[hard], energy[hard]
    return np.concatenate(left)


def _directions(count: int, rng: Generator) -> NDArray[np.float64]:
    drawn = rng.standard_normal((count, 3))
    unit: NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def _compton_cosines(energy: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Draw scattering cosines by Klein and Nishina's formula, whose density is greatest straight ahead: 1."""
    cosine = np.ones(len(energy))
    open_rows = np.arange(len(energy))
    while open_rows.size:
        tried = rng.uniform(-1.0, 1.0, len(open_rows))
        accepted = rng.random(len(open_rows)) < klein_nishina(energy[open_rows], tried)
        cosine[open_rows[accepted]] = tried[accepted]
        open_rows = open_rows[~accepted]
    return cosine
