"""Hits for datasets: charge maps of several radiations in several kinds of silicon, chosen by what they will add."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.alphas import alpha_library
from trainer.sensor.attenuation import Layer
from trainer.sensor.camera import OV2710, Camera, change
from trainer.sensor.library import ALPHA, MUON, HitLibrary, build_library, turned
from trainer.sensor.muons import muon_library
from trainer.sensor.photons import Spectrum, source_spectrum
from trainer.sensor.tone import encoded_light, linear_light
from trainer.sensor.tube import tube_spectrum

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

HITS_PER_LIBRARY = 1500
LIBRARY_SEED = 7
_TUBE_FILTER = (Layer("aluminium", 10.0),)
_CHOICES = 24  # hits to choose from for the one that adds about what is wanted


@dataclass(frozen=True, slots=True)
class HitKind:
    """A radiation in a kind of silicon."""

    nuclide: str
    silicon: str
    library: HitLibrary = field(repr=False)
    peak_e: NDArray[np.float32] = field(repr=False)


_SILICON: dict[str, Camera] = {
    "ov2710": OV2710,
    "thin": change(OV2710, epi_um=3.0, depletion_um=1.2, diffusion_um=0.4, substrate_diffusion_um=0.5),
    "thick": change(OV2710, epi_um=12.0, depletion_um=3.0, diffusion_um=0.8, substrate_diffusion_um=4.0),
    "fine": change(OV2710, pixel_um=2.0, epi_um=4.0, depletion_um=2.0, diffusion_um=0.5),
    "sharp": change(
        OV2710, pixel_um=3.5, epi_um=7.0, diffusion_um=0.4, diffusion_slope=0.8, substrate_diffusion_um=0.5
    ),
    "diffuse": change(OV2710, epi_um=6.0, depletion_um=1.5, charge_spread="first_passage"),
    "deep": change(OV2710, epi_um=20.0, depletion_um=4.0, substrate_diffusion_um=3.0, charge_spread="first_passage"),
    "small": change(OV2710, pixel_um=1.4, epi_um=8.0, depletion_um=3.0, charge_spread="first_passage"),
    "wide": change(OV2710, pixel_um=1.4, epi_um=25.0, depletion_um=4.0, charge_spread="first_passage"),
}
_KINDS: tuple[tuple[str, str, float], ...] = (
    ("Tc-99m", "ov2710", 3),
    ("Tc-99m", "thin", 2),
    ("Tc-99m", "sharp", 2),
    ("Tc-99m", "thick", 2),
    ("Tc-99m", "fine", 2),
    ("Tc-99m", "diffuse", 3),
    ("Tc-99m", "deep", 2),
    ("Tc-99m", "small", 2),
    ("tube-100kV", "sharp", 2),
    ("tube-100kV", "diffuse", 1),
    ("tube-100kV", "small", 1),
    ("tube-60kV", "ov2710", 1),
    ("Am-241", "diffuse", 1),
    ("I-131", "ov2710", 1),
    ("Cs-137", "ov2710", 0.5),
    ("Cs-137", "deep", 0.5),
    ("Co-60", "thick", 1),
    (MUON, "ov2710", 0.25),
    (MUON, "deep", 0.5),
    ("Tc-99m", "wide", 2),
    ("Co-60", "wide", 1),
    (MUON, "wide", 0.5),
    (ALPHA, "ov2710", 1),
    (ALPHA, "small", 2),
)


@dataclass(frozen=True, slots=True)
class HitBank:
    """All kinds of hits of a dataset with the weights they are drawn by."""

    kinds: tuple[HitKind, ...]
    weights: NDArray[np.float64] = field(repr=False)

    def choose(
        self,
        rng: Generator,
        kind: HitKind,
        ground_dn: float,
        wanted_dn: float,
        light_of: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    ) -> NDArray[np.float32]:
        """Draw two dozen hits and return the charge map that adds nearest to `wanted_dn` grey levels on its ground.

        No charge is scaled, so on bright ground the hit may add less than is wanted. `light_of` returns the linear
        light that hits add to grey at their brightest pixel, 1 = white, by the electrons there.

        Returns
        -------
        float32 array, shape (h, w)

        """
        drawn = rng.integers(len(kind.library), size=_CHOICES)
        light = float(linear_light(ground_dn / 255)) + light_of(kind.peak_e[drawn])
        added = 255 * encoded_light(np.minimum(light, 1.0)) - ground_dn
        nearest = int(drawn[np.argmin(np.abs(np.log((added + 1) / (wanted_dn + 1))))])
        return turned(kind.library.maps[nearest], int(rng.integers(8)))

    def draw_kind(self, rng: Generator) -> HitKind:
        """Draw a radiation and its silicon by weight."""
        return self.kinds[int(rng.choice(len(self.kinds), p=self.weights))]


RADIATIONS: tuple[str, ...] = tuple(dict.fromkeys(nuclide for nuclide, *_ in _KINDS))


@lru_cache(maxsize=2)
def hit_bank(radiations: tuple[str, ...] = RADIATIONS, hits_a_kind: int = HITS_PER_LIBRARY) -> HitBank:
    """Return the bank: simulated at the first call on a machine (about a minute), read from the cache afterwards.

    `radiations` are from RADIATIONS; each is in one or more kinds of silicon.
    """
    kinds = []
    listed = [kind for kind in _KINDS if kind[0] in radiations]
    for nuclide, silicon, _ in listed:
        camera = _SILICON[silicon]
        if nuclide == MUON:
            library = muon_library(camera, hits_a_kind, LIBRARY_SEED)
        elif nuclide == ALPHA:
            library = alpha_library(camera, hits_a_kind, LIBRARY_SEED)
        else:
            library = build_library(_spectrum(nuclide), camera, hits_a_kind, LIBRARY_SEED)
        peaks = np.array([charge.max() for charge in library.maps], np.float32)
        kinds.append(HitKind(nuclide, silicon, library, peaks))
    weights = np.array([weight for *_, weight in listed], np.float64)
    return HitBank(tuple(kinds), weights / weights.sum())


def _spectrum(name: str) -> Spectrum:
    if name.startswith("tube-"):
        return tube_spectrum(float(name.removeprefix("tube-").removesuffix("kV")), _TUBE_FILTER)
    return source_spectrum(name)
