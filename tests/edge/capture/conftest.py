"""Pictures and recordings for the tests of the capture room."""

import threading

import cv2
import numpy as np
import pytest
from http_camera import Camera

from edge.capture.mjpeg_writer import MotionJpegWriter


@pytest.fixture(scope="session")
def make_jpeg():
    """Make a JPEG whose mean grey tells its number; noise gives it some hundred bytes of coded data."""

    def make(number, size=(96, 80), quality=90, **options):
        width, height = size
        noise = np.random.default_rng(number).integers(-6, 7, (height, width, 3))
        picture = np.clip(20 + 4 * (number % 50) + noise, 0, 255).astype(np.uint8)
        flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
        for name, value in options.items():
            flags += [getattr(cv2, f"IMWRITE_JPEG_{name.upper()}"), value]
        return cv2.imencode(".jpg", picture, flags)[1].tobytes()

    return make


@pytest.fixture
def make_clip(tmp_path):
    """Write JPEGs as a Motion JPEG AVI and give its path."""

    def make(jpegs, name="clip.avi", fps=25, size=(96, 80), **options):
        path = tmp_path / name
        with MotionJpegWriter(path, fps, size, **options) as writer:
            for jpeg in jpegs:
                writer.write(jpeg)
        return path

    return make


def number_of(frame):
    """Read the number back that make_jpeg put into a picture."""
    return round((float(frame.grey.mean()) - 20) / 4)


@pytest.fixture(scope="session")
def numbers():
    """Return the numbers of frames made by make_jpeg."""
    return lambda frames: [number_of(frame) for frame in frames]


@pytest.fixture
def camera(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with Camera() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
