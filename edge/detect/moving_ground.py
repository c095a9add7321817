"""Moving ground: the blocks in which a hit could not be told from what moves, shakes or flashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from edge.detect.describe import TILE
from edge.detect.noise_map import BLOCK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.detect.hit import Candidate
    from edge.detect.noise_map import Blocks, NoiseMap
    from edge.detect.sweep import Indices
    from edge.detect.view import Greys

_MOTION_SIGMAS = 2.5
_MIN_MOTION_DN = 4.0
_CROWD = 4
"""This many candidates in a tile of 64×64 pixels are seldom radiation, so the tile is examined."""
_MANY_POINTS = 64
"""This many pixels of a tile above their floor are more than a hit has, so the tile is examined, too."""
_DIPS_OF_SHAKING = 0.2
_FLASH_DN = 4.0


def above_noise(motion_dn: Blocks, noise: NoiseMap) -> NDArray[np.bool_]:
    """Return the blocks whose mean |next − previous| is more than noise."""
    moving: NDArray[np.bool_] = motion_dn > np.maximum(_MOTION_SIGMAS * noise.sigma_dn, _MIN_MOTION_DN)
    return moving


def moving_ground(
    greys: Greys, motion: Blocks, points: Indices, candidates: tuple[Candidate, ...], noise: NoiseMap
) -> NDArray[np.bool_]:
    """Return the blocks that move: by |next − previous|, or by more spikes in a tile than radiation makes."""
    moving = above_noise(motion, noise)
    height, width = greys[1].shape
    tiles = (-(-height // TILE), -(-width // TILE))
    crowd = np.array([place.y // TILE * tiles[1] + place.x // TILE for place in candidates], np.intp)
    spikes = points // (width * TILE) * tiles[1] + points % width // TILE
    crowded = (np.bincount(crowd, minlength=tiles[0] * tiles[1]) >= _CROWD) | (
        np.bincount(spikes, minlength=tiles[0] * tiles[1]) >= _MANY_POINTS
    )
    if not crowded.any():
        return moving
    rows, columns = np.divmod(np.flatnonzero(crowded), tiles[1])
    blocks = TILE // BLOCK
    shaking = _shake_or_flash(greys, noise, rows * TILE, columns * TILE)
    for row, column in zip(rows[shaking].tolist(), columns[shaking].tolist(), strict=True):
        moving[row * blocks : (row + 1) * blocks, column * blocks : (column + 1) * blocks] = True
    return moving


def _shake_or_flash(greys: Greys, noise: NoiseMap, tops: Indices, lefts: Indices) -> NDArray[np.bool_]:
    """Return which tiles with many spikes shake or flash, which hits do not, shape (n,).

    A camera that shakes to and fro leaves nothing in |next − previous|, but makes pixels of the middle frame darker as
    well as brighter. A flash brightens the whole tile. All tiles are examined at once, as calls for each of them would
    make other threads wait.
    """
    height, width = greys[1].shape
    high, wide = min(TILE, height), min(TILE, width)
    ys, xs = np.minimum(tops, height - high), np.minimum(lefts, width - wide)
    count = tops.size
    previous, current, following, floor = (
        sliding_window_view(picture, (high, wide))[ys, xs].reshape(count * high, wide)
        for picture in (*greys, noise.floor_dn)
    )
    # A tile that the border cuts is moved inside; the pixels of its neighbours do not count.
    outside = (np.arange(high) < (tops - ys)[:, None])[:, :, None] | (np.arange(wide) < (lefts - xs)[:, None])[:, None]
    outside = outside.reshape(count * high, wide)
    spike = cv2.subtract(current, cv2.max(previous, following))
    dip = cv2.subtract(cv2.min(previous, following), current)
    spike[outside] = dip[outside] = 0
    spikes, dips, light = (
        np.add.reduce(values.reshape(count, -1), axis=1, dtype=np.int64)
        for values in (cv2.subtract(spike, floor) > 0, cv2.subtract(dip, floor) > 0, spike)
    )
    pixels = np.minimum(TILE, height - tops) * np.minimum(TILE, width - lefts)
    sigma = noise.sigma_dn[tops // BLOCK, lefts // BLOCK].astype(np.float64)
    shaking: NDArray[np.bool_] = (dips > _DIPS_OF_SHAKING * spikes) | (light / pixels > _FLASH_DN + sigma)
    return shaking
