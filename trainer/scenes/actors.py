"""What moves in a generated scene: walkers, vehicles, foliage, small bright things, rods and cut-outs.

An actor is a function of time: its sprites and their poses at frame t are always the same for the same t, so that
frames can be drawn in any order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from trainer.scenes.sprites import Pose, Sprite, cut_out, limb, twig, vehicle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator


class Actor(Protocol):
    """Anything with sprites that depend on the time."""

    def at(self, t: float, shutter: float) -> Iterator[tuple[Sprite, Pose]]:
        """Yield sprites and poses, the farthest first, at frame `t` with the shutter open for a share of a frame."""
        ...


@dataclass(frozen=True, slots=True)
class Path:
    """A straight path that begins again on the other side once it has left the picture.

    Attributes
    ----------
    x, y : float
        Place at t = 0, pixels.
    vx, vy : float
        Velocity in pixels a frame.
    width, height : float
        Size of the picture in pixels.
    margin : float
        Distance outside of the picture, in pixels, at which it begins again.

    """

    x: float
    y: float
    vx: float
    vy: float
    width: float
    height: float
    margin: float

    def at(self, t: float) -> tuple[float, float]:
        """Return x, y at frame t."""
        x = (self.x + self.vx * t + self.margin) % (self.width + 2 * self.margin) - self.margin
        y = (self.y + self.vy * t + self.margin) % (self.height + 2 * self.margin) - self.margin
        return x, y


@dataclass(frozen=True, slots=True)
class Drifter:
    """A rigid thing on a path: a vehicle, a cut-out, a rod, a ball, a lamp."""

    sprite: Sprite = field(repr=False)
    path: Path
    turn: float = 0.0
    spin: float = 0.0
    flutter_px: float = 0.0
    flutter_rate: float = 0.0

    def at(self, t: float, shutter: float) -> Iterator[tuple[Sprite, Pose]]:
        """Yield its only sprite."""
        x, y = self._place(t)
        x1, y1 = self._place(t + shutter)
        smear = (x1 - x, y1 - y)
        if math.hypot(*smear) > 400:  # it began again on the other side while the shutter was open
            smear = (0.0, 0.0)
        yield self.sprite, Pose(x + smear[0] / 2, y + smear[1] / 2, self.turn + self.spin * t, smear=smear)

    def _place(self, t: float) -> tuple[float, float]:
        x, y = self.path.at(t)
        sway = self.flutter_px * math.sin(self.flutter_rate * t)
        return x + sway, y + self.flutter_px * math.sin(1.7 * self.flutter_rate * t + 1)


@dataclass(frozen=True, slots=True)
class Walker:
    """A person: head and body upright, arms and legs that swing with the distance walked."""

    head: Sprite = field(repr=False)
    body: Sprite = field(repr=False)
    arm: Sprite = field(repr=False)
    leg: Sprite = field(repr=False)
    path: Path
    height: float

    def at(self, t: float, shutter: float) -> Iterator[tuple[Sprite, Pose]]:
        """Yield far arm and leg, body, head, near leg and arm."""
        x, y = self.path.at(t)
        smear = (self.path.vx * shutter, self.path.vy * shutter)
        swing = 0.55 * math.sin(2 * math.pi * (self.path.x + self.path.vx * t) / (0.9 * self.height))
        hip, shoulder = y + 0.02 * self.height, y - 0.33 * self.height
        down = (self.leg.cover.shape[1] / 2, 0.0)
        hang = (self.arm.cover.shape[1] / 2, 0.0)
        yield self.arm, Pose(x, shoulder, -swing, hang, smear)
        yield self.leg, Pose(x, hip, swing, down, smear)
        yield self.body, Pose(x, y - 0.17 * self.height, 0.0, None, smear)
        yield self.head, Pose(x, y - 0.44 * self.height, 0.0, None, smear)
        yield self.leg, Pose(x, hip, -swing, down, smear)
        yield self.arm, Pose(x, shoulder, swing, hang, smear)


@dataclass(frozen=True, slots=True)
class Bush:
    """Twigs that are fixed at their feet and sway."""

    twigs: tuple[Sprite, ...] = field(repr=False)
    feet: tuple[tuple[float, float], ...] = field(repr=False)
    lean: tuple[float, ...] = field(repr=False)
    sway: float
    rate: float

    def at(self, t: float, shutter: float) -> Iterator[tuple[Sprite, Pose]]:
        """Yield each twig as it leans in the wind."""
        for i, (sprite, foot, lean) in enumerate(zip(self.twigs, self.feet, self.lean, strict=True)):
            gust = math.sin(self.rate * t + i) + 0.5 * math.sin(2.3 * self.rate * t + 2.1 * i)
            height, width = sprite.cover.shape
            speed = self.sway * self.rate * height / 2 * math.cos(self.rate * t + i)
            smear = (speed * shutter * math.cos(lean), speed * shutter * math.sin(lean))
            yield sprite, Pose(foot[0], foot[1], lean + self.sway * gust, (width / 2, float(height)), smear)


def _path(rng: Generator, size: tuple[int, int], speed: float, margin: float, slope: float) -> Path:
    width, height = size
    direction = rng.uniform(-slope, slope) + (math.pi if rng.random() < 0.5 else 0.0)
    return Path(
        float(rng.uniform(0, width)),
        float(rng.uniform(0, height)),
        speed * math.cos(direction),
        speed * math.sin(direction),
        width,
        height,
        margin,
    )


def walker(rng: Generator, size: tuple[int, int], speed_scale: float, pictures: tuple[str, ...]) -> Walker:
    """Make a person 50 to 500 pixels tall who walks a hundredth to a seventh of that a frame."""
    tall = float(np.exp(rng.uniform(np.log(50), np.log(500))))
    speed = tall * float(rng.uniform(0.01, 0.14)) * speed_scale

    def part(share_long: float, share_thick: float) -> Sprite:
        return limb(rng, max(6, int(tall * share_long)), max(4, int(tall * share_thick)), pictures)

    head = cut_out(rng, max(6, int(tall * 0.14)), max(5, int(tall * 0.11)), pictures)
    path = _path(rng, size, speed, tall, 0.3)
    return Walker(head, part(0.38, 0.22), part(0.36, 0.08), part(0.47, 0.11), path, tall)


def car(rng: Generator, size: tuple[int, int], speed_scale: float, pictures: tuple[str, ...]) -> Drifter:
    """Make a vehicle 60 to 500 pixels long at 1 to 60 pixels a frame."""
    length = int(np.exp(rng.uniform(np.log(60), np.log(500))))
    speed = min(60.0, length * float(rng.uniform(0.01, 0.25)) * speed_scale)
    return Drifter(vehicle(rng, length, pictures), _path(rng, size, speed, length, 0.15), float(rng.normal(0, 0.08)))


def thing(rng: Generator, size: tuple[int, int], speed_scale: float, pictures: tuple[str, ...]) -> Drifter:
    """Make a cut-out of a texture that moves and perhaps turns: a bag, a sign, a door, a dog."""
    height, width = (int(v) for v in np.exp(rng.uniform(np.log(8), np.log(160), 2)))
    corners = None if rng.random() < 0.3 else int(rng.integers(3, 9))
    speed = float(np.exp(rng.uniform(0, np.log(40)))) * speed_scale
    spin = float(rng.normal(0, 0.15)) if rng.random() < 0.5 else 0.0
    sprite = cut_out(rng, height, width, pictures, corners)
    return Drifter(sprite, _path(rng, size, speed, max(height, width), math.pi), float(rng.uniform(0, 6)), spin)


def speck(rng: Generator, size: tuple[int, int], speed_scale: float) -> Drifter:
    """Make a small bright thing, 1 to 7 pixels: a glint, a lamp, a leaf in the sun, paper blown along."""
    across = int(rng.integers(3, 10))
    grid = np.hypot(*np.meshgrid(*(np.arange(across) - (across - 1) / 2,) * 2))
    cover = np.clip(across / 2 - grid + float(rng.uniform(-0.5, 0.5)), 0, 1).astype(np.float32)
    level = float(rng.uniform(120, 400))
    colour = np.empty((across, across, 3), np.float32)
    colour[:] = level * rng.uniform(0.6, 1.0, 3) if rng.random() < 0.5 else level
    speed = float(np.exp(rng.uniform(np.log(0.5), np.log(60)))) * speed_scale
    path = _path(rng, size, min(speed, 60.0), 12, math.pi)
    flutters = rng.random() < 0.4
    flutter = float(rng.uniform(1, 8)) if flutters else 0.0
    return Drifter(Sprite(colour, cover), path, 0.0, 0.0, flutter, float(rng.uniform(0.5, 3)))


def rod(rng: Generator, size: tuple[int, int], speed_scale: float) -> Drifter:
    """Make a thin long edge that moves or turns: a cable, a spoke, a flagpole, a door's edge."""
    length, thick = int(rng.integers(30, 400)), int(rng.integers(1, 5))
    colour = np.empty((thick + 2, length, 3), np.float32)
    colour[:] = float(rng.choice([10, 240])) + rng.uniform(-10, 10, 3)
    cover = np.zeros((thick + 2, length), np.float32)
    cover[1:-1] = 1
    speed = float(np.exp(rng.uniform(np.log(0.3), np.log(30)))) * speed_scale
    spin = float(rng.normal(0, 0.2)) if rng.random() < 0.5 else 0.0
    path = _path(rng, size, speed, length, math.pi)
    return Drifter(Sprite(colour, cover), path, float(rng.uniform(0, math.pi)), spin)


def bush(rng: Generator, size: tuple[int, int], speed_scale: float) -> Bush:
    """Make foliage somewhere in the picture, still or in a storm."""
    width, height = size
    middle = (rng.uniform(0, width), rng.uniform(0, height))
    wide = float(rng.uniform(20, 140))
    count = int(rng.integers(6, 20))
    twigs = tuple(twig(rng, int(rng.integers(16, 90))) for _ in range(count))
    feet = tuple((float(rng.normal(middle[0], wide)), float(rng.normal(middle[1], wide / 2))) for _ in range(count))
    lean = tuple(float(v) for v in rng.uniform(-1.6, 1.6, count))
    return Bush(twigs, feet, lean, float(rng.uniform(0.01, 0.25)) * speed_scale, float(rng.uniform(0.2, 1.5)))
