"""Films a quiet place with a few hits, for the box of `make check-firmware` that has no camera.

Few frames a second: an emulated machine on a busy one analyses no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

SIZE = (320, 240)
FPS = 3
SECONDS = 60
HIT_EVERY = 20


def filmed(path: Path) -> Path:
    """Write the film where it is missing, the same bytes each time, and return its path."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"part-{path.name}")
    rng = np.random.default_rng(20)
    across, down = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    scene = 60 + 20 * np.sin(across / 23) + 15 * np.cos(down / 17)
    writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"MJPG"), FPS, SIZE)
    writer.set(cv2.VIDEOWRITER_PROP_QUALITY, 90)
    for number in range(FPS * SECONDS):
        picture = scene + rng.normal(0, 1.5, scene.shape)
        if number % HIT_EVERY == HIT_EVERY // 2:
            row, column = (int(rng.integers(20, side - 20)) for side in SIZE[::-1])
            picture[row : row + 2, column : column + 2] += 120
        grey = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
        writer.write(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR))
    writer.release()
    part.replace(path)
    return path
