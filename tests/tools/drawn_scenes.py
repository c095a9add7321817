"""Drawn scenes for tests of cameras: a street of boxes, with noise, light and blur as wanted."""

import cv2
import numpy as np

SIZE = (640, 480)


def drawn_scene(seed=1, size=SIZE):
    """Draw a street of boxes without noise: uint8, shape (height, width)."""
    rng = np.random.default_rng(seed)
    picture = np.full(size[::-1], 90, np.uint8)
    for _ in range(120):
        x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
        width, height = rng.integers(10, 120, 2)
        cv2.rectangle(picture, (int(x), int(y)), (int(x + width), int(y + height)), int(rng.integers(20, 230)), -1)
    return picture


def noisy(picture, seed=1, sigma=2.0):
    """Return a picture with normal noise."""
    return np.clip(picture + np.random.default_rng(seed).normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def as_jpeg(grey, quality=92):
    """Return a grey picture as a JPEG."""
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
