"""Electrons and muons on their way through the silicon: where along their tracks they leave how much energy.

A mixed simulation: collisions that transfer more than 1 keV are drawn one by one (their electrons go on as tracks of
their own), softer ones are a loss that fluctuates about the restricted stopping power; angles follow a screened
Rutherford law whose mean is that of the transport mean free path. Straggling of Landau's kind comes out of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.attenuation import ELECTRON_MASS_KEV
from trainer.sensor.interactions import Electrons, rotated
from trainer.sensor.stopping import (
    HALF_K_KEV_CM2_G,
    KEV_UM_PER_KEV_CM2_G,
    MEAN_EXCITATION_KEV,
    csda_range_um,
    density_effect,
    rutherford_kev_um,
    speed_squared,
    stopping_kev_um,
    transport_path_um,
)

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

HARD_KEV = 1.0  # collisions above are drawn one by one
END_KEV = 0.5  # range 0.02 µm: what is left stays at the spot
STEP_UM = 0.5  # in and near the layer that collects
RANGE_SHARE = 0.12  # a step is at most this share of the range left
MAX_STEPS = 20000
_TABLE_KEV = np.geomspace(0.3, 4000.0, 500)


@dataclass(frozen=True, slots=True, eq=False)
class Deposits:
    """Energy left in the layer that collects charge, a row per step of a track.

    Attributes
    ----------
    hit : int64 array, shape (n,)
    position_um : float64 array, shape (n, 3)
    energy_kev : float64 array, shape (n,)

    """

    hit: NDArray[np.int64]
    position_um: NDArray[np.float64] = field(repr=False)
    energy_kev: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class _Tracks:
    """Particles still under way; row i of every array is one of them."""

    hit: NDArray[np.int64]
    energy: NDArray[np.float64]
    position: NDArray[np.float64]
    direction: NDArray[np.float64]

    def keep(self, mask: NDArray[np.bool_]) -> None:
        self.hit, self.energy = self.hit[mask], self.energy[mask]
        self.position, self.direction = self.position[mask], self.direction[mask]

    def add(self, other: Electrons) -> None:
        self.hit = np.concatenate([self.hit, other.hit])
        self.energy = np.concatenate([self.energy, other.energy_kev])
        self.position = np.concatenate([self.position, other.position_um])
        self.direction = np.concatenate([self.direction, other.direction])


def screening_of_mean(one_less_cosine: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the screening η for which the law p(µ) ∝ 1/(µ + η)², µ = (1 − cos θ)/2, has this mean of 1 − cos θ."""
    return np.interp(one_less_cosine, _MEANS, _SCREENINGS)


_SCREENINGS = np.geomspace(1e-9, 1e4, 4000)
_MEANS = 2.0 * _SCREENINGS * ((1.0 + _SCREENINGS) * np.log1p(1.0 / _SCREENINGS) - 1.0)


