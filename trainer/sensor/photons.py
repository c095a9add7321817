"""Photon fields: spectra, what shielding leaves of them, and ambient dose equivalent rate as photon fluence rate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import SensorError
from trainer.sensor.attenuation import Layer, transmission
from trainer.sensor.nuclides import load_nuclide

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.sensor.nuclides import Nuclide

# Ambient dose equivalent H*(10) per photon fluence, pSv cm²: ICRP Publication 74 (1996), Table A.21.
ICRP74_KEV = np.array(
    [10, 15, 20, 30, 40, 50, 60, 80, 100, 150, 200, 300, 400, 500, 600, 800, 1000, 1500, 2000, 3000, 4000, 5000,
     6000, 8000, 10000], np.float64,
)  # fmt: skip
ICRP74_PSV_CM2 = np.array(
    [0.061, 0.83, 1.05, 0.81, 0.64, 0.55, 0.51, 0.53, 0.61, 0.89, 1.20, 1.80, 2.38, 2.93, 3.44, 4.38, 5.20, 6.90,
     8.60, 11.1, 13.4, 15.5, 17.6, 21.6, 25.6], np.float64,
)  # fmt: skip
PSV_S_PER_USV_H = 1e6 / 3600.0
# What stands between a radionuclide and the air in any practical source: a vial, a syringe, a capsule (assumed).
CAPSULE = (Layer("glass", 2.0),)
MAX_DOSE_RATE_USV_H = 1e7


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """Photons of one field by energy.

    Attributes
    ----------
    name : str
    energies_kev : float64 array, shape (n,), ascending
    weights : float64 array, shape (n,)
        Share of the photon fluence at each energy; sums to 1.

    """

    name: str
    energies_kev: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)

    @property
    def psv_cm2(self) -> float:
        """H*(10) per photon fluence of this field, pSv cm²."""
        return float(self.weights @ dose_per_fluence_psv_cm2(self.energies_kev))

    def behind(
        self, layers: tuple[Layer, ...], *, broad: bool = False, from_everywhere: bool = False
    ) -> tuple[Spectrum, float]:
        """Return the spectrum behind layers and the share of all photons that come through; see `transmission`."""
        left = self.weights * transmission(layers, self.energies_kev, broad=broad, from_everywhere=from_everywhere)
        share = float(left.sum())
        if share < 1e-300:
            raise SensorError(f"{self.name}: nothing comes through this shield; make it thinner")
        return Spectrum(self.name, self.energies_kev, left / share), share


def dose_per_fluence_psv_cm2(energies_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate H*(10) per photon fluence (ICRP 74, Table A.21), log in both; below 10 keV it is taken as 0."""
    logs = np.interp(np.log(energies_kev), np.log(ICRP74_KEV), np.log(ICRP74_PSV_CM2))
    return np.where(np.asarray(energies_kev) < ICRP74_KEV[0], 0.0, np.exp(logs))


def fluence_rate_cm2_s(spectrum: Spectrum, dose_rate_usv_h: float) -> float:
    """Return the photon fluence rate, cm⁻² s⁻¹, that makes an ambient dose equivalent rate H*(10)."""
    return check_dose_rate(dose_rate_usv_h) * PSV_S_PER_USV_H / spectrum.psv_cm2


def dose_rate_usv_h(spectrum: Spectrum, fluence_rate: float) -> float:
    """Return the ambient dose equivalent rate H*(10) in µSv/h of a photon fluence rate in cm⁻² s⁻¹."""
    return fluence_rate * spectrum.psv_cm2 / PSV_S_PER_USV_H


def check_dose_rate(rate_usv_h: float) -> float:
    """Refuse a dose rate that is no number from 0 to 10 Sv/h (there every pixel is hit in each frame)."""
    if not 0 <= rate_usv_h <= MAX_DOSE_RATE_USV_H:
        raise SensorError(f"dose rate {rate_usv_h} µSv/h: give a number from 0 to {MAX_DOSE_RATE_USV_H:g}")
    return rate_usv_h


def spectrum_of(nuclide: Nuclide) -> Spectrum:
    """Return the photon lines of a nuclide as they leave the nuclide itself, without capsule or air."""
    weights = nuclide.photons_per_decay / nuclide.photons_per_decay.sum()
    return Spectrum(nuclide.name, nuclide.energies_kev, weights)


def source_spectrum(name: str, shield: tuple[Layer, ...] = ()) -> Spectrum:
    """Return the photon field outside the capsule of a source and behind its shield."""
    return spectrum_of(load_nuclide(name)).behind((*CAPSULE, *shield))[0]


def point_source_fluence_rate_cm2_s(
    nuclide: Nuclide, activity_bq: float, distance_m: float, shield: tuple[Layer, ...] = ()
) -> float:
    """Return the fluence rate of unscattered photons at a distance in air from a point source.

    A Γ / (4π r²) with the transmission of capsule, shield and air; photons that the room scatters are left out.

    Raises
    ------
    SensorError
        A distance that is not above 0, or a negative activity.

    """
    if not (distance_m > 0 and math.isfinite(distance_m)):
        raise SensorError(f"distance {distance_m} m: give one above 0")
    if not (activity_bq >= 0 and math.isfinite(activity_bq)):
        raise SensorError(f"activity {activity_bq} Bq: give one of 0 or more")
    layers = (*CAPSULE, *shield, Layer("air", distance_m * 1000.0))
    _, share = spectrum_of(nuclide).behind(layers)
    photons_s = activity_bq * float(nuclide.photons_per_decay.sum()) * share
    return float(photons_s / (4.0 * np.pi * (100.0 * distance_m) ** 2))
