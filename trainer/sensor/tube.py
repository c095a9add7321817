"""Spectra of X-ray tubes: a filtered bremsstrahlung continuum with the anode's characteristic lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xraylib

from trainer.errors import SensorError
from trainer.sensor.attenuation import MATERIALS, Layer, transmission
from trainer.sensor.photons import Spectrum

if TYPE_CHECKING:
    from numpy.typing import NDArray

INHERENT = (Layer("glass", 1.5), Layer("aluminium", 1.0))  # tube wall, oil and window: assumed
ANODE_ANGLE_DEG = 12.0  # assumed
BIN_KEV = 1.0
LOWEST_KEV = 8.0
_TUNGSTEN_Z = 74
_LINES = (xraylib.KL3_LINE, xraylib.KL2_LINE, xraylib.KM3_LINE, xraylib.KM2_LINE)


def tube_spectrum(kilovolt: float, filters: tuple[Layer, ...] = (), inherent: tuple[Layer, ...] = INHERENT) -> Spectrum:
    """Return the spectrum of a tungsten tube at constant voltage behind its own wall and further filters.

    Kramers' law for a thick target, photons ∝ (E₀ − E)/E; the anode's absorption at a mean depth by Thomson and
    Whiddington's law (Birch and Marshall, Phys. Med. Biol. 24 (1979) 505 treat it alike); K
    lines whose yield over the continuum goes with (U − 1)^1.63 (Green and Cosslett), U = E₀/E_K.

    Parameters
    ----------
    kilovolt : float
        Voltage of the tube, 20 to 300 kV.
    filters : tuple of Layer
    inherent : tuple of Layer
        Layers of the tube's own wall.

    Raises
    ------
    SensorError
        A voltage that this model does not cover, or a filter that lets nothing through.

    """
    if not 20 <= kilovolt <= 300:
        raise SensorError(f"a tube at {kilovolt} kV: the model covers 20 to 300 kV")
    energy = np.arange(LOWEST_KEV, kilovolt, BIN_KEV) + BIN_KEV / 2
    energy = energy[energy < kilovolt]
    continuum = (kilovolt - energy) / energy
    depth_um = _mean_depth_um(kilovolt, energy)
    path_mm = depth_um * 1e-3 / np.tan(np.deg2rad(ANODE_ANGLE_DEG))
    formula, density = MATERIALS["tungsten"]
    mass = np.array([xraylib.CS_Total_CP(formula, float(e)) for e in energy])
    weights = continuum * np.exp(-mass * density * path_mm / 10.0)
    weights = weights + _k_lines(kilovolt, energy, float(weights.sum()))
    weights = weights * transmission((*inherent, *filters), energy)
    total = float(weights.sum())
    if total < 1e-250:
        raise SensorError(f"{kilovolt:g} kV: nothing comes through this filter; make it thinner")
    relevant = weights > weights.max() * 1e-6
    return Spectrum(f"X-rays {kilovolt:g} kV", energy[relevant], weights[relevant] / weights[relevant].sum())


def _mean_depth_um(kilovolt: float, energy: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the depth in the anode at which electrons have slowed to the photon's energy, half of it on the way in."""
    # Thomson–Whiddington: E₀² − E² = C ρ x, C = 1.0e6 keV² cm²/g for tungsten near 100 keV (Birch and Marshall).
    return 0.5 * (kilovolt**2 - energy**2) / (1.0e6 * 19.3) * 1e4


def _k_lines(kilovolt: float, energy: NDArray[np.float64], continuum: float) -> NDArray[np.float64]:
    edge = float(xraylib.EdgeEnergy(_TUNGSTEN_Z, xraylib.K_SHELL))
    added = np.zeros(len(energy))
    if kilovolt <= edge:
        return added
    # At 100 kV K lines are about 4 % of the photons of a lightly filtered tube (TASMIP's figures); the law scales it.
    share = 0.04 * ((kilovolt / edge - 1.0) / (100.0 / edge - 1.0)) ** 1.63
    for line in _LINES:
        place = int((float(xraylib.LineEnergy(_TUNGSTEN_Z, line)) - LOWEST_KEV) / BIN_KEV)
        if place < len(added):
            added[place] += share * continuum * float(xraylib.RadRate(_TUNGSTEN_Z, line))
    return added
