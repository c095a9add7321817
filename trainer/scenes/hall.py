"""A simple scene for a film without footage: a hall with a textured wall and floor, through which people walk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WALKERS = 5
_SUBPIXEL_BITS = 4


def default_scene(width: int, height: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of a hall without end: uint8, shape (height, width, 3), blue first. Each is the caller's to keep."""
    rng = np.random.default_rng([0x5CE, seed])
    hall = _hall(width, height, rng)
    size = height * rng.uniform(0.18, 0.4, WALKERS)
    start = rng.uniform(0, width, WALKERS)
    speed = size * rng.choice([-1, 1], WALKERS) * rng.uniform(0.01, 0.03, WALKERS)
    ground = height * 0.62 + size * 0.75
    shirts = rng.integers(40, 210, (WALKERS, 3))
    order = np.argsort(ground)
    frame = 0
    while True:
        picture = hall.copy()
        for i in order:
            x = (start[i] + speed[i] * frame) % (width + 2 * size[i]) - size[i]
            _walker(
                picture, x, float(ground[i]), float(size[i]), shirt=shirts[i], phase=frame * abs(speed[i]) / size[i]
            )
        yield picture
        frame += 1


def _hall(width: int, height: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Paint wall, floor and what stands there, with fine and coarse texture."""
    horizon = int(height * 0.62)
    light = np.empty((height, width, 3), np.float32)
    light[:horizon] = rng.uniform(110, 160) + np.array([4, 0, -4])
    light[horizon:] = rng.uniform(70, 110) + np.array([-6, 0, 8])
    light *= np.linspace(0.8, 1.1, width, dtype=np.float32)[None, :, None]
    for _ in range(14):
        x, y = int(rng.integers(width)), int(rng.integers(height // 10, horizon))
        w, h = int(rng.integers(width // 30, width // 8)), int(rng.integers(height // 20, height // 4))
        colour = tuple(float(v) for v in rng.uniform(30, 220, 3))
        cv2.rectangle(light, (x, y), (x + w, min(y + h, horizon)), colour, -1)
    for scale, strength in ((1, 3.0), (4, 5.0), (32, 10.0)):
        # In whole numbers, which OpenCV scales alike on every processor.
        drawn = rng.standard_normal((height // scale + 2, width // scale + 2), np.float32) * np.float32(strength)
        grain = np.clip(np.rint(drawn) + 128, 0, 255).astype(np.uint8)
        light += (
            cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR_EXACT)[..., None].astype(np.float32) - 128
        )
    painted: NDArray[np.uint8] = np.clip(light, 5, 235).astype(np.uint8)
    return painted


def _walker(
    picture: NDArray[np.uint8], x: float, foot_y: float, size: float, *, shirt: NDArray[np.int64], phase: float
) -> None:
    """Draw a person of this height whose legs swing with the phase."""
    unit = 1 << _SUBPIXEL_BITS

    def at(dx: float, dy: float) -> tuple[int, int]:
        return round((x + dx * size) * unit), round((foot_y + dy * size) * unit)

    swing = 0.12 * float(np.sin(2 * np.pi * 3 * phase))
    colour = tuple(int(v) for v in shirt)
    style = {"lineType": cv2.LINE_AA, "shift": _SUBPIXEL_BITS}
    thick = max(round(0.08 * size), 1)
    cv2.line(picture, at(0, -0.45), at(swing, 0), (50, 40, 40), thick, **style)
    cv2.line(picture, at(0, -0.45), at(-swing, 0), (60, 45, 42), thick, **style)
    for dy, rx, ry, tone in ((-0.62, 0.12, 0.22, colour), (-0.92, 0.07, 0.08, (120, 150, 190))):
        radii = (round(rx * size * unit), round(ry * size * unit))
        cv2.ellipse(picture, at(0, dy), radii, 0, 0, 360, tone, -1, **style)
