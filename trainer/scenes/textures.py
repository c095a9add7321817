"""Textures of generated scenes: pictures that ship inside installed packages, and procedural ones that need nothing.

Only files inside the wheels are read, nothing is downloaded, and only pictures whose licence allows it: from
scikit-image those in the public domain or under CC0 (its `skimage/data/_fetchers.py` names each licence), from
scikit-learn china.jpg and flower.jpg (CC BY 2.0, danielbuechele and vultilion; see its `images/README.txt`). Where the
packages are absent, as on a machine that only runs the demo, the procedural textures stand alone.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.capture.picture_file import read_colour

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from trainer.scenes.splits import Split

# Which picture belongs to which split: a network must not meet a validation or test texture in training.
_PICTURES: dict[Split, tuple[tuple[str, str], ...]] = {
    "train": (
        ("skimage", "data/brick.png"),
        ("skimage", "data/grass.png"),
        ("skimage", "data/astronaut.png"),
        ("skimage", "data/camera.png"),
        ("skimage", "data/coffee.png"),
        ("skimage", "data/text.png"),
        ("sklearn", "datasets/images/china.jpg"),
    ),
    "validation": (("skimage", "data/rocket.jpg"), ("skimage", "data/clock_motion.png"), ("skimage", "data/ihc.png")),
    "test": (
        ("skimage", "data/gravel.png"),
        ("skimage", "data/chelsea.png"),
        ("skimage", "data/hubble_deep_field.jpg"),
        ("sklearn", "datasets/images/flower.jpg"),
    ),
}


def available_pictures(split: Split) -> tuple[str, ...]:
    """Name the pictures of a split that are installed here, as package/path."""
    return tuple(f"{package}/{path}" for package, path in _PICTURES[split] if _locate(package, path))


def load_picture(name: str) -> NDArray[np.uint8]:
    """Read a picture that `available_pictures` named: uint8, shape (height, width, 3), blue first."""
    package, path = name.split("/", 1)
    return _read(package, path)


def _locate(package: str, path: str) -> Path | None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    place = Path(spec.origin).parent / path
    return place if place.is_file() else None


@lru_cache(maxsize=16)
def _read(package: str, path: str) -> NDArray[np.uint8]:
    place = _locate(package, path)
    picture: NDArray[np.uint8] | None = None if place is None else read_colour(place)
    if picture is None:
        raise FileNotFoundError(f"{package}/{path} is not installed here")
    return picture


def fractal(rng: Generator, height: int, width: int, roughness: float = 0.6) -> NDArray[np.float32]:
    """Draw noise with detail at every scale down to the pixel: float32, shape (height, width), mean 0, deviation 1.

    Each octave has half the wavelength and `roughness` times the strength of the one before.
    """
    total = np.zeros((height, width), np.float32)
    strength, step = 1.0, max(height, width) // 2
    while step >= 1:
        grid = rng.standard_normal((height // step + 2, width // step + 2), dtype=np.float32)
        total += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        strength *= roughness
        step //= 2
    total -= total.mean()
    total /= max(float(total.std()), 1e-6)
    return total


def tiled(picture: NDArray[np.uint8], rng: Generator, height: int, width: int) -> NDArray[np.uint8]:
    """Fill (height, width) with a picture, turned, scaled down (never up: it stays sharp) and mirrored at its edges."""
    turned = np.rot90(picture, int(rng.integers(4)))
    if rng.random() < 0.5:
        turned = turned[:, ::-1]
    scale = float(rng.uniform(0.4, 1.0))
    size = (max(16, int(turned.shape[1] * scale)), max(16, int(turned.shape[0] * scale)))
    small = cv2.resize(np.ascontiguousarray(turned), size, interpolation=cv2.INTER_AREA)
    below, right = max(0, height - small.shape[0]), max(0, width - small.shape[1])
    grown: NDArray[np.uint8] = cv2.copyMakeBorder(small, 0, below, 0, right, cv2.BORDER_REFLECT)
    y0 = int(rng.integers(grown.shape[0] - height + 1))
    x0 = int(rng.integers(grown.shape[1] - width + 1))
    return grown[y0 : y0 + height, x0 : x0 + width]


def surface(rng: Generator, height: int, width: int, pictures: tuple[str, ...]) -> NDArray[np.float32]:
    """Draw a textured surface: float32, shape (height, width, 3), grey levels 0..255, blue first."""
    kinds = ("fractal", "plain", "courses", "lines", "writing") + ("picture",) * (4 if pictures else 0)
    kind = str(rng.choice(kinds))
    if kind == "picture":
        picture = load_picture(pictures[int(rng.integers(len(pictures)))])
        return tiled(picture, rng, height, width).astype(np.float32) * float(rng.uniform(0.4, 1.1))
    colour = rng.uniform(20, 200, 3).astype(np.float32) * 0.4 + float(rng.uniform(10, 200)) * 0.6
    ground = np.empty((height, width, 3), np.float32)
    ground[:] = colour
    if kind == "courses":
        _lay_courses(ground, rng)
    elif kind == "lines":
        _lay_lines(ground, rng)
    elif kind == "writing":
        _write(ground, rng)
    depth = float(rng.uniform(1, 6)) if kind == "plain" else float(rng.uniform(3, 30))
    ground += depth * fractal(rng, height, width, float(rng.uniform(0.4, 0.95)))[..., None]
    return ground


def _lay_courses(ground: NDArray[np.float32], rng: Generator) -> None:
    """Lay bricks or slabs with dark joints."""
    height, width = ground.shape[:2]
    course, length = int(rng.integers(8, 40)), int(rng.integers(16, 90))
    joint = float(rng.uniform(-60, 60))
    for row, y in enumerate(range(0, height, course)):
        ground[y : y + 2] += joint
        for x in range((row % 2) * length // 2, width, length):
            ground[y : y + course, x : x + 2] += joint
            ground[y : y + course, x : x + length] += float(rng.normal(0, 8))


def _lay_lines(ground: NDArray[np.float32], rng: Generator) -> None:
    """Lay railings, cables, blinds: thin sharp lines in one direction."""
    height, width = ground.shape[:2]
    pitch, thick = int(rng.integers(5, 40)), int(rng.integers(1, 4))
    tone = rng.uniform(0, 255, 3)
    lean = int(rng.integers(-height, height + 1)) if rng.random() < 0.5 else 0
    for x in range(-abs(lean), width + abs(lean), pitch):
        if rng.random() < 0.5:
            cv2.line(ground, (x, 0), (x + lean, height), tone.tolist(), thick, cv2.LINE_AA)
        else:
            cv2.line(ground, (0, x), (width, x + lean // 4), tone.tolist(), thick, cv2.LINE_AA)


def _write(ground: NDArray[np.float32], rng: Generator) -> None:
    """Write signs: random words and numbers in several sizes."""
    height, width = ground.shape[:2]
    letters = list("ABCDEFGHIJKLMNOPRSTUVWXYZabcdefghiklmnoprstuvwz0123456789.:-/ ")
    paper = np.clip(ground, 0, 255).astype(np.uint8)  # OpenCV writes on 8 bits only
    for _ in range(max(4, height * width // 12000)):
        word = "".join(rng.choice(letters, int(rng.integers(2, 12))))
        place = (int(rng.integers(-20, width)), int(rng.integers(0, height + 10)))
        tone = rng.uniform(0, 255, 3).tolist()
        cv2.putText(paper, word, place, int(rng.integers(0, 4)), float(rng.uniform(0.3, 1.5)), tone, 1, cv2.LINE_AA)
    ground[:] = paper
