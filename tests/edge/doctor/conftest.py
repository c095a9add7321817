import json

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.avi"
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, 25, (160, 120)) as writer:
        for _ in range(60):
            picture = np.clip(70 + rng.normal(0, 2, (120, 160)), 0, 255).astype(np.uint8)
            writer.write(cv2.imencode(".jpg", picture)[1].tobytes())
    return path


@pytest.fixture
def config(tmp_path, film):
    """Write device.yaml; more settings as keywords."""

    def write(**changed):
        path = tmp_path / "device.yaml"
        settings = {
            "site": "hall",
            "device": "gate",
            "source": {"spec": str(film), "exposure_s": 0.033},
            "mqtt": {"host": "127.0.0.1", "port": 1},
        }
        path.write_text(json.dumps({**settings, **changed}))
        return path

    return write