def draw_cosines(one_less_cosine: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Draw scattering cosines whose mean is 1 − `one_less_cosine`."""
    eta = screening_of_mean(one_less_cosine)
    u = rng.random(len(eta))
    cosine: NDArray[np.float64] = 1.0 - 2.0 * eta * u / (1.0 + eta - u)
    return cosine


def soft_loss(mean: NDArray[np.float64], variance: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Draw losses, keV, of a gamma distribution with this mean and variance: never negative, skewed as losses are."""
    safe = np.maximum(mean, 1e-12)
    shape = np.clip(safe**2 / np.maximum(variance, 1e-18), 1e-3, 1e9)
    loss: NDArray[np.float64] = rng.gamma(shape) * safe / shape
    return loss


def transport(
    electrons: Electrons, zone_um: tuple[float, float], rng: Generator, bounds_um: tuple[float, float] | None = None
) -> Deposits:
    """Follow electrons until they stop or can no longer reach the zone that collects charge.

    Parameters
    ----------
    electrons : Electrons
    zone_um : (float, float)
        Upper and lower z of the zone whose deposits are kept.
    rng : Generator
    bounds_um : (float, float), optional
        z of the upper and lower face of the matter, beyond which particles are lost; without it there is no end.

    """
    tables = _Tables()
    low, high = zone_um
    tracks = _Tracks(electrons.hit, electrons.energy_kev, electrons.position_um, electrons.direction)
    deposits: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []

    def deposit(mask: NDArray[np.bool_], position: NDArray[np.float64], energy: NDArray[np.float64]) -> None:
        inside = mask & (position[:, 2] >= low) & (position[:, 2] < high) & (energy > 0)
        if inside.any():
            deposits.append((tracks.hit[inside], position[inside], energy[inside]))

    for _ in range(MAX_STEPS):
        z = tracks.position[:, 2]
        away = np.maximum(np.maximum(low - z, z - high), 0.0)
        stopped = tracks.energy < END_KEV
        deposit(stopped, tracks.position, tracks.energy)
        gone = stopped | (away > csda_range_um(tracks.energy))
        if bounds_um is not None:
            gone |= (z < bounds_um[0]) | (z > bounds_um[1])
        tracks.keep(~gone)
        if not tracks.energy.size:
            break
        away, energy = away[~gone], tracks.energy
        step = np.minimum(np.maximum(away, STEP_UM), RANGE_SHARE * csda_range_um(energy))
        step = np.minimum(step, 0.5 * tables.transport(energy))
        lost, delta_kev = _losses(energy, step, tables, rng)
        middle = tracks.position + tracks.direction * (step * rng.random(len(step)))[:, None]
        deposit(np.ones(len(step), np.bool_), middle, lost)
        tracks.position = tracks.position + tracks.direction * step[:, None]
        secondaries = _delta_electrons(tracks, energy, delta_kev, rng)
        tracks.energy = energy - lost - delta_kev
        cosine = draw_cosines(-np.expm1(-step / tables.transport(energy)), rng)
        tracks.direction = rotated(tracks.direction, cosine, rng.uniform(0.0, 2.0 * np.pi, len(cosine)))
        tracks.add(secondaries)
    return _joined(deposits)


def straight_tracks(
    electrons: Electrons, mass_kev: float, zone_um: tuple[float, float], rng: Generator, step_um: float = 0.5
) -> Deposits:
    """Send heavy charged particles (muons) straight through the zone; their knock-on electrons are followed.

    Parameters
    ----------
    electrons : Electrons
        The particles, all above the zone, going down.
    mass_kev : float
    zone_um : (float, float)
    rng : Generator
    step_um : float
        Depth, not path, of a step.

    """
    low, high = zone_um
    count = len(electrons.hit)
    slant = 1.0 / np.maximum(electrons.direction[:, 2], 1e-3)
    steps = max(round((high - low) / step_um), 1)
    depth = (high - low) / steps
    energy = electrons.energy_kev
    path = depth * slant
    xi = rutherford_kev_um(energy, mass_kev)
    gamma = 1.0 + energy / mass_kev
    top = 2.0 * ELECTRON_MASS_KEV * (gamma**2 - 1.0) / (1.0 + 2.0 * gamma * ELECTRON_MASS_KEV / mass_kev)
    top = np.minimum(top, 3000.0)
    restricted = _restricted_heavy_kev_um(energy, mass_kev)
    deposits: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]] = []
    hard: list[Electrons] = []
    for i in range(steps):
        along = (low + (i + rng.random(count)) * depth - electrons.position_um[:, 2]) * slant
        position = electrons.position_um + electrons.direction * along[:, None]
        deposits.append((electrons.hit, position, soft_loss(restricted * path, xi * HARD_KEV * path, rng)))
        struck = np.flatnonzero(rng.random(count) < -np.expm1(-xi * path * (1.0 / HARD_KEV - 1.0 / top)))
        share = rng.random(len(struck))
        delta = 1.0 / (1.0 / HARD_KEV - share * (1.0 / HARD_KEV - 1.0 / top[struck]))
        cosine = np.sqrt(delta / top[struck] * (top[struck] + 2 * ELECTRON_MASS_KEV) / (delta + 2 * ELECTRON_MASS_KEV))
        azimuth = rng.uniform(0.0, 2.0 * np.pi, len(struck))
        direction = rotated(electrons.direction[struck], np.minimum(cosine, 1.0), azimuth)
        hard.append(Electrons(electrons.hit[struck], delta, position[struck], direction))
    knocked = Electrons(
        np.concatenate([e.hit for e in hard]),
        np.concatenate([e.energy_kev for e in hard]),
        np.concatenate([e.position_um for e in hard]),
        np.concatenate([e.direction for e in hard]),
    )
    tails = transport(knocked, zone_um, rng)
    deposits.append((tails.hit, tails.position_um, tails.energy_kev))
    return _joined(deposits)


