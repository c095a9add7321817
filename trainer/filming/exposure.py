"""A frame taken again and again with other charge in it: only windows around the charge are developed anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from trainer.filming.fusion import fuse_light, fuse_max
from trainer.sensor.isp import develop, photograph
from trainer.sensor.pixels import add_drawn_noise, convert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from trainer.filming.picture_noise import PictureNoise
    from trainer.sensor.camera import Camera

    Part = tuple[slice, slice]

REACH_PX = 6
"""Sensor pixels beyond its own within which charge can change the picture: defect correction 2, demosaic, noise
reduction and sharpening 1 each, and one to spare. As far from its border a part is developed as in the whole."""
_HIT_FLOOR_DN = 8  # of a covered camera's picture, what is not above this is no part of a hit


@dataclass(frozen=True, slots=True, eq=False)
class PlacedCharge:
    """Charge at a place of the picture: float32 (h, w) electrons with the pixel of its upper left corner."""

    x0: int
    y0: int
    charge_e: NDArray[np.float32] = field(repr=False)
    nuclide: str = ""
    silicon: str = ""

    def corner(self, scale: int) -> tuple[int, int]:
        """Return x, y of the upper left pixel on a sensor with `scale` pixels on a side for one of the picture.

        The brightest pixel stays in its pixel of the picture.
        """
        if scale == 1:
            return self.x0, self.y0
        peak_y, peak_x = (int(v) for v in np.unravel_index(int(self.charge_e.argmax()), self.charge_e.shape))
        within = (self.x0 + self.y0) % scale
        return (self.x0 + peak_x) * scale + within - peak_x, (self.y0 + peak_y) * scale + within - peak_y


class Frame(Protocol):
    """A frame before charge is in it, of which any part can be taken with any charge; the noise stays the same."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        ...

    @property
    def scale(self) -> int:
        """Sensor pixels on a side for one of the picture."""
        ...

    def part(self, charge_e: NDArray[np.float32] | None, part: Part) -> NDArray[np.uint8]:
        """Take a part, before JPEG.

        Parameters
        ----------
        charge_e : float32 array, or None
            Electrons in the sensor pixels of this part.
        part : tuple of slice
            Rows and columns of the picture; they begin and end at even numbers.

        Returns
        -------
        uint8 array, shape (rows, columns, 3)

        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SensorFrame:
    """A frame in which charge of hits is added to the charge of light, before noise and image pipeline.

    Attributes
    ----------
    camera : Camera
    light_e : float32 array, shape (h, w)
        Mean charge without hits, in sensor pixels.
    noise : float32 array, shape (h, w)
    row_noise : float32 array, shape (h, 1), or None
        Noise of the pixels and of the rows, drawn by `pixels.draw_noise`.
    beneath : uint8 array, shape (h, w, 3), or None
        A monitoring picture with which to fuse by the maximum.

    """

    camera: Camera
    light_e: NDArray[np.float32] = field(repr=False)
    noise: NDArray[np.float32] = field(repr=False)
    row_noise: NDArray[np.float32] | None = field(repr=False)
    beneath: NDArray[np.uint8] | None = field(default=None, repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.light_e.shape
        return height // self.scale, width // self.scale

    @property
    def scale(self) -> int:
        """Sensor pixels on a side for one of the picture."""
        return self.camera.scale_down

    def part(self, charge_e: NDArray[np.float32] | None, part: Part) -> NDArray[np.uint8]:
        """Take a part; see `Frame`."""
        rows, columns = (slice(side.start * self.scale, side.stop * self.scale) for side in part)
        light_e = self.light_e[rows, columns]
        charge = light_e.copy()
        row_noise = None if self.row_noise is None else self.row_noise[rows]
        add_drawn_noise(charge, self.camera, self.noise[rows, columns], row_noise)
        if charge_e is not None:
            charge += charge_e
        developed = develop(convert(charge, self.camera), self.camera)
        return developed if self.beneath is None else fuse_max(developed, self.beneath[part])


@dataclass(frozen=True, slots=True, eq=False)
class PictureFrame:
    """A frame to which a covered camera's picture of hits is added in linear light, before noise.

    Attributes
    ----------
    cover : Camera or None
        The covered camera; None where no charge is added.
    levels : float32 array, shape (h, w, 3)
        The scene, levels 0..255.
    noise : PictureNoise
    drawn : float32 array, shape (h, w, 3) or (h, w, 1)
        Noise that `noise` has drawn.

    """

    cover: Camera | None
    levels: NDArray[np.float32] = field(repr=False)
    noise: PictureNoise
    drawn: NDArray[np.float32] = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        height, width = self.levels.shape[:2]
        return height, width

    @property
    def scale(self) -> int:
        """Sensor pixels on a side for one of the picture."""
        return 1 if self.cover is None else self.cover.scale_down

    def part(self, charge_e: NDArray[np.float32] | None, part: Part) -> NDArray[np.uint8]:
        """Take a part; see `Frame`."""
        levels = self.levels[part]
        if charge_e is not None:
            if self.cover is None:
                raise ValueError("a picture without a covered camera takes no charge")
            levels = fuse_light(covered_picture(charge_e, self.cover), levels)
        return self.noise.add(levels, self.drawn[part])


def whole_picture(frame: Frame, charge_e: NDArray[np.float32] | None = None) -> NDArray[np.uint8]:
    """Take all of a frame with charge in its sensor pixels, before JPEG: uint8, shape (height, width, 3)."""
    height, width = frame.shape
    return frame.part(charge_e, (slice(0, height), slice(0, width)))


@dataclass(frozen=True, slots=True, eq=False)
class Exposure:
    """A frame of a shot with its picture without charge; takes it again with any charge in it.

    Attributes
    ----------
    frame : Frame
    blank : uint8 array, shape (h, w, 3)
        The whole picture without charge, before JPEG.

    """

    frame: Frame = field(repr=False)
    blank: NDArray[np.uint8] = field(repr=False)

    @staticmethod
    def of(frame: Frame) -> Exposure:
        """Take the frame without charge."""
        return Exposure(frame, whole_picture(frame))

    def picture(self, charges: Sequence[PlacedCharge] = ()) -> NDArray[np.uint8]:
        """Take the whole picture with charge, before JPEG; the same as if all of it were developed anew."""
        if not charges:
            return self.blank
        scale = self.frame.scale
        height, width = (side * scale for side in self.blank.shape[:2])
        charge_e = place_charge((height, width), charges, scale)
        picture: NDArray[np.uint8] = self.blank.copy()
        for around in _surroundings(charges, (height, width), scale):
            outer = tuple(slice(side.start // scale, side.stop // scale) for side in around.outer)
            inner = tuple(slice(side.start // scale, side.stop // scale) for side in around.inner)
            fresh = self.frame.part(charge_e[around.outer], (outer[0], outer[1]))
            within = tuple(slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
            picture[inner] = fresh[within]
        return picture


def covered_picture(charge_e: NDArray[np.float32], cover: Camera) -> NDArray[np.uint8]:
    """Photograph hits with the lens covered and without noise, and cut away what is not brighter than the dark.

    Parameters
    ----------
    charge_e : float32 array, shape (height, width)
        Electrons in the sensor pixels; any part of the sensor.
    cover : Camera

    Returns
    -------
    uint8 array, shape (height / scale_down, width / scale_down, 3)

    """
    side = 4 * cover.scale_down  # the dark is the same everywhere: one colour
    ground = photograph(np.zeros((side, side, 3), np.uint8), None, cover, None, None)[1, 1]
    shown = photograph(np.zeros((*charge_e.shape, 3), np.uint8), charge_e, cover, None, None)
    if ground.any():
        np.maximum(shown, ground, out=shown)
        shown -= ground
    # Three comparisons are far faster than a maximum over an axis of three.
    floor = _HIT_FLOOR_DN
    shown[(shown[..., 0] <= floor) & (shown[..., 1] <= floor) & (shown[..., 2] <= floor)] = 0
    return shown


def place_charge(shape: tuple[int, int], charges: Sequence[PlacedCharge], scale: int = 1) -> NDArray[np.float32]:
    """Add charge maps into a frame of electrons, float32 (height, width); what lies outside of it is lost.

    `scale` is how many pixels of the sensor on a side make one of the picture; places are in pixels of the picture.
    """
    height, width = shape
    frame = np.zeros(shape, np.float32)
    for charge in charges:
        h, w = charge.charge_e.shape
        left, top = charge.corner(scale)
        y0, x0 = max(0, top), max(0, left)
        y1, x1 = min(height, top + h), min(width, left + w)
        if y1 > y0 and x1 > x0:
            frame[y0:y1, x0:x1] += charge.charge_e[y0 - top : y1 - top, x0 - left : x1 - left]
    return frame


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """Rows and columns of sensor pixels: what charge can change, and what must be developed for that."""

    inner: Part
    outer: Part


def _surroundings(charges: Sequence[PlacedCharge], shape: tuple[int, int], scale: int) -> Iterator[_Surroundings]:
    """Yield the surroundings of each charge, cut at the border, in whole cells of the mosaic and of halved colours."""
    cell = 2 * scale
    for charge in charges:
        left, top = charge.corner(scale)
        h, w = charge.charge_e.shape
        inner, outer = [], []
        for start, length, end in ((top, h, shape[0]), (left, w, shape[1])):
            low = (start - REACH_PX) // cell * cell
            high = -(-(start + length + REACH_PX) // cell) * cell
            margin = -(-REACH_PX // cell) * cell
            inner.append(slice(min(max(low, 0), end), max(min(high, end), 0)))
            outer.append(slice(min(max(low - margin, 0), end), max(min(high + margin, end), 0)))
        if all(side.start < side.stop for side in inner):
            yield _Surroundings((inner[0], inner[1]), (outer[0], outer[1]))
