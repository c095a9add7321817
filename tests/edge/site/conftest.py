"""Films of a small camera: covered, and in the view of its site."""

import json

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter

SIZE = (160, 120)
FPS = 25
HOT = (31, 44)
BLINKING = (100, 61)


def write_film(path, frames, level, *, sigma=1.0, blink=None, hits=(), seed=1):
    """Write a film with noise; the hot pixel is always bright, the blinking one now and then."""
    rng = np.random.default_rng(seed)
    with MotionJpegWriter(path, FPS, SIZE) as writer:
        for frame in range(frames):
            picture = level + rng.normal(0, sigma, (SIZE[1], SIZE[0]))
            if blink:
                picture[HOT[1], HOT[0]] += 90
                if frame % blink == 0:
                    picture[BLINKING[1], BLINKING[0]] += 120
            for number, x, y in hits:
                if number == frame:
                    picture[y : y + 3, x : x + 3] += 90
            grey = np.clip(picture, 0, 255).round().astype(np.uint8)
            writer.write(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes())
    return path


@pytest.fixture(scope="session")
def films(tmp_path_factory):
    """Folder with dark.avi, view.avi, and both.avi: a lens that is uncovered after four seconds."""
    folder = tmp_path_factory.mktemp("films")
    write_film(folder / "dark.avi", 120, 3.0, blink=20)
    write_film(folder / "view.avi", 250, 70.0, sigma=2.0, hits=[(150, 40, 30), (200, 80, 90)], seed=2)
    return folder


@pytest.fixture
def config(tmp_path, films):
    """Write device.yaml; more settings as keywords."""

    def write(**changed):
        path = tmp_path / "device.yaml"
        settings = {
            "site": "hall",
            "device": "gate",
            "source": {"spec": str(films / "view.avi"), "exposure_s": 0.033},
            "mqtt": {"host": "127.0.0.1"},
        }
        path.write_text(json.dumps({**settings, **changed}))
        return path

    return write
