"""Where photons interact in the sensor and the electrons they set free: photoelectric effect and Compton scattering."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import xraylib

from trainer.sensor.attenuation import ELECTRON_MASS_KEV, MATERIALS, SILICON_DENSITY_G_CM3, SILICON_Z, cross_sections
from trainer.sensor.stopping import csda_range_um

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera
    from trainer.sensor.photons import Spectrum

K_EDGE_KEV = 1.839  # silicon; after a photoelectric absorption this much is left at the atom by Auger electrons
_COSINES = np.linspace(-1.0, 1.0, 801)


@dataclass(frozen=True, slots=True, eq=False)
class Electrons:
    """Charged particles at their start, one row each.

    Attributes
    ----------
    hit : int64 array, shape (n,)
        Index of the photon that each particle belongs to.
    energy_kev : float64 array, shape (n,)
    position_um : float64 array, shape (n, 3)
        x, y from the photon's point, z from the upper face of the epitaxial layer, positive downwards.
    direction : float64 array, shape (n, 3)
        Unit vectors.

    """

    hit: NDArray[np.int64]
    energy_kev: NDArray[np.float64]
    position_um: NDArray[np.float64] = field(repr=False)
    direction: NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Vertices:
    """Interactions of photons in the sensor.

    Attributes
    ----------
    photon_kev : float64 array, shape (n,)
    z_um : float64 array, shape (n,)
    photoelectric : bool array, shape (n,)
    electrons : Electrons
        An electron per interaction, in the same order.
    local_kev : float64 array, shape (n,)
        Energy left at the point itself.

    """

    photon_kev: NDArray[np.float64]
    z_um: NDArray[np.float64]
    photoelectric: NDArray[np.bool_]
    electrons: Electrons
    local_kev: NDArray[np.float64]


def compton_edge_kev(photon_kev: float) -> float:
    """Return the greatest energy of a Compton electron: 2E² / (mc² + 2E)."""
    return 2.0 * photon_kev**2 / (ELECTRON_MASS_KEV + 2.0 * photon_kev)


def scattered_kev(photon_kev: NDArray[np.float64], cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the energy of Compton-scattered photons by the cosine of their angle."""
    return photon_kev / (1.0 + photon_kev / ELECTRON_MASS_KEV * (1.0 - cosine))


