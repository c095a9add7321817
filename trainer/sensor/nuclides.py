"""Photon lines and half-lives of radionuclides, from ICRP Publication 107 by way of the package icrp107-database."""

from __future__ import annotations

import difflib
import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np

from edge.arguments import takes
from trainer.errors import SensorError, UnknownNuclideError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "y": 365.2422 * 86400.0}

# Progeny that is in equilibrium with its parent in any source that has stood for a while, with the share of the
# parent's decays that lead to it (ICRP 107, decay schemes; the package holds emissions, not branchings).
EQUILIBRIUM_PROGENY: dict[str, tuple[tuple[str, float], ...]] = {
    "Cs-137": (("Ba-137m", 0.944),),
    "Mo-99": (("Tc-99m", 0.8773),),
    "Sr-90": (("Y-90", 1.0),),
    "Ru-106": (("Rh-106", 1.0),),
    "Ce-144": (("Pr-144", 0.9999),),
    "Ge-68": (("Ga-68", 1.0),),
}
MIN_LINE_KEV = 5.0  # softer X-rays do not leave a source's capsule
LINE_KINDS = ("gamma", "X", "annihilation")


@dataclass(frozen=True, slots=True, eq=False)
class Nuclide:
    """A radionuclide with its photon lines, those of progeny in equilibrium included.

    Attributes
    ----------
    name : str
        Name in the notation of ICRP 107, e.g. Tc-99m.
    half_life_s : float
    energies_kev : float64 array, shape (n,), ascending
    photons_per_decay : float64 array, shape (n,)
        Photons a decay of the parent.

    """

    name: str
    half_life_s: float
    energies_kev: NDArray[np.float64] = field(repr=False)
    photons_per_decay: NDArray[np.float64] = field(repr=False)

    def remaining(self, elapsed_s: float) -> float:
        """Return the share of the activity that is left after `elapsed_s` seconds: 2^(−t / T½)."""
        return float(2.0 ** (-elapsed_s / self.half_life_s))


@lru_cache(maxsize=1)
def known_nuclides() -> tuple[str, ...]:
    """List the names of the 1252 radionuclides of ICRP 107."""
    folder = resources.files("icrp107_database") / "icrp107"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


def canonical_name(name: str) -> str:
    """Return the name as ICRP 107 writes it: tc99m, TC-99M, 99mTc and Tc-99m are the same.

    Raises
    ------
    UnknownNuclideError
        There is no such nuclide. The message names the most similar ones.

    """
    squeezed = re.sub(r"[\s_-]", "", name.lower())
    turned = re.sub(r"^(\d+m?n?)([a-z]+)$", r"\2\1", squeezed)
    index = {known.lower().replace("-", ""): known for known in known_nuclides()}
    for spelling in (squeezed, turned):
        if spelling in index:
            return index[spelling]
    near = difflib.get_close_matches(turned, index, n=3, cutoff=0.6)
    raise UnknownNuclideError(name, tuple(index[spelling] for spelling in near))


@takes(name=str)
def load_nuclide(name: str) -> Nuclide:
    """Read a nuclide's photon lines above 5 keV and its half-life.

    Raises
    ------
    UnknownNuclideError
        A name that ICRP 107 does not hold.
    SensorError
        A nuclide without photons (a pure beta or alpha emitter).

    Examples
    --------
    >>> source = load_nuclide("99mTc")
    >>> source.name, round(source.half_life_s / 3600, 1)
    ('Tc-99m', 6.0)
    >>> strongest = source.photons_per_decay.argmax()
    >>> round(float(source.energies_kev[strongest]), 1), round(float(source.photons_per_decay[strongest]), 2)
    (140.5, 0.89)

    """
    known = canonical_name(name)
    half_life_s, lines = _emissions(known)
    for daughter, share in EQUILIBRIUM_PROGENY.get(known, ()):
        _, from_daughter = _emissions(daughter)
        lines = np.concatenate([lines, from_daughter * [1.0, share]])
    lines = lines[lines[:, 0] >= MIN_LINE_KEV]
    if not lines.size or lines[:, 1].sum() < 1e-6:
        raise SensorError(f"{known} gives no photons above {MIN_LINE_KEV:g} keV; choose a gamma emitter such as Tc-99m")
    lines = lines[np.argsort(lines[:, 0], kind="stable")]
    return Nuclide(known, half_life_s, lines[:, 0], lines[:, 1])


def _emissions(name: str) -> tuple[float, NDArray[np.float64]]:
    """Return half-life in seconds and the photon lines, shape (n, 2): keV, photons a decay of this very nuclide."""
    path = resources.files("icrp107_database") / "icrp107" / f"{name}.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(record, str):  # some releases of the package hold JSON within JSON
        record = json.loads(record)
    lines = [line for kind in LINE_KINDS for line in record["emissions"].get(kind, ())]
    table = np.array(lines, np.float64).reshape(-1, 2) * [1000.0, 1.0]
    return float(record["half_life"]) * SECONDS[record["time_unit"]], table
