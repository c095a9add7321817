"""Pictures of hits without a scene: recorded by a covered camera, or simulated as one, ready to be added to footage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.data.recordings import CUT_PX, find_blotches
from trainer.errors import DatasetError
from trainer.film.cameras import random_cover_camera
from trainer.film.exposure import covered_picture
from trainer.scenes.footage import picture_files
from trainer.sensor.isp import GREY_OF_BGR
from trainer.sensor.tone import to_levels, to_linear

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.data.hits import HitBank

MIN_PEAK_DN = 20
"""A spot of a covered camera's picture that is darker may be noise: likewise in `trainer.data.recordings`."""
MANY = 1500
"""Pictures of hits of a kind that are enough to draw from."""
_MAX_MEAN_DN = 20  # a covered camera's picture is dark
_ROW = 6  # hits side by side in one covered camera's picture
_NEAREST = 12


def recorded_hits(folder: Path, most: int, rng: Generator) -> NDArray[np.uint8]:
    """Cut hits out of a covered camera's pictures, in this folder and those below it, in random order.

    A hit is a compact spot that stands in one picture and not in its neighbours by name.

    Returns
    -------
    uint8 array, shape (n, CUT_PX, CUT_PX, 3)
        Black around the hit, its brightest pixel in the middle; n is about `most` where there are so many.

    Raises
    ------
    DatasetError
        No hit.

    """
    folders = [folder, *sorted(inner for inner in folder.rglob("*") if inner.is_dir())]
    listed = [(files, i) for files in map(picture_files, folders) for i in range(len(files))]
    found: list[NDArray[np.uint8]] = []
    for number in rng.permutation(len(listed)).tolist():
        files, i = listed[number]
        picture, *beside = _dark([files[i], *files[max(i - 1, 0) : i], *files[i + 1 : i + 2]])
        if picture is not None:
            others = [one for one in beside if one is not None and one.shape == picture.shape]
            found += [one.patch for one in find_blotches(picture, others, files[i].name, i)]
        if len(found) >= most:
            break
    if not found:
        raise DatasetError(
            folder, "no hit in it", "name a folder of pictures (PNG) from a covered camera in a radiation field"
        )
    return np.array(found)


def _dark(files: Sequence[Path]) -> list[NDArray[np.uint8] | None]:
    """Read pictures; None in place of one that cannot be read or that a covered camera would not make."""
    read = [cv2.imread(str(file), cv2.IMREAD_COLOR) for file in files]
    return [one if one is not None and one.mean() <= _MAX_MEAN_DN else None for one in read]


def simulated_hits(bank: HitBank, count: int, rng: Generator) -> NDArray[np.uint8]:
    """Simulate such pictures: hits of the bank, a few dozen in each covered camera; shape as of `recorded_hits`."""
    found: list[NDArray[np.uint8]] = []
    side = 2 * CUT_PX
    while len(found) < count:
        cover = random_cover_camera(rng, _ROW * side)
        cell = side * cover.scale_down
        sensor = np.zeros((_ROW * cell, _ROW * cell), np.float32)
        for row, column in np.ndindex(_ROW, _ROW):
            maps = bank.draw_kind(rng).library.maps
            charge = maps[int(rng.integers(len(maps)))]
            height, width = charge.shape
            if max(height, width) <= CUT_PX:  # a longer track is no compact spot
                top, left = (
                    at * cell + cell // 2 - size // 2 + int(rng.integers(4))
                    for at, size in ((row, height), (column, width))
                )
                sensor[top : top + height, left : left + width] = charge
        picture = covered_picture(sensor, cover)
        for row, column in np.ndindex(_ROW, _ROW):
            patch = _centred(picture[row * side : (row + 1) * side, column * side : (column + 1) * side])
            if patch is not None:
                found.append(patch)
    return np.array(found[:count])


def _centred(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Cut the square around the brightest pixel; None where it is too dark or too near to the border."""
    bright = picture.max(axis=2)
    y, x = (int(v) for v in np.unravel_index(int(bright.argmax()), bright.shape))
    top, left = y - CUT_PX // 2, x - CUT_PX // 2
    if bright[y, x] < MIN_PEAK_DN or min(top, left) < 0 or max(top, left) + CUT_PX > len(bright):
        return None
    return picture[top : top + CUT_PX, left : left + CUT_PX]


@dataclass(frozen=True, slots=True, eq=False)
class HitPictures:
    """Pictures of hits with what is asked of each again and again.

    Attributes
    ----------
    patches : uint8 array, shape (n, CUT_PX, CUT_PX, 3)
    light : float32 array, shape (n, 3)
        Linear light of the pixel of brightest grey, 1 = white.
    pixels : int array, shape (n,)
        Pixels that are not black.

    """

    patches: NDArray[np.uint8] = field(repr=False)
    light: NDArray[np.float32] = field(repr=False)
    pixels: NDArray[np.int64]

    @staticmethod
    def of(patches: NDArray[np.uint8]) -> HitPictures:
        """Look at patches."""
        grey = (patches @ GREY_OF_BGR).reshape(len(patches), -1)
        brightest = patches.reshape(len(patches), -1, 3)[np.arange(len(patches)), grey.argmax(axis=1)]
        light = to_linear(brightest.astype(np.float32))
        return HitPictures(patches, light, np.count_nonzero(grey, axis=1))

    def __len__(self) -> int:
        return len(self.patches)

    def added_dn(self, ground: NDArray[np.float32]) -> NDArray[np.float32]:
        """Estimate the grey levels that each adds at its brightest pixel to a ground, float32 (3,), 0..255."""
        after = to_levels(to_linear(ground)[None] + self.light)
        added: NDArray[np.float32] = ((after - ground) @ GREY_OF_BGR).astype(np.float32)
        return added

    def like(
        self, added_dn: float, ground: NDArray[np.float32], rng: Generator, pixels: int | None = None
    ) -> NDArray[np.uint8]:
        """Give one that adds about so much on this ground and, where `pixels` is given, is about as large.

        Drawn from the dozen nearest by the ratios of (added + 1), cubed where size counts too, and of (pixels + 1).
        """
        unlike = np.log((self.added_dn(ground) + 1) / (added_dn + 1)).astype(np.float64)
        far: NDArray[np.float64] = np.abs(unlike)
        if pixels is not None:
            far = 3 * far + np.abs(np.log((self.pixels + 1) / (pixels + 1)))
        nearest = np.argpartition(far, min(_NEAREST, len(far)) - 1)[:_NEAREST]
        chosen: NDArray[np.uint8] = self.patches[int(rng.choice(nearest))]
        return chosen


def trimmed(patch: NDArray[np.uint8], turn: int) -> tuple[NDArray[np.uint8], int, int]:
    """Turn or mirror a patch in one of eight ways, cut the black away; give it with x, y of its brightest grey."""
    chosen = np.rot90(patch, turn % 4)
    chosen = chosen[:, ::-1] if turn >= 4 else chosen
    grey = chosen @ GREY_OF_BGR
    rows, columns = (np.flatnonzero(grey.any(axis=axis)) for axis in (1, 0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    y, x = (int(v) for v in np.unravel_index(int(grey[window].argmax()), grey[window].shape))
    return np.ascontiguousarray(chosen[window]), x, y
