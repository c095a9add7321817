"""A library of simulated hits, made once and kept on disk: charge maps in electrons, and how often they come."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from zipfile import BadZipFile

import numpy as np

from trainer.errors import SensorError
from trainer.sensor.charge import charge_maps
from trainer.sensor.electrons import Deposits, transport
from trainer.sensor.interactions import draw_vertices, interactions_per_photon, matter_um
from trainer.sensor.photons import PSV_S_PER_USV_H, Spectrum

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera

Value = TypeVar("Value", bound=np.generic)
MUON = "muon"  # name of the library of cosmic muons
ALPHA = "alpha"  # name of the library of alpha particles
LIBRARY_VERSION = 4  # raise it when the physics changes: cached libraries are then made anew
MIN_PEAK_E = 25.0  # a hit whose brightest pixel holds fewer electrons drowns in any camera's noise
MAX_BATCHES = 60
LARGEST_BATCH = 40_000
# What of the camera shapes a hit in the silicon; the rest acts on pictures and leaves the library as it is.
SILICON_FIELDS = (
    "pixel_um",
    "epi_um",
    "depletion_um",
    "substrate_um",
    "substrate_diffusion_um",
    "cover_um",
    "window_um",
    "housing_mm",
    "board_mm",
    "diffusion_um",
    "diffusion_slope",
    "charge_spread",
    "pair_ev",
    "fano",
)


@dataclass(frozen=True, slots=True, eq=False)
class HitLibrary:
    """Hits of one radiation in one sensor, all equally likely.

    Attributes
    ----------
    name : str
        Name of the nuclide or tube, "muon" or "alpha".
    maps : list of float32 arrays, each of shape (h, w)
        Electrons in the pixels of each hit.
    energy_kev : float32 array, shape (n,)
        Energy left in the layers that collect charge.
    photon_kev : float32 array, shape (n,)
        Energy of the photon (0 for muons and alpha particles).
    hits_per_fluence_cm2 : float
        Hits per unit fluence (cm⁻²) on one cm² of sensor: the share of particles that make a hit.
    hits_per_fluence_error : float
        Statistical standard error of `hits_per_fluence_cm2`.

    """

    name: str
    maps: list[NDArray[np.float32]] = field(repr=False)
    energy_kev: NDArray[np.float32] = field(repr=False)
    photon_kev: NDArray[np.float32] = field(repr=False)
    hits_per_fluence_cm2: float
    hits_per_fluence_error: float

    def __len__(self) -> int:
        return len(self.maps)

    def sample(self, rng: Generator, count: int) -> list[tuple[NDArray[np.float32], float]]:
        """Draw hits with replacement, turned at random; each is (charge in electrons, energy in keV)."""
        indices, turns = self.draw(rng, count)
        return [
            (turned(self.maps[index], int(turn)), float(self.energy_kev[index]))
            for index, turn in zip(indices, turns, strict=True)
        ]

    def draw(self, rng: Generator, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw numbers of hits with replacement, and a turn for each (see `turned`).

        Muons are mirrored only: most fall from above, so their tracks are not alike in rows and columns.
        """
        turns = 4 if self.name == MUON else 8
        return rng.integers(len(self.maps), size=count), rng.integers(turns, size=count)

    def hits_per_s(self, camera: Camera, fluence_rate_cm2_s: float) -> float:
        """Return the hits a second on the whole sensor at full duty in a fluence rate at the sensor."""
        return fluence_rate_cm2_s * camera.area_cm2 * self.hits_per_fluence_cm2

    def hits_per_s_per_usv_h(self, camera: Camera, spectrum: Spectrum) -> float:
        """Return the hits a second on the whole sensor at full duty per µSv/h of ambient dose equivalent rate."""
        return self.hits_per_s(camera, PSV_S_PER_USV_H / spectrum.psv_cm2)


def turned(picture: NDArray[Value], turn: int) -> NDArray[Value]:
    """Return a charge map or picture, shape (h, w, ...), in one of its eight positions.

    0 is as it is, 1 to 3 are mirrored, 4 to 7 are mirrored and transposed.

    Examples
    --------
    >>> charge = np.float32([[1, 2, 3]])
    >>> turned(charge, 2).tolist(), turned(charge, 4).tolist()
    ([[3.0, 2.0, 1.0]], [[1.0], [2.0], [3.0]])

    """
    mirrored = picture[:: -1 if turn & 1 else 1, :: -1 if turn & 2 else 1]
    return mirrored.swapaxes(0, 1) if turn & 4 else mirrored


