"""Nuisances of the open air: a night sky whose stars twinkle and drift, and foliage in the wind with specks of sun."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Light: TypeAlias = NDArray[np.float32]
    Values: TypeAlias = NDArray[np.float64]

_REACH_PX = 4
"""Points are drawn this many pixels around their middle."""


def stars(rng: Generator, width: int, height: int) -> Callable[[Light, int], Light]:
    """Return the light of a night sky over the scene: stars that twinkle from frame to frame and drift, and lamps.

    Stars become rarer with their brightness as in the sky (ten times as bright, a sixteenth as many). Lamps low in the
    picture stand still and flicker against the frame rate.
    """
    count = max(8, int(width * height / float(rng.uniform(600, 3000))))
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    strength = np.minimum(0.004 * rng.uniform(1e-5, 1, count) ** (-1 / 1.2), 3.0)
    colour = 1 + rng.uniform(-0.15, 0.15, (count, 3))
    speed, heading = float(np.exp(rng.uniform(np.log(0.003), np.log(0.3)))), float(rng.uniform(0, 2 * math.pi))
    twinkle, spread = float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.5, 0.9))
    darkness, glow = np.float32(rng.uniform(0.003, 0.03)), np.float32(rng.uniform(0.0005, 0.006))
    lamps = int(rng.integers(3, 12))
    lamp_x, lamp_y = rng.uniform(0, width, lamps), rng.uniform(0.6 * height, height, lamps)
    lamp_strength, lamp_depth = rng.uniform(0.05, 2, lamps), rng.uniform(0.05, 0.8, lamps)
    lamp_step = rng.uniform(0, 2 * math.pi, lamps)
    seed = int(rng.integers(2**31))

    def light(frame: Light, t: int) -> Light:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        drawn: Light = frame * darkness + glow
        now = strength * np.exp(twinkle * frame_rng.standard_normal(count) - twinkle**2 / 2)
        place_x = (x + speed * math.cos(heading) * t) % width
        place_y = (y + speed * math.sin(heading) * t) % height
        add_points(drawn, place_x, place_y, now[:, None] * colour, spread)
        burning = lamp_strength * (1 + lamp_depth * np.sin(lamp_step * t))
        add_points(drawn, lamp_x, lamp_y, np.repeat(burning[:, None], 3, axis=1), spread)
        return drawn

    return light


def leaves(rng: Generator, width: int, height: int) -> Callable[[Light, int], Light]:
    """Return the light of foliage before a part of the scene: it sways, and its leaves throw sun for moments.

    Each leaf flutters at its own pace about its own place, and shines when it stands right, for a frame or a few.
    """
    x0, y0 = int(width * rng.uniform(0, 0.5)), int(height * rng.uniform(0, 0.4))
    w, h = int(width * rng.uniform(0.35, 0.5)), int(height * rng.uniform(0.4, 0.6))
    crown = _crown(rng, w, h)
    sway, pace = float(rng.uniform(0.3, 3)), float(rng.uniform(0.05, 0.3))
    bend = _smooth(rng, h, w, 40) * 3
    count = max(4, int(w * h / float(rng.uniform(300, 1500))))
    leaf_x, leaf_y = rng.uniform(0, w, count), rng.uniform(0, h, count)
    flutter, phase = rng.uniform(0.1, 1.6, (2, count)), rng.uniform(0, 2 * math.pi, (2, count))
    strength, narrow = np.exp(rng.uniform(np.log(0.1), np.log(3), count)), rng.uniform(8, 60, count)
    tint, spread = np.array([0.8, 1.0, 0.95]), float(rng.uniform(0.5, 1.0))
    inner_x, inner_y = leaf_x.astype(np.intp), leaf_y.astype(np.intp)
    mesh_y, mesh_x = np.mgrid[0:h, 0:w].astype(np.float32)

    def light(frame: Light, t: int) -> Light:
        gust = sway * (0.5 + 0.5 * math.sin(0.011 * t) ** 2)
        shift = np.float32(gust) * np.sin(np.float32(pace * t) + bend)
        moved = cv2.remap(crown, mesh_x + shift, mesh_y + 0.3 * shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        drawn: Light = frame.copy()
        cover = moved[..., 3:]
        drawn[y0 : y0 + h, x0 : x0 + w] *= 1 - cover
        drawn[y0 : y0 + h, x0 : x0 + w] += cover * moved[..., :3]
        tilt = (np.sin(flutter[0] * t + phase[0]) + np.sin(0.37 * flutter[1] * t + phase[1])) / 2
        shining = strength * np.exp(narrow * (np.abs(tilt) - 1))
        there = shift[inner_y, inner_x]
        lit = shining > 1e-3
        add_points(
            drawn, x0 + leaf_x[lit] - there[lit], y0 + leaf_y[lit] - 0.3 * there[lit], shining[lit, None] * tint, spread
        )
        return drawn

    return light


def add_points(frame: Light, x: Values, y: Values, colours: Values, spread: float) -> None:
    """Add soft points of one width to the light; changes the frame. Points whose middle lies outside are left out.

    Parameters
    ----------
    frame : float32 array, shape (height, width, 3)
    x, y : float64 arrays, shape (n,)
        Their middles, in pixels.
    colours : float64 array, shape (n, 3)
        Light of their middles.
    spread : float
        Standard deviation of a point in pixels.

    """
    height, width = frame.shape[:2]
    inside = (x > 0) & (x < width - 1) & (y > 0) & (y < height - 1)
    x, y, colours = x[inside], y[inside], colours[inside]
    reach = np.arange(-_REACH_PX, _REACH_PX + 1)
    columns, rows = np.rint(x).astype(np.intp)[:, None] + reach, np.rint(y).astype(np.intp)[:, None] + reach
    across = np.exp(-((columns - x[:, None]) ** 2) / (2 * spread**2)) * ((columns >= 0) & (columns < width))
    down = np.exp(-((rows - y[:, None]) ** 2) / (2 * spread**2)) * ((rows >= 0) & (rows < height))
    shape = down[:, :, None] * across[:, None, :]
    flat = np.clip(rows, 0, height - 1)[:, :, None] * width + np.clip(columns, 0, width - 1)[:, None, :]
    added = (shape[..., None] * colours[:, None, None, :]).reshape(-1, 3).astype(np.float32)
    np.add.at(frame.reshape(-1, 3), flat.ravel(), added)


def _crown(rng: Generator, width: int, height: int) -> Light:
    """Return the foliage: its light and how much it covers, float32 (height, width, 4)."""
    fine, coarse = _smooth(rng, height, width, 1.5), _smooth(rng, height, width, 6)
    level = np.float32(rng.uniform(0.02, 0.2)) * np.exp(0.6 * fine + 0.5 * coarse)
    away_x, away_y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)
    outline = 8 * (np.maximum(np.abs(away_x), np.abs(away_y)[:, None]) - 0.7).clip(0)
    cover = 1 / (1 + np.exp(-4 * (_smooth(rng, height, width, 12) + 0.8 - outline)))
    tint = np.array([0.35, 1.0, 0.6], np.float32)
    crown: Light = np.concatenate([np.minimum(level, 0.8)[..., None] * tint, cover[..., None]], axis=2)
    return crown


def _smooth(rng: Generator, height: int, width: int, scale_px: float) -> Light:
    """Return smooth noise of mean 0 and standard deviation 1, float32 (height, width)."""
    noise: Light = cv2.GaussianBlur(rng.standard_normal((height, width)).astype(np.float32), (0, 0), scale_px)
    noise -= noise.mean()
    noise /= noise.std()
    return noise
