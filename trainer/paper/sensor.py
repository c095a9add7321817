"""Windows of the camera's sensor: their faults, the noise blotches that stand out, and the hits that fall there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.filming.exposure import PlacedCharge, place_charge
from trainer.filming.studio import NoisePart, Studio
from trainer.sensor.camera import change
from trainer.sensor.fixed_pattern import FixedPattern, make_pattern
from trainer.sensor.isp import GREY_OF_BGR, develop, photograph
from trainer.sensor.library import turned
from trainer.sensor.pixels import convert, expose
from trainer.sensor.radiation import hit_rate, hits_in, natural_field, nuclide_field

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.paper.conditions import Conditions
    from trainer.sensor.camera import Camera
    from trainer.sensor.library import HitLibrary

MARGIN_PX = 16
"""Pixels that are photographed around a crop: they act on it, and the grid of JPEG may begin anywhere."""
_STATES = 6  # frames in which the blinking pixels of the sensor are looked for
_DARK_PX = 64  # pixels on a side of the dark ground on which a hit's blotch is measured
_BOX_E = 3.0  # what holds fewer electrons is no part of a hit's box


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """The camera's sensor: its faults and where its own noise makes bright blotches.

    Attributes
    ----------
    pattern : FixedPattern
    blotches : int64 array, shape (n, 2)
        Row and column of each noise blotch that stands out by `Conditions.blotch_dn` in a covered picture.

    """

    pattern: FixedPattern = field(repr=False)
    blotches: NDArray[np.int64] = field(repr=False)


@lru_cache(maxsize=4)
def sensor_of(conditions: Conditions) -> Sensor:
    """Return the sensor of the conditions: from dark frames without other noise, pixels that stand out."""
    camera = conditions.covered
    pattern = make_pattern(camera, conditions.sensor_seed)
    dark = np.zeros((camera.height, camera.width, 3), np.uint8)
    brightest = np.zeros(dark.shape[:2], np.float32)
    for frame in range(0, _STATES * 997, 997):
        picture = develop(convert(expose(dark, camera, pattern, frame), camera), camera)
        np.maximum(brightest, picture @ GREY_OF_BGR, out=brightest)
    ground = float(np.median(brightest))
    is_peak = (brightest >= cv2.dilate(brightest, np.ones((5, 5), np.uint8))) & (
        brightest >= ground + conditions.blotch_dn
    )
    return Sensor(pattern, np.argwhere(is_peak))


def window_of(pattern: FixedPattern, row: int, column: int, side: int) -> FixedPattern:
    """Return the faults of a square window of the sensor. Its blinking pixels blink in an order of their own."""
    rows, columns = slice(row, row + side), slice(column, column + side)
    at = pattern.telegraph_at - (row, column)
    inside = ((at >= 0) & (at < side)).all(axis=1)
    return FixedPattern(
        pattern.sensitivity[rows, columns],
        pattern.dark_e_s[rows, columns],
        at[inside],
        pattern.telegraph_e[inside],
        pattern.telegraph_dwell[inside],
        pattern.seed + row * 65_537 + column,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A crop's place on the sensor, with the surroundings that are photographed with it.

    Attributes
    ----------
    row, column : int
        Upper left pixel of the photographed square on the sensor; even.
    side : int
        Side of the photographed square, pixels.
    crop_row, crop_column : int
        Upper left pixel of the crop in that square.
    size : int
        Side of the crop.
    blotches : tuple of (x, y)
        Noise blotches in the crop, in its own pixels. The crop was cut around the first.

    """

    row: int
    column: int
    side: int
    crop_row: int
    crop_column: int
    size: int
    blotches: tuple[tuple[int, int], ...]

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Cut the crop out of a picture of the square."""
        return picture[self.crop_row : self.crop_row + self.size, self.crop_column : self.crop_column + self.size]


def square_side(size: int) -> int:
    """Return the side of the square that is photographed for a crop, an even number of pixels."""
    return (size + 2 * MARGIN_PX + 1) // 2 * 2


def draw_window(sensor: Sensor, size: int, rng: Generator, *, selected: bool) -> Window:
    """Draw a window; where it is selected, a noise blotch lies anywhere in its crop, but not at its border."""
    height, width = sensor.pattern.dark_e_s.shape
    side = square_side(size)
    if selected and len(sensor.blotches):
        row, column = (int(v) for v in sensor.blotches[int(rng.integers(len(sensor.blotches)))])
        inner = max(size // 8, 2)
        top, left = row - int(rng.integers(inner, size - inner)), column - int(rng.integers(inner, size - inner))
    else:
        row = column = -1
        top, left = int(rng.integers(height - size)), int(rng.integers(width - size))
    square_row = min(max(top - int(rng.integers(2 * MARGIN_PX)), 0), height - side) // 2 * 2
    square_column = min(max(left - int(rng.integers(2 * MARGIN_PX)), 0), width - side) // 2 * 2
    crop_row = min(max(top - square_row, 0), side - size)
    crop_column = min(max(left - square_column, 0), side - size)
    at = sensor.blotches[:, ::-1] - (square_column + crop_column, square_row + crop_row)
    inside = at[((at >= 0) & (at < size)).all(axis=1)]
    first = np.array([column - square_column - crop_column, row - square_row - crop_row])
    order = np.argsort(np.abs(inside - first).sum(axis=1), kind="stable") if row >= 0 else np.arange(len(inside))
    places = tuple((int(x), int(y)) for x, y in inside[order])
    return Window(square_row, square_column, side, crop_row, crop_column, size, places)


def studio_of(camera: Camera, sensor: Sensor, window: Window, seed: int) -> Studio:
    """Return the camera behind a window of its sensor, with noise of a seed for each frame."""

    def noise(number: int, _: NoisePart) -> Generator:
        return np.random.default_rng([seed, number])

    small = change(camera, width=window.side, height=window.side)
    return Studio(small, "sensor", noise, window_of(sensor.pattern, window.row, window.column, window.side))


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The hits of a radiation in the covered camera.

    Attributes
    ----------
    library : HitLibrary
    visible, faint : int64 arrays
        Numbers of the hits in the library that stand out in a covered picture, and of the others.
    per_pixel : float
        Hits that a pixel gets in the exposure of a frame, on average.

    """

    library: HitLibrary = field(repr=False)
    visible: NDArray[np.int64] = field(repr=False)
    faint: NDArray[np.int64] = field(repr=False)
    per_pixel: float

    def draw(self, size: int, rng: Generator) -> list[PlacedCharge]:
        """Draw the hits in a crop that was cut because at least one stands out: their corners are in crop pixels.

        The number of those that stand out has a Poisson distribution without 0; that of the others a plain one.
        """
        mean = self.per_pixel * size**2 * len(self.visible) / len(self.library)
        count = positive_poisson(mean, rng)
        others = int(rng.poisson(self.per_pixel * size**2 * len(self.faint) / len(self.library)))
        chosen = [int(self.visible[i]) for i in rng.integers(len(self.visible), size=count)]
        if others and len(self.faint):
            chosen += [int(self.faint[i]) for i in rng.integers(len(self.faint), size=others)]
        inner = 4
        charges = []
        for number in chosen:
            charge = turned(self.library.maps[number], int(rng.integers(8)))
            row, column = (int(v) for v in np.unravel_index(int(charge.argmax()), charge.shape))
            x, y = (int(v) for v in rng.integers(inner, size - inner, 2))
            charges.append(PlacedCharge(x - column, y - row, charge, self.library.name))
        return charges


