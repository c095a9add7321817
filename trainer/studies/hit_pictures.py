"""Pictures of hits without a scene: recorded by a covered camera, or simulated as one, ready to be added to footage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge.capture.picture_file import bits_of, read_colour
from edge.files import in_natural_order
from trainer.data.recordings import CUT_PX, find_blotches
from trainer.errors import DatasetError
from trainer.filming.cameras import random_cover_camera
from trainer.filming.exposure import covered_picture
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


def recorded_hits(folder: Path, count: int, rng: Generator) -> NDArray[np.uint8]:
    """Cut hits out of a covered camera's pictures, in this folder and those below it, in random order.

    A hit is a compact spot that stands in one picture and not in its neighbours by name.

    Returns
    -------
    uint8 array, shape (n, CUT_PX, CUT_PX, 3)
        Black around the hit, its brightest pixel in the middle; n is about `count` where there are so many.

    Raises
    ------
    DatasetError
        The recordings hold no hit.

    """
    folders = [folder, *in_natural_order(inner for inner in folder.rglob("*") if inner.is_dir())]
    listed = [(files, i) for files in map(picture_files, folders) for i in range(len(files))]
    patches: list[NDArray[np.uint8]] = []
    for number in rng.permutation(len(listed)).tolist():
        files, i = listed[number]
        picture, *beside = _dark([files[i], *files[max(i - 1, 0) : i], *files[i + 1 : i + 2]])
        if picture is not None:
            others = [other for other in beside if other is not None and other.shape == picture.shape]
            patches += [blotch.patch for blotch in find_blotches(picture, others, files[i].name, i)]
        if len(patches) >= count:
            break
    if not patches:
        raise DatasetError(
            folder, "no hit in it", "name a folder of pictures (PNG) from a covered camera in a radiation field"
        )
    return np.array(patches)


def _dark(files: Sequence[Path]) -> list[NDArray[np.uint8] | None]:
    """Read pictures; None in place of one that cannot be read or that a covered camera would not make."""
    bits = bits_of(files)
    read = [read_colour(file, bits) for file in files]
    return [picture if picture is not None and picture.mean() <= _MAX_MEAN_DN else None for picture in read]


def simulated_hits(bank: HitBank, count: int, rng: Generator) -> NDArray[np.uint8]:
    """Simulate such pictures: hits of the bank, a few dozen in each covered camera; shape as of `recorded_hits`."""
    patches: list[NDArray[np.uint8]] = []
    side = 2 * CUT_PX
    while len(patches) < count:
        cover = random_cover_camera(rng, _ROW * side)
        cell = side * cover.scale_down
        sensor = np.zeros((_ROW * cell, _ROW * cell), np.float32)
        for row, column in np.ndindex(_ROW, _ROW):
            maps = bank.draw_kind(rng).library.maps
            charge = maps[int(rng.integers(len(maps)))]
            height, width = charge.shape
            if max(height, width) <= CUT_PX:  # a longer track is no compact spot
                top, left = (
                    place * cell + cell // 2 - size // 2 + int(rng.integers(4))
                    for place, size in ((row, height), (column, width))
                )
                sensor[top : top + height, left : left + width] = charge
        picture = covered_picture(sensor, cover)
        for row, column in np.ndindex(_ROW, _ROW):
            patch = _centred(picture[row * side : (row + 1) * side, column * side : (column + 1) * side])
            if patch is not None:
                patches.append(patch)
    return np.array(patches[:count])


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
    """Pictures of hits with their light and size.

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
        """Measure light and size of patches."""
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
        """Draw a picture that adds about `added_dn` on this ground and, with `pixels`, is about as large.

        It is one of the dozen nearest by the ratio of (added + 1), cubed where size counts too, and of (pixels + 1).
        """
        ratio = np.log((self.added_dn(ground) + 1) / (added_dn + 1)).astype(np.float64)
        far: NDArray[np.float64] = np.abs(ratio)
        if pixels is not None:
            far = 3 * far + np.abs(np.log((self.pixels + 1) / (pixels + 1)))
        nearest = np.argpartition(far, min(_NEAREST, len(far)) - 1)[:_NEAREST]
        patch: NDArray[np.uint8] = self.patches[int(rng.choice(nearest))]
        return patch


def trimmed(patch: NDArray[np.uint8], turn: int) -> tuple[NDArray[np.uint8], int, int]:
    """Rotate or mirror a patch in one of eight ways and trim the black; return it with x, y of its brightest grey."""
    turned = np.rot90(patch, turn % 4)
    turned = turned[:, ::-1] if turn >= 4 else turned
    grey = turned @ GREY_OF_BGR
    rows, columns = (np.flatnonzero(grey.any(axis=axis)) for axis in (1, 0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    y, x = (int(v) for v in np.unravel_index(int(grey[window].argmax()), grey[window].shape))
    return np.ascontiguousarray(turned[window]), x, y