def simulate_hits(
    camera: Camera,
    spectrum: Spectrum,
    count: int,
    seed: int,
    *,
    normal: bool = False,
    min_peak_e: float = MIN_PEAK_E,
) -> HitLibrary:
    """Simulate photons until `count` of them have made a hit.

    Parameters
    ----------
    camera : Camera
        Camera whose silicon is simulated. Its other properties do not matter.
    spectrum : Spectrum
        Spectrum of the photons at the sensor.
    count : int
    seed : int
    normal : bool
        Photons come straight from the front; otherwise from everywhere alike.
    min_peak_e : float
        Fewest electrons in the brightest pixel of a hit.

    Raises
    ------
    SensorError
        A radiation that makes next to no hits in this sensor.

    """
    rng = np.random.default_rng([LIBRARY_VERSION, seed])
    maps: list[NDArray[np.float32]] = []
    energy: list[NDArray[np.float64]] = []
    photon: list[NDArray[np.float64]] = []
    tried = 0
    batch = int(min(max(4 * count, 2000), LARGEST_BATCH))
    for _ in range(MAX_BATCHES):
        deposits, photon_kev = simulate_deposits(camera, spectrum, batch, rng, normal=normal)
        charges = charge_maps(camera, deposits, rng, min_peak_e)
        maps += charges.maps
        energy.append(np.bincount(deposits.hit, deposits.energy_kev, batch).astype(np.float64)[charges.hit])
        photon.append(photon_kev[charges.hit])
        tried += batch
        if len(maps) >= count:
            break
    if len(maps) < min(count, 100):
        raise SensorError(f"{spectrum.name}: {tried} simulated photons made {len(maps)} hits; this radiation is unfit")
    share = float(interactions_per_photon(camera, spectrum).sum()) / tried
    return HitLibrary(
        spectrum.name,
        maps[:count],
        np.concatenate(energy)[:count].astype(np.float32),
        np.concatenate(photon)[:count].astype(np.float32),
        share * len(maps),
        share * len(maps) ** 0.5,
    )


def simulate_deposits(
    camera: Camera, spectrum: Spectrum, count: int, rng: Generator, *, normal: bool = False
) -> tuple[Deposits, NDArray[np.float64]]:
    """Simulate `count` interactions: the energy left in the layers that collect charge, and each photon's energy."""
    zone = (0.0, camera.epi_um + 6.0 * camera.substrate_diffusion_um)
    bounds = matter_um(camera)
    vertices = draw_vertices(camera, spectrum, count, rng, normal=normal)
    tracks = transport(vertices.electrons, zone, rng, bounds)
    position = vertices.electrons.position_um
    local = np.flatnonzero((vertices.local_kev > 0) & (position[:, 2] >= zone[0]) & (position[:, 2] < zone[1]))
    deposits = Deposits(
        np.concatenate([tracks.hit, local]),
        np.concatenate([tracks.position_um, position[local]]),
        np.concatenate([tracks.energy_kev, vertices.local_kev[local]]),
    )
    return deposits, vertices.photon_kev


def build_library(
    spectrum: Spectrum,
    camera: Camera,
    count: int = 4000,
    seed: int = 1,
    *,
    normal: bool = False,
    cache: Path | None = None,
) -> HitLibrary:
    """Return a library of hits from the cache, or simulate it and keep it there.

    The cache is `cache`, or gammabox/hits in the user's cache folder; where it cannot be written, nothing is kept.
    """
    silicon = {name: getattr(camera, name) for name in SILICON_FIELDS}
    key = json.dumps([LIBRARY_VERSION, spectrum.name, silicon, count, seed, normal], sort_keys=True).encode()
    digest = hashlib.sha256(key + spectrum.energies_kev.tobytes() + spectrum.weights.tobytes()).hexdigest()
    path = (cache or cache_folder()) / f"{digest[:24]}.npz"
    cached = _read(path)
    if cached is not None:
        return cached
    library = simulate_hits(camera, spectrum, count, seed, normal=normal)
    _write(path, library)
    return library


def cache_folder() -> Path:
    """Return the folder in which libraries are kept: gammabox/hits in XDG_CACHE_HOME or ~/.cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gammabox" / "hits"


def _write(path: Path, library: HitLibrary) -> None:
    """Write a library to the cache; on a full or read-only disk it is simulated again at the next start."""
    shapes = np.array([charge.shape for charge in library.maps], np.int32).reshape(-1, 2)
    half_written = path.with_name(f"{path.stem}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half_written.open("wb") as file:
            np.savez(
                file,
                name=np.array(library.name),
                shapes=shapes,
                charge=np.concatenate([charge.ravel() for charge in library.maps]),
                energy_kev=library.energy_kev,
                photon_kev=library.photon_kev,
                hits_per_fluence=np.array([library.hits_per_fluence_cm2, library.hits_per_fluence_error]),
            )
        half_written.replace(path)
    except OSError:
        half_written.unlink(missing_ok=True)


def _read(path: Path) -> HitLibrary | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            shapes, flat = arrays["shapes"], arrays["charge"]
            ends = np.cumsum(shapes.prod(axis=1))
            maps = [part.reshape(shape) for part, shape in zip(np.split(flat, ends[:-1]), shapes.tolist(), strict=True)]
            rate, error = (float(value) for value in arrays["hits_per_fluence"])
            return HitLibrary(str(arrays["name"]), maps, arrays["energy_kev"], arrays["photon_kev"], rate, error)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None  # not there yet, or cut off by a crash: it is made anew
