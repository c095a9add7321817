"""Sprites of generated scenes: textured cut-outs with soft outlines, and stamping them moved, turned and blurred."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.scenes.textures import surface

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A cut-out. `colour`: float32 (h, w, 3), levels 0..255 or above for lamps; `cover`: float32 (h, w), 0..1.

    `layers`, made of both: float32 (h, w, 4), colours times cover, then cover.
    """

    colour: NDArray[np.float32] = field(repr=False)
    cover: NDArray[np.float32] = field(repr=False)
    layers: NDArray[np.float32] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        layers = np.empty((*self.cover.shape, 4), np.float32)
        np.multiply(self.colour, _thrice(self.cover), out=layers[..., :3])
        layers[..., 3] = self.cover
        object.__setattr__(self, "layers", layers)

    @property
    def centre(self) -> tuple[float, float]:
        """x, y of the middle in the sprite's own pixels."""
        height, width = self.cover.shape
        return (width - 1) / 2, (height - 1) / 2


@dataclass(frozen=True, slots=True)
class Pose:
    """The pose of a sprite: its place on the canvas, its turn, and its motion while the shutter is open.

    Attributes
    ----------
    x, y : float
        Place of the anchor, pixels.
    turn : float
        Angle in radians, clockwise on the screen.
    anchor : tuple of float or None
        The point of the sprite that lies at (x, y), in its own pixels; None for its middle.
    smear : tuple of float
        Pixels moved (x, y) during the exposure.

    """

    x: float
    y: float
    turn: float = 0.0
    anchor: tuple[float, float] | None = None
    smear: tuple[float, float] = (0.0, 0.0)