def klein_nishina(photon_kev: float | NDArray[np.float64], cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Klein–Nishina cross-section per solid angle in units of r_e²."""
    ratio = 1.0 / (1.0 + photon_kev / ELECTRON_MASS_KEV * (1.0 - cosine))  # scattered over incident energy
    density: NDArray[np.float64] = 0.5 * ratio**2 * (ratio + 1.0 / ratio - (1.0 - cosine**2))
    return density


@lru_cache(maxsize=1)
def _incoherent_function() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    transfer = np.geomspace(0.006, 50.0, 300)
    return transfer, np.array([xraylib.SF_Compt(SILICON_Z, float(q)) for q in transfer])


def compton_pdf(photon_kev: float, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the density over cos θ, not normalised: Klein–Nishina times silicon's incoherent scattering function."""
    transfer = np.sqrt(np.maximum(0.5 * (1.0 - cosine), 0.0)) * photon_kev / 12.39842
    density: NDArray[np.float64] = klein_nishina(photon_kev, cosine) * np.interp(transfer, *_incoherent_function())
    return density


def sauter_pdf(electron_kev: float, cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Sauter's density of the photoelectron over cos θ, not normalised (Ann. Phys. 403 (1931) 454; K shell)."""
    gamma = 1.0 + electron_kev / ELECTRON_MASS_KEV
    beta = float(np.sqrt(1.0 - 1.0 / gamma**2))
    slow = 1.0 - beta * cosine
    density: NDArray[np.float64] = (
        (1.0 - cosine**2) / slow**4 * (1.0 + 0.5 * gamma * (gamma - 1.0) * (gamma - 2.0) * slow)
    )
    return density


def _draw_cosines(rng: Generator, pdf: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    slices = 0.5 * (pdf[1:] + pdf[:-1])
    cumulative = np.concatenate([[0.0], np.cumsum(slices)])
    drawn: NDArray[np.float64] = np.interp(rng.random(count) * cumulative[-1], cumulative, _COSINES)
    return drawn


def rotated(
    direction: NDArray[np.float64], cosine: NDArray[np.float64], azimuth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rotate unit vectors, shape (n, 3), by polar angles of the given cosines and by azimuths in radians."""
    sine = np.sqrt(np.maximum(1.0 - cosine**2, 0.0))
    u, v, w = direction.T
    across = np.sqrt(np.maximum(1.0 - w**2, 0.0))
    safe = np.where(across > 1e-9, across, 1.0)
    upright = across <= 1e-9
    c, s = sine * np.cos(azimuth), sine * np.sin(azimuth)
    new = np.empty_like(direction)
    new[:, 0] = np.where(upright, c, u * cosine + (u * w * c - v * s) / safe)
    new[:, 1] = np.where(upright, s * np.sign(w), v * cosine + (v * w * c + u * s) / safe)
    new[:, 2] = np.where(upright, np.sign(w) * cosine, w * cosine - across * c)
    unit: NDArray[np.float64] = new / np.linalg.norm(new, axis=1, keepdims=True)
    return unit


def reach_um(camera: Camera, photon_kev: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far above and below the epitaxial layer an interaction can still send an electron into it.

    Photoelectrons count where they matter (below 200 keV); above, Compton electrons rule. Both in µm of silicon, as
    all matter is counted.
    """
    greatest = np.where(
        photon_kev < 200.0, photon_kev, 2.0 * photon_kev**2 / (ELECTRON_MASS_KEV + 2.0 * photon_kev) + 1.0
    )
    reach = csda_range_um(greatest) + 1.0
    top, bottom = matter_um(camera)
    return np.minimum(reach, -top), np.minimum(reach + 5.0 * camera.substrate_diffusion_um, bottom - camera.epi_um)


def matter_um(camera: Camera) -> tuple[float, float]:
    """Return z of the upper and the lower end of housing, glass, silicon and board: µm of silicon of equal mass."""
    layers = _layers(camera)
    return layers[0][0], layers[-1][1]


def _layers(camera: Camera) -> tuple[tuple[float, float, str], ...]:
    """Return upper and lower z and material of the glass above, the silicon, and board and housing below as glass.

    Thicknesses are those of silicon of equal mass, which stops electrons alike. The air between lens and sensor does
    not matter: electrons cross it.
    """
    of_glass = MATERIALS["glass"][1] / SILICON_DENSITY_G_CM3
    glass = of_glass * (camera.window_um + 1000.0 * camera.housing_mm)
    end = camera.epi_um + camera.substrate_um
    board = of_glass * 1000.0 * (camera.board_mm + camera.housing_mm)
    return (
        (-camera.cover_um - glass, -camera.cover_um, "glass"),
        (-camera.cover_um, end, "silicon"),
        (end, end + board, "glass"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Chances:
    """Interactions per photon by energy and layer, each array of shape (energies, layers).

    `low` and `high` are the depths in the layer between which an interaction can send an electron to where charge is
    collected, µm; `photo` is the share of the photoelectric effect.
    """

    chance: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    photo: NDArray[np.float64]


def _chances(camera: Camera, spectrum: Spectrum) -> _Chances:
    layers = _layers(camera)
    above, below = reach_um(camera, spectrum.energies_kev)
    tops, bottoms = np.array([[top, bottom] for top, bottom, _ in layers]).T
    low = np.maximum(tops, -above[:, None])
    high = np.maximum(np.minimum(bottoms, (camera.epi_um + below)[:, None]), low)
    pairs = [cross_sections(spectrum.energies_kev, material) for *_, material in layers]
    photo, compton = (np.stack(part, axis=1) for part in zip(*pairs, strict=True))
    chance = spectrum.weights[:, None] * (photo + compton) * SILICON_DENSITY_G_CM3 * (high - low) * 1e-4
    return _Chances(chance, low, high, photo / (photo + compton))


def interactions_per_photon(camera: Camera, spectrum: Spectrum) -> NDArray[np.float64]:
    """Return, by energy, the interactions per photon of normal incidence in the depth that matters.

    An oblique photon sees a smaller area and has a longer path: per fluence the figure is the same.
    """
    interactions: NDArray[np.float64] = _chances(camera, spectrum).chance.sum(axis=1)
    return interactions


def draw_vertices(camera: Camera, spectrum: Spectrum, count: int, rng: Generator, *, normal: bool = False) -> Vertices:
    """Draw interactions of a photon field with the sensor, all of equal weight.

    Parameters
    ----------
    camera, spectrum
        The photons as they reach the sensor, behind housing and cover glass.
    count : int
    rng : Generator
    normal : bool
        Photons come straight from the front; otherwise from everywhere alike.

    """
    chances = _chances(camera, spectrum)
    flat = rng.choice(chances.chance.size, count, p=(chances.chance / chances.chance.sum()).ravel())
    which, layer = np.divmod(flat, chances.chance.shape[1])
    photon_kev = spectrum.energies_kev[which]
    photoelectric = rng.random(count) < chances.photo[which, layer]
    low, high = chances.low[which, layer], chances.high[which, layer]
    z_um = low + rng.random(count) * (high - low)
    cosine = np.empty(count)
    energy_kev = np.empty(count)
    for line in np.unique(which):
        line_kev = float(spectrum.energies_kev[line])
        absorbed = np.flatnonzero((which == line) & photoelectric)
        free_kev = max(line_kev - K_EDGE_KEV, 0.0)
        energy_kev[absorbed] = free_kev
        cosine[absorbed] = _draw_cosines(rng, sauter_pdf(free_kev, _COSINES), len(absorbed))
        scattered = np.flatnonzero((which == line) & ~photoelectric)
        photon_cosine = _draw_cosines(rng, compton_pdf(line_kev, _COSINES), len(scattered))
        ratio = line_kev / ELECTRON_MASS_KEV
        energy_ratio = 1.0 / (1.0 + ratio * (1.0 - photon_cosine))
        energy_kev[scattered] = line_kev * (1.0 - energy_ratio)
        half = np.sqrt((1.0 - photon_cosine) / np.maximum(1.0 + photon_cosine, 1e-12))
        cosine[scattered] = np.cos(np.arctan2(1.0, (1.0 + ratio) * half))
    arriving = np.tile([0.0, 0.0, 1.0], (count, 1))
    if not normal:
        up = rng.uniform(-1.0, 1.0, count)
        arriving = rotated(arriving, up, rng.uniform(0.0, 2.0 * np.pi, count))
    position = np.zeros((count, 3))
    position[:, 2] = z_um
    electrons = Electrons(
        np.arange(count), energy_kev, position, rotated(arriving, cosine, rng.uniform(0.0, 2.0 * np.pi, count))
    )
    local_kev = np.where(photoelectric, np.minimum(K_EDGE_KEV, photon_kev), 0.0)
    return Vertices(photon_kev, z_um, photoelectric, electrons, local_kev)