class _Tables:
    """Stopping, collision strength and transport path by energy, tabulated once a call: lookups cost less."""

    def __init__(self) -> None:
        self._path = transport_path_um(_TABLE_KEV)
        xi = rutherford_kev_um(_TABLE_KEV)
        hard = np.where(_TABLE_KEV > 2 * HARD_KEV, xi * np.log(np.maximum(_TABLE_KEV / (2 * HARD_KEV), 1.0)), 0.0)
        self._soft = np.maximum(stopping_kev_um(_TABLE_KEV) - hard, 1e-6)
        self._xi = xi

    def transport(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(energy, _TABLE_KEV, self._path)

    def soft(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(energy, _TABLE_KEV, self._soft)

    def xi(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.interp(energy, _TABLE_KEV, self._xi)


def _losses(
    energy: NDArray[np.float64], step: NDArray[np.float64], tables: _Tables, rng: Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw what each electron loses softly on the step and what one hard collision takes (0 without one), keV."""
    xi = tables.xi(energy)
    top = 0.5 * energy  # of two electrons the slower counts as the knocked one
    lost = np.minimum(soft_loss(tables.soft(energy) * step, xi * np.minimum(HARD_KEV, top) * step, rng), energy)
    span = np.maximum(1.0 / HARD_KEV - 1.0 / np.maximum(top, HARD_KEV), 0.0)
    struck = rng.random(len(energy)) < -np.expm1(-xi * step * span)
    delta = np.where(struck, 1.0 / (1.0 / HARD_KEV - rng.random(len(energy)) * span), 0.0)
    return lost, np.where(delta < energy - lost, delta, 0.0)


def _delta_electrons(
    tracks: _Tracks, energy: NDArray[np.float64], delta_kev: NDArray[np.float64], rng: Generator
) -> Electrons:
    struck = np.flatnonzero(delta_kev > 0)
    knocked, incident = delta_kev[struck], energy[struck]
    cosine = np.sqrt(knocked * (incident + 2 * ELECTRON_MASS_KEV) / (incident * (knocked + 2 * ELECTRON_MASS_KEV)))
    azimuth = rng.uniform(0.0, 2.0 * np.pi, len(struck))
    direction = rotated(tracks.direction[struck], np.minimum(cosine, 1.0), azimuth)
    return Electrons(tracks.hit[struck], knocked, tracks.position[struck], direction)


def _restricted_heavy_kev_um(energy: NDArray[np.float64], mass_kev: float) -> NDArray[np.float64]:
    """Return a heavy particle's loss in collisions below HARD_KEV, keV/µm (Review of Particle Physics, 34.2.5)."""
    beta2 = speed_squared(energy, mass_kev)
    gamma2 = 1.0 / (1.0 - beta2)
    bracket = (
        np.log(2.0 * ELECTRON_MASS_KEV * beta2 * gamma2 * HARD_KEV / MEAN_EXCITATION_KEV**2)
        - beta2
        - density_effect(energy, mass_kev)
    )
    kev_um: NDArray[np.float64] = HALF_K_KEV_CM2_G * KEV_UM_PER_KEV_CM2_G / beta2 * bracket
    return kev_um


def _joined(deposits: list[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]]) -> Deposits:
    if not deposits:
        return Deposits(np.empty(0, np.int64), np.empty((0, 3)), np.empty(0))
    hit, position, energy = (np.concatenate(parts) for parts in zip(*deposits, strict=True))
    return Deposits(hit, position, energy)
