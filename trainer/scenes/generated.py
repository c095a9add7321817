"""Generated scenes: a textured background at native sharpness with actors that move as hard as in life."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from trainer.scenes import actors
from trainer.scenes.sprites import stamp
from trainer.scenes.textures import available_pictures, surface

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.scenes.actors import Actor
    from trainer.scenes.splits import Split


@dataclass(frozen=True, slots=True)
class GeneratedScene:
    """A place with its actors; `levels(t)` draws it at any time.

    Attributes
    ----------
    name : str
        Unique by seed and split: splits are by scene.
    background : float32 array, shape (height, width, 3)
        Levels 0..255, blue first.
    cast : tuple of Actor
        Things that move, the farthest first.
    shutter : float
        Share of a frame's time that the shutter is open, 0..1.

    """

    name: str
    background: NDArray[np.float32] = field(repr=False)
    cast: tuple[Actor, ...] = field(repr=False)
    shutter: float

    def levels(self, t: float) -> NDArray[np.float32]:
        """Draw frame `t`: float32, shape (height, width, 3), sRGB levels, lamps above 255."""
        canvas: NDArray[np.float32] = self.background.copy()
        for actor in self.cast:
            for sprite, pose in actor.at(t, self.shutter):
                stamp(canvas, sprite, pose)
        return canvas

    def picture(self, t: float) -> NDArray[np.uint8]:
        """Draw frame `t` in whole levels: uint8, shape (height, width, 3); lamps at 255."""
        return np.clip(np.rint(self.levels(t)), 0, 255).astype(np.uint8)


def generate_scene(
    seed: int, split: Split, size: tuple[int, int] = (1920, 1080), *, crowd: float = 1.0, speed_scale: float = 1.0
) -> GeneratedScene:
    """Make the scene of a seed.

    Parameters
    ----------
    seed : int
    split : {"train", "validation", "test"}
        Split whose textures the scene may use. Scenes of different splits share no texture.
    size : tuple of int
        Width and height in pixels.
    crowd : float
        Scales the number of actors; 1 is about 8 in 640×480 and 30 in 1920×1080.
    speed_scale : float
        2 for 12.5 instead of 25 frames a second.

    Examples
    --------
    >>> scene = generate_scene(3, "train", (160, 120))
    >>> scene.name, scene.levels(t=7).shape
    ('generated-train-3', (120, 160, 3))

    """
    rng = np.random.default_rng([_SPLIT_KEY[split], seed])
    pictures = available_pictures(split)
    width, height = size
    background = _background(rng, height, width, pictures)
    number = int(rng.poisson(crowd * 8 * (width * height / (640 * 480)) ** 0.6))
    cast = tuple(_any_actor(rng, size, speed_scale, pictures) for _ in range(number))
    shutter = float(rng.choice([0.05, 0.2, 0.5, 0.9]))
    return GeneratedScene(f"generated-{split}-{seed}", background, cast, shutter)


_SPLIT_KEY: dict[Split, int] = {"train": 1, "validation": 2, "test": 3}


def _any_actor(rng: Generator, size: tuple[int, int], speed_scale: float, pictures: tuple[str, ...]) -> Actor:
    kind = rng.choice(("walker", "car", "thing", "speck", "rod", "bush"), p=(0.22, 0.18, 0.2, 0.2, 0.08, 0.12))
    if kind == "walker":
        return actors.walker(rng, size, speed_scale, pictures)
    if kind == "car":
        return actors.car(rng, size, speed_scale, pictures)
    if kind == "thing":
        return actors.thing(rng, size, speed_scale, pictures)
    if kind == "speck":
        return actors.speck(rng, size, speed_scale)
    if kind == "rod":
        return actors.rod(rng, size, speed_scale)
    return actors.bush(rng, size, speed_scale)


def _background(rng: Generator, height: int, width: int, pictures: tuple[str, ...]) -> NDArray[np.float32]:
    """Lay a ground, then walls, signs and windows over it, then light and shadow."""
    canvas = surface(rng, height, width, pictures)
    for _ in range(int(rng.integers(2, 4 + width // 160))):
        h, w = int(rng.integers(20, max(21, height // 2))), int(rng.integers(20, max(21, width // 2)))
        y, x = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
        canvas[y : y + h, x : x + w] = surface(rng, h, w, pictures)
    gain = float(np.exp(rng.uniform(np.log(0.35), np.log(1.15))))
    slope = np.linspace(float(rng.uniform(0.5, 1)), float(rng.uniform(0.5, 1)), width, dtype=np.float32)
    canvas *= gain * slope[None, :, None]
    if rng.random() < 0.4:
        corners = rng.uniform(0, 1, (4, 2)) * (width, height)
        shadow = np.zeros((height, width), np.uint8)
        cv2.fillPoly(shadow, [corners.astype(np.int32)], 255, cv2.LINE_AA)
        canvas *= 1 - (1 - float(rng.uniform(0.3, 0.7))) * (shadow.astype(np.float32) / 255)[..., None]
    np.clip(canvas, 0, 255, out=canvas)
    return canvas
