"""Photon cross-sections of silicon and attenuation of shielding materials, from xraylib's tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import xraylib

from trainer.errors import SensorError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SILICON_Z = 14
ELECTRON_MASS_KEV = 510.99895
SILICON_A = 28.0855  # g/mol
SILICON_DENSITY_G_CM3 = 2.329
TABLE_END_KEV = 800.0  # xraylib's splines end here
_LAST_STEP_KEV = 700.0

# name on the command line: formula for xraylib, density in g/cm³ (NIST, material composition tables)
MATERIALS: dict[str, tuple[str, float]] = {
    "aluminium": ("Al", 2.699),
    "steel": ("Fe", 7.874),
    "copper": ("Cu", 8.96),
    "lead": ("Pb", 11.35),
    "tungsten": ("W", 19.3),
    "glass": ("SiO2", 2.23),
    "water": ("H2O", 1.0),
    "plastic": ("C5H8O2", 1.19),
    "concrete": ("SiO2", 2.3),
    "silicon": ("Si", SILICON_DENSITY_G_CM3),
    "air": ("N78O21Ar1", 1.205e-3),
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A plane layer that photons cross: material (a key of MATERIALS) and thickness in mm."""

    material: str
    thickness_mm: float

    def __post_init__(self) -> None:
        if self.material not in MATERIALS:
            raise SensorError(f"unknown material {self.material!r}: choose one of {', '.join(sorted(MATERIALS))}")
        if not 0 <= self.thickness_mm < 1e6:
            raise SensorError(f"a layer of {self.thickness_mm} mm {self.material}: give a thickness of 0 mm or more")


def parse_layer(text: str) -> Layer:
    """Read a layer from text such as "lead:2.5" (material, mm).

    Raises
    ------
    SensorError
        No such material, or no thickness.

    """
    material, _, thickness = text.partition(":")
    try:
        thickness_mm = float(thickness)
    except ValueError:
        raise SensorError(f"shield {text!r}: write material:millimetres, e.g. lead:2") from None
    return Layer(material.strip().lower(), thickness_mm)


@lru_cache(maxsize=65536)
def _total_g(formula: str, energy_kev: float) -> float:
    if energy_kev <= TABLE_END_KEV:
        return float(xraylib.CS_Total_CP(formula, energy_kev))
    # Each process goes on in its own way; pair production (3 % of lead's total at 1333 keV) is left out.
    photo, before = (float(xraylib.CS_Photo_CP(formula, e)) for e in (TABLE_END_KEV, _LAST_STEP_KEV))
    slope = np.log(photo / before) / np.log(TABLE_END_KEV / _LAST_STEP_KEV)
    beyond = energy_kev / TABLE_END_KEV
    compton = xraylib.CS_Compt_CP(formula, TABLE_END_KEV) * xraylib.CS_KN(energy_kev) / xraylib.CS_KN(TABLE_END_KEV)
    return float(photo * beyond**slope + compton + xraylib.CS_Rayl_CP(formula, TABLE_END_KEV) / beyond**2)


@lru_cache(maxsize=65536)
def _compton_loss(energy_kev: float) -> float:
    """Return the mean share of its energy that a photon loses in Compton scattering (Klein and Nishina)."""
    one_less_cosine = np.linspace(0.0, 2.0, 1001)
    left = 1.0 / (1.0 + energy_kev / ELECTRON_MASS_KEV * one_less_cosine)
    density = left**2 * (left + 1.0 / left - one_less_cosine * (2.0 - one_less_cosine))
    return float((density * (1.0 - left)).sum() / density.sum())


def transmission(
    layers: tuple[Layer, ...], energies_kev: NDArray[np.float64], *, broad: bool = False, from_everywhere: bool = False
) -> NDArray[np.float64]:
    """Return the share of photons that cross all layers.

    Parameters
    ----------
    layers : tuple of Layer
    energies_kev : float64 array, shape (n,)
    broad : bool
        Matter all around: scattered photons arrive as well and count by the energy they have kept. Otherwise what
        interacts is lost (narrow beam).
    from_everywhere : bool
        Photons come from everywhere alike through plane layers; oblique ones have a longer way. Otherwise straight.

    """
    optical_depth = np.zeros(len(energies_kev))
    for layer in layers:
        formula, density = MATERIALS[layer.material]
        if broad:
            photo, compton = cross_sections(energies_kev, layer.material)
            mass = photo + compton * np.array([_compton_loss(float(energy)) for energy in energies_kev])
        else:
            mass = np.array([_total_g(formula, float(energy)) for energy in energies_kev])
        optical_depth += mass * density * layer.thickness_mm / 10.0
    if not from_everywhere:
        return np.exp(-optical_depth)
    cosine, weight = np.polynomial.legendre.leggauss(64)
    cosine, weight = 0.5 * (cosine + 1.0), 0.5 * weight
    share: NDArray[np.float64] = np.exp(-optical_depth[:, None] / cosine) @ weight
    return share


@lru_cache(maxsize=65536)
def _photo_compton(formula: str, energy_kev: float) -> tuple[float, float]:
    """Return the photoelectric and the Compton cross-section of a material in cm²/g."""
    if energy_kev <= TABLE_END_KEV:
        return float(xraylib.CS_Photo_CP(formula, energy_kev)), float(xraylib.CS_Compt_CP(formula, energy_kev))
    last, before = (float(xraylib.CS_Photo_CP(formula, e)) for e in (TABLE_END_KEV, _LAST_STEP_KEV))
    slope = np.log(last / before) / np.log(TABLE_END_KEV / _LAST_STEP_KEV)
    photo = last * (energy_kev / TABLE_END_KEV) ** slope
    compton = xraylib.CS_Compt_CP(formula, TABLE_END_KEV) * xraylib.CS_KN(energy_kev) / xraylib.CS_KN(TABLE_END_KEV)
    return float(photo), float(compton)


def cross_sections(
    energies_kev: NDArray[np.float64], material: str = "silicon"
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the photoelectric and the Compton cross-section of a material in cm²/g at each energy.

    Up to 800 keV from xraylib; above, Compton follows Klein–Nishina and the photoelectric effect its last slope.

    Examples
    --------
    >>> photo, compton = cross_sections(np.array([140.5]))
    >>> round(float(photo[0]), 4), round(float(compton[0]), 3)
    (0.0084, 0.133)

    """
    formula = MATERIALS[material][0]
    pairs = np.array([_photo_compton(formula, float(energy)) for energy in energies_kev], np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
