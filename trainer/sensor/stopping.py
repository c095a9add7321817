"""How electrons and muons lose energy and direction in silicon: stopping power, range, multiple scattering."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.attenuation import ELECTRON_MASS_KEV, SILICON_A, SILICON_DENSITY_G_CM3, SILICON_Z

if TYPE_CHECKING:
    from numpy.typing import NDArray

MUON_MASS_KEV = 105658.3755
MEAN_EXCITATION_KEV = 0.173  # silicon, ICRU Report 37
# Density effect of silicon: Sternheimer, Berger, Seltzer, At. Data Nucl. Data Tables 30 (1984) 261.
DENSITY_C, DENSITY_X0, DENSITY_X1, DENSITY_A, DENSITY_M, DENSITY_D0 = 4.4351, 0.2014, 2.8715, 0.14921, 3.2546, 0.14
HALF_K_KEV_CM2_G = 153.5374 * SILICON_Z / SILICON_A  # 2π N_A r_e² m c² Z/A, keV cm²/g, per β²
KEV_UM_PER_KEV_CM2_G = SILICON_DENSITY_G_CM3 * 1e-4
LOW_ENERGY_KEV = 10.0  # below, the Bethe formula is joined to Joy and Luo's
TABLE_KEV = np.geomspace(0.05, 5000.0, 600)


def speed_squared(kinetic_kev: NDArray[np.float64], mass_kev: float = ELECTRON_MASS_KEV) -> NDArray[np.float64]:
    """Return β² of a particle of this kinetic energy."""
    gamma = 1.0 + kinetic_kev / mass_kev
    return 1.0 - 1.0 / gamma**2


def density_effect(kinetic_kev: NDArray[np.float64], mass_kev: float = ELECTRON_MASS_KEV) -> NDArray[np.float64]:
    """Return Sternheimer's density correction δ in silicon."""
    tau = kinetic_kev / mass_kev
    x = np.log10(np.sqrt(tau * (tau + 2.0)))  # log10(βγ)
    high = 2.0 * np.log(10.0) * x - DENSITY_C
    bent = high + DENSITY_A * np.maximum(DENSITY_X1 - x, 0.0) ** DENSITY_M
    low = DENSITY_D0 * 10.0 ** (2.0 * (x - DENSITY_X0))
    return np.where(x >= DENSITY_X1, high, np.where(x >= DENSITY_X0, bent, low))


def collision_stopping_mev_cm2_g(kinetic_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mass collision stopping power of silicon for electrons in MeV cm²/g.

    Berger and Seltzer's form of the Bethe formula (ICRU Report 37, equation 2.8) with I = 173 eV; below 10 keV the
    mean excitation energy is Joy and Luo's I / (1 + 0.83 I/T) (Scanning 11 (1989) 176), for the plain formula fails
    as T nears I.
    """
    energy = np.asarray(kinetic_kev, np.float64)
    tau = energy / ELECTRON_MASS_KEV
    beta2 = speed_squared(energy)
    shape = (1.0 - beta2) * (1.0 + tau**2 / 8.0 - (2.0 * tau + 1.0) * np.log(2.0))
    excitation = np.where(
        energy < LOW_ENERGY_KEV, MEAN_EXCITATION_KEV / (1.0 + 0.83 * MEAN_EXCITATION_KEV / energy), MEAN_EXCITATION_KEV
    )
    bracket = 2.0 * np.log(energy / excitation) + np.log(1.0 + tau / 2.0) + shape - density_effect(energy)
    stopping: NDArray[np.float64] = HALF_K_KEV_CM2_G / beta2 * bracket / 1000.0
    return stopping


def radiative_stopping_mev_cm2_g(kinetic_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the radiative stopping power as collision × Z T / 800 MeV, the usual rule; below 1 % under 0.5 MeV."""
    energy = np.asarray(kinetic_kev, np.float64)
    share: NDArray[np.float64] = collision_stopping_mev_cm2_g(energy) * SILICON_Z * energy / 800e3
    return share


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tabulate stopping in keV/µm and CSDA range in µm on TABLE_KEV."""
    stopping = collision_stopping_mev_cm2_g(TABLE_KEV) + radiative_stopping_mev_cm2_g(TABLE_KEV)
    kev_um = stopping * 1000.0 * KEV_UM_PER_KEV_CM2_G
    slices = np.diff(TABLE_KEV) * 0.5 * (1.0 / kev_um[1:] + 1.0 / kev_um[:-1])
    start = TABLE_KEV[0] / kev_um[0]
    return kev_um, start + np.concatenate([[0.0], np.cumsum(slices)])


def csda_range_um(kinetic_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the range in silicon in µm in the continuous slowing down approximation."""
    return np.interp(kinetic_kev, TABLE_KEV, _tables()[1])


def stopping_kev_um(kinetic_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stopping power of silicon for electrons, collision and radiative, in keV/µm."""
    return np.interp(kinetic_kev, TABLE_KEV, _tables()[0])


def rutherford_kev_um(kinetic_kev: NDArray[np.float64], mass_kev: float = ELECTRON_MASS_KEV) -> NDArray[np.float64]:
    """Return ξ per µm: collisions with an energy transfer in dW are ξ dW / W² (Rutherford on the electrons of Si)."""
    return HALF_K_KEV_CM2_G * KEV_UM_PER_KEV_CM2_G / speed_squared(kinetic_kev, mass_kev)


def transport_path_um(kinetic_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the transport mean free path λ₁ of electrons in silicon in µm: mean cos θ after a path s is exp(−s/λ₁).

    Screened Rutherford scattering with Molière's screening (Z. Naturforsch. 2a (1947) 133), Z(Z+1) for scattering by
    the electrons too.
    """
    energy = np.asarray(kinetic_kev, np.float64)
    beta2 = speed_squared(energy)
    momentum = np.sqrt(energy * (energy + 2.0 * ELECTRON_MASS_KEV))  # pc, keV
    screening_length_cm = 0.885 * 5.29177e-9 * SILICON_Z ** (-1.0 / 3.0)
    quotient = 1.973270e-8 / (momentum * screening_length_cm)  # ħc in keV cm
    eta = 0.25 * quotient**2 * (1.13 + 3.76 * (SILICON_Z / 137.036) ** 2 / beta2)
    strength_cm2 = (
        2.0 * np.pi * SILICON_Z * (SILICON_Z + 1.0) * (2.8179403e-13 * ELECTRON_MASS_KEV) ** 2 / (momentum**2 * beta2)
    )
    moment = np.log1p(1.0 / eta) - 1.0 / (1.0 + eta)
    atoms_cm3 = 6.02214e23 * SILICON_DENSITY_G_CM3 / SILICON_A
    path: NDArray[np.float64] = 1e4 / (atoms_cm3 * strength_cm2 * moment)
    return path