def stamp(canvas: NDArray[np.float32], sprite: Sprite, pose: Pose) -> None:
    """Draw a sprite over the canvas, float32 (height, width, 3), changing it."""
    anchor = pose.anchor if pose.anchor is not None else sprite.centre
    height, width = sprite.cover.shape
    far = max(
        math.hypot(cx - anchor[0], cy - anchor[1]) for cx, cy in ((0, 0), (width, 0), (0, height), (width, height))
    )
    reach_x = far + abs(pose.smear[0]) / 2 + 2
    reach_y = far + abs(pose.smear[1]) / 2 + 2
    x0, x1 = max(0, math.floor(pose.x - reach_x)), min(canvas.shape[1], math.ceil(pose.x + reach_x) + 1)
    y0, y1 = max(0, math.floor(pose.y - reach_y)), min(canvas.shape[0], math.ceil(pose.y + reach_y) + 1)
    if x1 <= x0 or y1 <= y0:
        return
    cosine, sine = math.cos(pose.turn), math.sin(pose.turn)
    matrix = np.array(
        [
            [cosine, -sine, pose.x - x0 - cosine * anchor[0] + sine * anchor[1]],
            [sine, cosine, pose.y - y0 - sine * anchor[0] - cosine * anchor[1]],
        ],
        np.float32,
    )
    drawn = cv2.warpAffine(sprite.layers, matrix, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR)
    kernel = smear_kernel(*pose.smear)
    if kernel is not None:
        drawn = cv2.filter2D(drawn, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    under = canvas[y0:y1, x0:x1]
    under *= _thrice(1 - drawn[..., 3])
    under += cv2.cvtColor(drawn, cv2.COLOR_BGRA2BGR)


def _thrice(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Repeat (h, w) for three colours: arithmetic is several times faster than with a last axis of one."""
    repeated: NDArray[np.float32] = cv2.merge([values, values, values])
    return repeated


def smear_kernel(dx: float, dy: float) -> NDArray[np.float32] | None:
    """Return the line kernel of motion blur by (dx, dy) pixels, sum 1; None for less than a pixel."""
    if math.hypot(dx, dy) < 1:
        return None
    half_x, half_y = math.ceil(abs(dx) / 2), math.ceil(abs(dy) / 2)
    kernel = np.zeros((2 * half_y + 1, 2 * half_x + 1), np.float32)
    steps = 2 * math.ceil(math.hypot(dx, dy)) + 1
    along = np.linspace(-0.5, 0.5, steps)
    np.add.at(kernel, (np.rint(half_y + along * dy).astype(int), np.rint(half_x + along * dx).astype(int)), 1.0)
    kernel /= kernel.sum()
    return kernel


def cut_out(rng: Generator, height: int, width: int, pictures: tuple[str, ...], corners: int | None = None) -> Sprite:
    """Cut a textured shape: an ellipse, or a polygon with this number of corners."""
    cover = np.zeros((height, width), np.uint8)
    if corners is None:
        cv2.ellipse(
            cover, (width // 2, height // 2), (width // 2 - 1, height // 2 - 1), 0, 0, 360, 255, -1, cv2.LINE_AA
        )
    else:
        angles = np.sort(rng.uniform(0, 2 * math.pi, corners))
        radii = rng.uniform(0.6, 1.0, corners)
        xs = (width - 1) / 2 * (1 + radii * np.cos(angles))
        ys = (height - 1) / 2 * (1 + radii * np.sin(angles))
        cv2.fillPoly(cover, [np.stack([xs, ys], axis=-1).astype(np.int32)], 255, cv2.LINE_AA)
    return Sprite(np.clip(surface(rng, height, width, pictures), 0, 255), cover.astype(np.float32) / np.float32(255))


def limb(rng: Generator, length: int, thick: int, pictures: tuple[str, ...]) -> Sprite:
    """Cut a limb or a body that hangs down from its upper end: a rounded box with folds of cloth."""
    cover = np.zeros((length, thick), np.uint8)
    round_px = max(1, thick // 3)
    cv2.rectangle(cover, (0, round_px), (thick - 1, length - 1 - round_px), 255, -1)
    cv2.ellipse(cover, (thick // 2, round_px), (thick // 2, round_px), 0, 0, 360, 255, -1, cv2.LINE_AA)
    cv2.ellipse(cover, (thick // 2, length - 1 - round_px), (thick // 2, round_px), 0, 0, 360, 255, -1, cv2.LINE_AA)
    return Sprite(np.clip(surface(rng, length, thick, pictures), 0, 255), cover.astype(np.float32) / np.float32(255))


def twig(rng: Generator, length: int) -> Sprite:
    """Cut a twig with leaves, fixed at the middle of its lower edge."""
    width = max(12, int(length * 0.9))
    colour = np.zeros((length, width, 3), np.uint8)
    cover = np.zeros((length, width), np.uint8)
    tone = np.array([rng.uniform(10, 60), rng.uniform(60, 150), rng.uniform(20, 110)])
    cv2.line(colour, (width // 2, length), (width // 2, length // 5), (30, 50, 60), 2, cv2.LINE_AA)
    cv2.line(cover, (width // 2, length), (width // 2, length // 5), 255, 2, cv2.LINE_AA)
    for _ in range(int(rng.integers(8, 24))):
        place = (int(rng.integers(width)), int(rng.integers(length)))
        axes = (int(rng.integers(2, max(3, length // 6))), int(rng.integers(1, max(2, length // 14))))
        leaf = np.clip(tone * float(rng.uniform(0.4, 1.9)), 0, 255).tolist()
        turn = float(rng.uniform(0, 180))
        cv2.ellipse(colour, place, axes, turn, 0, 360, leaf, -1, cv2.LINE_AA)
        cv2.ellipse(cover, place, axes, turn, 0, 360, 255, -1, cv2.LINE_AA)
    return Sprite(colour.astype(np.float32), cover.astype(np.float32) / np.float32(255))


def vehicle(rng: Generator, length: int, pictures: tuple[str, ...]) -> Sprite:
    """Cut a vehicle seen from its side: body with a shine, windows, wheels, lamps that outshine white paper."""
    height = int(length * float(rng.uniform(0.3, 0.5)))
    paint = rng.uniform(10, 240, 3).astype(np.float32)
    colour = np.empty((height, length, 3), np.float32)
    colour[:] = paint
    if rng.random() < 0.3:
        colour = np.clip(surface(rng, height, length, pictures), 0, 255)
    colour *= np.linspace(1.2, 0.6, height, dtype=np.float32)[:, None, None]
    cover = np.zeros((height, length), np.uint8)
    roof, sill = int(height * 0.45), int(height * 0.85)
    cv2.rectangle(cover, (0, roof), (length - 1, sill), 255, -1)
    left, right = int(length * float(rng.uniform(0.05, 0.3))), int(length * float(rng.uniform(0.7, 0.95)))
    cabin = np.array([[left, roof], [left + length // 10, 2], [right - length // 10, 2], [right, roof]], np.int32)
    cv2.fillPoly(cover, [cabin], 255, cv2.LINE_AA)
    for start, end in ((left + length // 9, (left + right) // 2 - 3), ((left + right) // 2 + 3, right - length // 9)):
        cv2.rectangle(colour, (start, height // 10), (max(start, end), roof - 2), (60, 50, 40), -1)
    for share in (0.2, 0.8):
        centre, radius = (int(length * share), sill), max(3, int(height * 0.16))
        cv2.circle(colour, centre, radius, (25, 25, 25), -1, cv2.LINE_AA)
        cv2.circle(colour, centre, max(1, radius // 2), (150, 150, 150), -1, cv2.LINE_AA)
        cv2.circle(cover, centre, radius, 255, -1, cv2.LINE_AA)
    lamp = max(1, height // 14)
    cv2.circle(colour, (length - 2 - lamp, roof + 3 * lamp), lamp, (400, 420, 420), -1, cv2.LINE_AA)
    cv2.circle(colour, (1 + lamp, roof + 3 * lamp), lamp, (40, 40, 380), -1, cv2.LINE_AA)
    return Sprite(colour, cover.astype(np.float32) / np.float32(255))