def hits_of(conditions: Conditions, cache: Path | None = None, *, natural: bool = False) -> Hits:
    """Return the hits of the source in the covered camera, or those of natural gammas.

    A hit stands out where its blotch raises the grey of a covered picture by `Conditions.blotch_dn`.
    """
    return _hits_of(replace(conditions, uncovered=conditions.covered), cache, natural)


@lru_cache(maxsize=8)
def _hits_of(conditions: Conditions, cache: Path | None, natural: bool) -> Hits:  # noqa: FBT001 - a key of the cache
    camera = conditions.covered
    source = (
        natural_field()
        if natural
        else nuclide_field(conditions.nuclide, activity_bq=conditions.activity_bq, distance_m=conditions.distance_m)
    )
    library = hits_in(camera, source.spectrum, cache)
    rate, _ = hit_rate(camera, source, cache)
    rise = np.array([blotch_rise(charge, camera) for charge in library.maps])
    return Hits(
        library,
        np.flatnonzero(rise >= conditions.blotch_dn),
        np.flatnonzero(rise < conditions.blotch_dn),
        rate * camera.exposure_s / (camera.width * camera.height),
    )


def blotch_rise(charge: NDArray[np.float32], camera: Camera) -> float:
    """Return the grey levels by which a hit's brightest pixel rises in a covered picture without noise."""
    side = max(_DARK_PX // 4, max(charge.shape) + 8 + max(charge.shape) % 2)
    side += side % 2
    dark = np.zeros((side, side, 3), np.uint8)
    placed = place_charge((side, side), [PlacedCharge(4, 4, charge)])
    shown = photograph(dark, placed, camera, None, None) @ GREY_OF_BGR
    return float(shown.max() - shown[0, 0])


def box_of(charge: PlacedCharge, size: int) -> list[int] | None:
    """Return the box [x0, y0, x1, y1] of a hit in its crop, or None where nothing of it lies there."""
    rows, columns = np.nonzero(charge.charge_e >= min(_BOX_E, float(charge.charge_e.max())))
    box = [
        charge.x0 + int(columns.min()),
        charge.y0 + int(rows.min()),
        charge.x0 + int(columns.max()),
        charge.y0 + int(rows.max()),
    ]
    if box[0] >= size or box[1] >= size or box[2] < 0 or box[3] < 0:
        return None
    return [min(max(v, 0), size - 1) for v in box]


def positive_poisson(mean: float, rng: Generator) -> int:
    """Draw a number from a Poisson distribution without 0."""
    # The first event of a Poisson process that is known to have one comes at −ln(1 − u (1 − e^−mean)).
    first = -np.log1p(-rng.random() * -np.expm1(-mean))
    return 1 + int(rng.poisson(max(mean - first, 0.0)))
