"""How far charge spreads sideways before the depleted silicon collects it: two laws, by depth.

"gaussian" is the usual rule of thumb: a Gaussian whose σ grows in proportion to the depth below the depleted part.
"first_passage" is diffusion without a field: an electron wanders until it happens to reach the depleted part. Most do
so soon and some very late, so the tails are far heavier (those of a Cauchy law in thick silicon). The border between
epitaxial layer and substrate reflects electrons; those of the substrate recombine unless they cross it early.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera

_EDGE_UM = 1e-6  # so near to a border an electron has reached it
_TERMS = 60
_LATEST = 12.0  # in units of (half width)²: all but e^−15 have left


def sideways_variance_um2(camera: Camera, depth_um: NDArray[np.float64], rng: Generator) -> NDArray[np.float64]:
    """Draw, for each electron, the variance of its sideways step in each direction, µm².

    Parameters
    ----------
    camera : Camera
    depth_um : float64 array, shape (n,)
        Depth below the upper face of the epitaxial layer at which each electron was set free.
    rng : Generator
        Only "first_passage" draws from it.

    """
    below = np.maximum(depth_um - camera.depletion_um, 0.0)
    depleted = camera.diffusion_um**2
    if camera.charge_spread == "gaussian":
        return depleted + (camera.diffusion_slope * below) ** 2
    thickness = camera.epi_um - camera.depletion_um
    under = np.maximum(depth_um - camera.epi_um, 0.0)
    variance = depleted + _from_substrate(under, camera.substrate_diffusion_um, rng)
    return variance + first_passage_um2(np.minimum(below, thickness), thickness, rng)


def first_passage_um2(distance_um: NDArray[np.float64], thickness_um: float, rng: Generator) -> NDArray[np.float64]:
    """Draw twice the diffusion constant times the time in which electrons first get from a depth to the surface.

    Parameters
    ----------
    distance_um : float64 array, shape (n,)
        Depth of each electron in the layer without field, 0 to `thickness_um`.
    thickness_um : float
        Thickness of that layer. Its lower face reflects.
    rng : Generator

    Returns
    -------
    float64 array, shape (n,)
        µm²: the variance of the sideways step in each direction. Its mean is distance × (2 × thickness − distance).

    """
    chances, times = _exit_times()
    place = np.array(distance_um, np.float64)
    variance = np.zeros(len(place))
    moving = np.flatnonzero(place > _EDGE_UM)
    while moving.size:
        # A lower face that reflects is a mirror: leaving (0, 2 × thickness) is getting to the surface. The time to
        # leave an interval around the place follows one law whatever its width; both ends are equally likely.
        half = np.minimum(place[moving], 2.0 * thickness_um - place[moving])
        variance[moving] += half**2 * np.interp(rng.random(len(moving)), chances, times)
        place[moving] += np.where(rng.random(len(moving)) < 0.5, -half, half)
        moving = moving[(place[moving] > _EDGE_UM) & (place[moving] < 2.0 * thickness_um - _EDGE_UM)]
    return variance


def _from_substrate(distance_um: NDArray[np.float64], length_um: float, rng: Generator) -> NDArray[np.float64]:
    """Draw likewise for electrons that leave the substrate before they recombine: an inverse Gaussian law."""
    variance = np.zeros(len(distance_um))
    deep = np.flatnonzero(distance_um > _EDGE_UM)
    if length_um > 0:
        distance = distance_um[deep]
        variance[deep] = rng.wald(distance * length_um, distance**2)
    return variance


@lru_cache(maxsize=1)
def _exit_times() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Tabulate the chance to have left (−1, 1) from its middle by the variance that has built up."""
    times = np.concatenate([[0.0], np.geomspace(0.02, _LATEST, 2000)])
    order = 2 * np.arange(_TERMS) + 1
    signs = np.where(np.arange(_TERMS) % 2, -1.0, 1.0)
    inside = 4.0 / np.pi * (signs / order) @ np.exp(-(order[:, None] ** 2) * np.pi**2 * times[1:] / 8.0)
    chances = np.concatenate([[0.0], np.maximum.accumulate(1.0 - inside)])
    chances[-1] = 1.0
    return chances, times
