"""From energy in the silicon to electrons in pixels: pair creation, diffusion, collection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from trainer.sensor.diffusion import sideways_variance_um2

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.sensor.camera import Camera
    from trainer.sensor.electrons import Deposits

MAX_SIDE_PX = 400  # a track that spreads further (one in thousands of muons) is cut there
_MIN_EDGE_E = 4.0  # rows and columns at the border of a hit with fewer electrons in every pixel are cut away
_CHUNK_ELECTRONS = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class ChargeMaps:
    """Charge of hits in pixels.

    Attributes
    ----------
    maps : list of float32 arrays, each of shape (h, w)
        Electrons; the smallest rectangle that holds the hit.
    hit : int64 array, shape (n,)
        Number of each hit as in the deposits.

    """

    maps: list[NDArray[np.float32]] = field(repr=False)
    hit: NDArray[np.int64]


def collected_electrons(camera: Camera, deposits: Deposits, rng: Generator) -> NDArray[np.int64]:
    """Draw the electrons of each deposit that reach a pixel: pairs with Fano fluctuation, lost deep below."""
    pairs = deposits.energy_kev * 1000.0 / camera.pair_ev
    drawn = np.maximum(rng.normal(pairs, np.sqrt(camera.fano * pairs)), 0.0)
    whole = np.floor(drawn + rng.random(len(drawn))).astype(np.int64)
    depth = deposits.position_um[:, 2]
    chance = np.exp(-np.maximum(depth - camera.epi_um, 0.0) / max(camera.substrate_diffusion_um, 1e-6))
    chance = np.where(depth < 0, 0.0, chance)
    return rng.binomial(whole, chance)


def charge_maps(camera: Camera, deposits: Deposits, rng: Generator, min_peak_e: float = 0.0) -> ChargeMaps:
    """Bin the electrons of every hit into pixels; each hit falls on a random place within a pixel.

    Hits whose brightest pixel holds fewer than `min_peak_e` electrons are left out.
    """
    electrons = collected_electrons(camera, deposits, rng)
    order = np.argsort(deposits.hit, kind="stable")
    hits, start = np.unique(deposits.hit[order], return_index=True)
    totals = np.add.reduceat(electrons[order], start) if len(start) else np.empty(0, np.int64)
    enough = totals >= max(min_peak_e, 1)
    within = rng.random((len(hits), 2))
    maps: list[NDArray[np.float32]] = []
    ends = np.append(start[1:], len(order))
    batch: list[int] = []
    waiting = 0
    rows = np.flatnonzero(enough)
    for number, row in enumerate(rows):
        batch.append(int(row))
        waiting += int(totals[row])
        if waiting >= _CHUNK_ELECTRONS or number == len(rows) - 1:
            maps += _bin_electrons(
                camera, deposits, electrons, [order[start[i] : ends[i]] for i in batch], within=within[batch], rng=rng
            )
            batch, waiting = [], 0
    bright = np.array([charge.max() >= min_peak_e for charge in maps], np.bool_)
    return ChargeMaps([maps[i] for i in np.flatnonzero(bright)], hits[enough][bright])


def _bin_electrons(
    camera: Camera,
    deposits: Deposits,
    electrons: NDArray[np.int64],
    rows: list[NDArray[np.int64]],
    *,
    within: NDArray[np.float64],
    rng: Generator,
) -> list[NDArray[np.float32]]:
    flat = np.concatenate(rows)
    owner = np.repeat(np.arange(len(rows)), [len(of_hit) for of_hit in rows])
    counts = electrons[flat]
    source = np.repeat(flat, counts)
    owner = np.repeat(owner, counts)
    sigma = np.sqrt(sideways_variance_um2(camera, deposits.position_um[source, 2], rng))[:, None]
    place = deposits.position_um[source, :2] + sigma * rng.standard_normal((len(source), 2))
    pixel = np.floor(place / camera.pixel_um + within[owner]).astype(np.int64)
    bounds = np.searchsorted(owner, np.arange(len(rows) + 1))
    return [_counted(*pixel[bounds[i] : bounds[i + 1]].T) for i in range(len(rows))]


def _counted(x: NDArray[np.int64], y: NDArray[np.int64]) -> NDArray[np.float32]:
    """Count the electrons of a hit pixel by pixel; single electrons far from the rest do not widen it."""
    columns, rows, counts = _columns_rows_counts(x, y)
    core = counts >= min(_MIN_EDGE_E, counts.max())
    left, top = columns[core].min(), rows[core].min()
    right = min(columns[core].max(), left + MAX_SIDE_PX - 1)
    bottom = min(rows[core].max(), top + MAX_SIDE_PX - 1)
    inside = (columns >= left) & (columns <= right) & (rows >= top) & (rows <= bottom)
    charge = np.zeros((bottom - top + 1, right - left + 1), np.float32)
    charge[rows[inside] - top, columns[inside] - left] = counts[inside]
    return charge


def _columns_rows_counts(
    x: NDArray[np.int64], y: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the pixels that hold electrons, and how many each: three arrays of shape (n,)."""
    left, width = int(x.min()), int(x.max() - x.min()) + 1
    pixels, counts = np.unique(y * width + (x - left), return_counts=True)
    rows, columns = np.divmod(pixels, width)
    return columns + left, rows, counts.astype(np.int64)
