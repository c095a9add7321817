"""Nuisances: disturbances of real cameras that cause false hits. None of them changes the truth about hits.

A nuisance is a weight of temporal noise reduction, or up to three functions of a frame and its number t, each always
the same for the same t:

- `light` acts on the linear light before the sensor sees it (rain, lamps, shake): charge of hits comes after it;
- `picture` acts on the finished 8-bit picture (a clock drawn into it);
- `stream` acts on the JPEG bytes (bad cables, starved encoders).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import cv2
import numpy as np

from trainer.errors import OptionError
from trainer.filming.outdoors import leaves, stars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    Light: TypeAlias = NDArray[np.float32]
    Picture: TypeAlias = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Nuisance:
    """A disturbance; None where it does nothing.

    Attributes
    ----------
    name : str
    light : function of (float32 array (h, w, 3) of linear light, t), or None
    picture : function of (uint8 array (h, w, 3), t), or None
    stream : function of (JPEG bytes, t), or None
    temporal_denoise : float
        Weight of the earlier pictures in each: see `trainer.filming.temporal`.

    """

    name: str
    light: Callable[[Light, int], Light] | None = None
    picture: Callable[[Picture, int], Picture] | None = None
    stream: Callable[[bytes, int], bytes] | None = None
    temporal_denoise: float = 0.0


def make_nuisance(name: str, rng: Generator, width: int, height: int) -> Nuisance:
    """Make a nuisance for pictures of width × height; its places and strengths are drawn from `rng`.

    Raises
    ------
    ValueError
        No nuisance has this name; NUISANCES lists them.

    """
    if name not in _MAKERS:
        raise ValueError(f"no nuisance {name!r}: choose from {', '.join(NUISANCES)}")
    return replace(_MAKERS[name](rng, width, height), name=name)


def make_nuisances(names: Sequence[str], width: int, height: int, seed: int) -> tuple[Nuisance, ...]:
    """Make the nuisances of a film by their names.

    Raises
    ------
    OptionError
        A name that none of them has.

    """
    for name in names:
        if name not in NUISANCES:
            raise OptionError("--nuisance", name, NUISANCES)
    return tuple(
        make_nuisance(name, np.random.default_rng([seed, 3, i]), width, height) for i, name in enumerate(names)
    )


def _seed(rng: Generator) -> int:
    return int(rng.integers(2**31))


def _clock(rng: Generator, width: int, height: int) -> Nuisance:
    """Draw date and time in a corner; its last digits change with every frame."""
    scale = float(rng.uniform(0.4, 1.0))
    right, low = rng.random(2) < 0.5
    x = max(2, width - int(230 * scale) - 8) if right else 6
    y = height - 8 if low else int(30 * scale)
    start_ms, step_ms = int(rng.integers(86_400_000)), int(rng.choice([33, 40, 80, 100]))
    colour = (255, 255, 255) if rng.random() < 0.8 else (40, 255, 255)

    def picture(frame: Picture, t: int) -> Picture:
        seconds, ms = divmod(start_ms + t * step_ms, 1000)
        text = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{ms:03d}"
        drawn: Picture = frame.copy()
        cv2.putText(drawn, text, (x + 1, y + 1), cv2.FONT_HERSHEY_SIMPLEX, scale, (0, 0, 0), 2, cv2.LINE_AA)
        cv2.putText(drawn, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)
        return drawn

    return Nuisance("", picture=picture)


def _glints(rng: Generator, width: int, height: int) -> Nuisance:
    """Flash sunlight off water, glass and chrome: white points, as sharp as the lens, each for one frame or a few."""
    seed, per_frame = _seed(rng), max(2.0, width * height / 20_000)

    def light(frame: Light, t: int) -> Light:
        drawn: Light = frame.copy()
        for born in range(t - 2, t + 1):
            frame_rng = np.random.default_rng([seed, born & 0x7FFFFFFF])
            for _ in range(int(frame_rng.poisson(per_frame / 2))):
                x, y, lives = frame_rng.uniform(0, width), frame_rng.uniform(0, height), int(frame_rng.geometric(0.7))
                strength, spread = float(frame_rng.uniform(0.2, 3)), float(frame_rng.uniform(0.6, 1.6))
                if born + lives > t:
                    _add_spot(drawn, x, y, spread, np.full(3, strength, np.float32))
        return drawn

    return Nuisance("", light=light)


def _rain(rng: Generator, width: int, height: int) -> Nuisance:
    """Draw streaks of falling drops, at new places in every frame."""
    seed, count = _seed(rng), max(6, int(width * height / float(rng.uniform(1500, 8000))))
    slant, strength = float(rng.uniform(-0.3, 0.3)), float(rng.uniform(0.05, 0.5))
    longest = float(rng.uniform(8, 60))

    def light(frame: Light, t: int) -> Light:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        mask = np.zeros(frame.shape[:2], np.uint8)
        for _ in range(count):
            x, y, long = frame_rng.uniform(0, width), frame_rng.uniform(-20, height), frame_rng.uniform(3, longest)
            tip = (int(x + slant * long), int(y + long))
            cv2.line(
                mask,
                (int(x), int(y)),
                tip,
                int(frame_rng.integers(60, 256)),
                int(frame_rng.integers(1, 3)),
                cv2.LINE_AA,
            )
        soft = cv2.GaussianBlur(mask, (0, 0), 0.7).astype(np.float32)[..., None] * np.float32(strength / 255)
        drawn: Light = frame * (1 - soft) + soft * np.float32(0.8)
        return drawn

    return Nuisance("", light=light)


def _falling(
    rng: Generator, size: tuple[int, int], spreads: tuple[float, float], speeds: tuple[float, float], share: float
) -> Callable[[Light, int], Light]:
    """Let soft flakes fall or drift on straight paths, beginning again at the other side."""
    width, height = size
    count = max(3, int(width * height * share))
    x, y = rng.uniform(0, width, count), rng.uniform(0, height, count)
    vx, vy = rng.normal(0, speeds[0] / 2, count), rng.uniform(*speeds, count)
    spread, level = rng.uniform(*spreads, count), rng.uniform(0.1, 0.9, count)

    def light(frame: Light, t: int) -> Light:
        drawn: Light = frame.copy()
        for i in range(count):
            place = ((x[i] + vx[i] * t) % width, (y[i] + vy[i] * t) % height)
            _add_spot(drawn, *place, float(spread[i]), np.full(3, level[i], np.float32), cover=0.9)
        return drawn

    return light


def _snow(rng: Generator, width: int, height: int) -> Nuisance:
    """Let flakes of 1 to 3 pixels fall at 3 to 25 pixels a frame."""
    return Nuisance("", light=_falling(rng, (width, height), (0.6, 2.0), (3, 25), 1 / 3000))


def _dust(rng: Generator, width: int, height: int) -> Nuisance:
    """Let specks drift close to the lens, out of focus: large faint discs beside small ones."""
    return Nuisance("", light=_falling(rng, (width, height), (1.0, 9.0), (0.5, 12), 1 / 25_000))


def _insects(rng: Generator, width: int, height: int) -> Nuisance:
    """Let insects fly zigzag, dark in daylight, bright in the lamp of the camera."""
    count, bright = int(rng.integers(3, 12)), rng.random() < 0.6
    middle = rng.uniform(0, 1, (count, 2)) * (width, height)
    reach, rate = rng.uniform(20, 150, (count, 2)), rng.uniform(0.2, 2.5, (count, 2))
    phase, spread = rng.uniform(0, 6.3, (count, 2)), rng.uniform(0.7, 2.5, count)
    level = np.float32(float(rng.uniform(0.4, 1.5)) if bright else 0.01)

    def light(frame: Light, t: int) -> Light:
        drawn: Light = frame.copy()
        for i in range(count):
            for beat in np.linspace(0, 0.3, 4):  # the path flown while the shutter is open
                place = middle[i] + reach[i] * np.sin(rate[i] * (t + beat) + phase[i])
                _add_spot(drawn, float(place[0]), float(place[1]), float(spread[i]), np.full(3, level), cover=0.35)
        return drawn

    return Nuisance("", light=light)


def _flicker(rng: Generator, width: int, height: int) -> Nuisance:
    """Let lamps flicker against the rolling shutter: bands of brightness that wander, over all or a part."""
    depth, period = float(rng.uniform(0.03, 0.4)), float(rng.uniform(0.2, 2.0)) * height
    step = float(rng.uniform(0, 2 * math.pi))
    x0 = int(rng.integers(0, width // 2)) if rng.random() < 0.5 else 0
    rows = np.arange(height, dtype=np.float32) * np.float32(2 * math.pi / period)

    def light(frame: Light, t: int) -> Light:
        drawn: Light = frame.copy()
        drawn[:, x0:] *= (1 + np.float32(depth) * np.sin(rows + np.float32(step * t)))[:, None, None]
        return drawn

    return Nuisance("", light=light)


def _shake(rng: Generator, width: int, height: int) -> Nuisance:
    """Shake the camera by up to a few pixels and a little turn in every frame."""
    seed, far = _seed(rng), float(np.exp(rng.uniform(np.log(0.3), np.log(8))))

    def light(frame: Light, t: int) -> Light:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        dx, dy = frame_rng.normal(0, far, 2)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(frame_rng.normal(0, far / 20)), 1.0)
        matrix[:, 2] += dx, dy
        moved: Light = cv2.warpAffine(frame, matrix, (frame.shape[1], frame.shape[0]), borderMode=cv2.BORDER_REFLECT)
        return moved

    return Nuisance("", light=light)


def _exposure(rng: Generator, width: int, height: int) -> Nuisance:
    """Let the exposure jump, and now and then for a single frame only."""
    del width, height
    seed, strongest = _seed(rng), float(rng.uniform(0.1, 0.7))

    def light(frame: Light, t: int) -> Light:
        level = 1.0
        for key in (t // 3, -t - 1):  # one jump for some frames, one for this frame
            frame_rng = np.random.default_rng([seed, key & 0x7FFFFFFF])
            level *= math.exp(float(frame_rng.uniform(-strongest, strongest))) if frame_rng.random() < 0.6 else 1.0
        lit: Light = frame * np.float32(level)
        return lit

    return Nuisance("", light=light)


def _screen(rng: Generator, width: int, height: int) -> Nuisance:
    """Hang up a screen whose picture changes: blinking fields, moving bars, single bright pixels."""
    seed, w, h = _seed(rng), int(width * rng.uniform(0.15, 0.5)), int(height * rng.uniform(0.15, 0.5))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
    cell, share = int(rng.integers(1, 24)), float(rng.uniform(0.02, 0.5))

    def light(frame: Light, t: int) -> Light:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        steady = np.random.default_rng([seed, 1 << 31])
        shape = (h // cell + 1, w // cell + 1, 3)
        fields = steady.uniform(0, 0.8, shape).astype(np.float32)
        fields[frame_rng.random(shape[:2]) < share] = frame_rng.uniform(0, 1, 3)
        shown = cv2.resize(fields, (shape[1] * cell, shape[0] * cell), interpolation=cv2.INTER_NEAREST)
        drawn: Light = frame.copy()
        drawn[y : y + h, x : x + w] = cv2.GaussianBlur(shown, (0, 0), 0.8)[:h, :w]
        return drawn

    return Nuisance("", light=light)


def _jpeg(rng: Generator, width: int, height: int) -> Nuisance:
    """Let a starved encoder press some frames far harder than others."""
    del width, height
    seed, worst = _seed(rng), int(rng.integers(8, 45))

    def stream(content: bytes, t: int) -> bytes:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        frame = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        if frame is None or frame_rng.random() < 0.4:
            return content
        quality = int(frame_rng.integers(worst, worst + 30))
        return bytes(cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])

    return Nuisance("", stream=stream)


def _truncated(rng: Generator, width: int, height: int) -> Nuisance:
    """Cut off the end of some JPEGs, as cheap cameras do."""
    del width, height
    seed, often = _seed(rng), float(rng.uniform(0.1, 0.6))

    def stream(content: bytes, t: int) -> bytes:
        frame_rng = np.random.default_rng([seed, t & 0x7FFFFFFF])
        if frame_rng.random() > often:
            return content
        return content[: int(len(content) * frame_rng.uniform(0.3, 0.97))]

    return Nuisance("", stream=stream)


def _afterglow(rng: Generator, width: int, height: int) -> Nuisance:
    """Mix each picture with those before it, so strongly that what moves leaves trails."""
    del width, height
    return Nuisance("", temporal_denoise=float(rng.uniform(0.3, 0.7)))


def _add_spot(
    frame: Light, x: float, y: float, spread: float, colour: NDArray[np.float32], *, cover: float | None = None
) -> None:
    """Add a soft spot to the light, or with `cover` lay it over what is there; changes the frame."""
    reach = math.ceil(3 * spread) + 1
    x0, x1 = max(0, int(x) - reach), min(frame.shape[1], int(x) + reach + 1)
    y0, y1 = max(0, int(y) - reach), min(frame.shape[0], int(y) + reach + 1)
    if x1 <= x0 or y1 <= y0:
        return
    across = np.exp(-((np.arange(x0, x1, dtype=np.float32) - np.float32(x)) ** 2) / np.float32(2 * spread**2))
    down = np.exp(-((np.arange(y0, y1, dtype=np.float32) - np.float32(y)) ** 2) / np.float32(2 * spread**2))
    shape = (down[:, None] * across[None, :])[..., None]
    under = frame[y0:y1, x0:x1]
    if cover is None:
        under += shape * colour
    else:
        under += np.float32(cover) * shape * (colour - under)


_MAKERS: dict[str, Callable[[Generator, int, int], Nuisance]] = {
    "clock": _clock,
    "glints": _glints,
    "rain": _rain,
    "snow": _snow,
    "flicker": _flicker,
    "shake": _shake,
    "exposure": _exposure,
    "dust": _dust,
    "insects": _insects,
    "screen": _screen,
    "jpeg": _jpeg,
    "truncated": _truncated,
    "afterglow": _afterglow,
    "stars": lambda *where: Nuisance("", light=stars(*where)),
    "leaves": lambda *where: Nuisance("", light=leaves(*where)),
}
NUISANCES: tuple[str, ...] = tuple(_MAKERS)
IN_DATASETS: tuple[str, ...] = tuple(name for name in NUISANCES if name not in ("stars", "leaves"))
"""Nuisances that datasets hold unless told otherwise."""
