from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from edge.capture.frame import Frame

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)


def coloured(height=42, width=64):
    columns, rows = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([60 + columns, 40 + 2 * rows, 180 - columns], axis=-1).astype(np.uint8)


def frames(bgr):
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return {"bgr": Frame(0, 0.0, UTC, grey, bgr=bgr), "jpeg": Frame(0, 0.0, UTC, grey, jpeg=content)}


def of_csi(bgr):
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    return {"i420": Frame(0, 0.0, UTC, grey, i420=cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420))}


@pytest.mark.parametrize("kind", ["bgr", "jpeg", "i420"])
def test_colour_is_that_of_the_camera(kind):
    bgr = coloured()
    shown = {**frames(bgr), **of_csi(bgr)}[kind]
    assert shown.has_colours
    assert np.abs(shown.colour().astype(int) - bgr).mean() < 3


def test_frame_of_a_grey_camera_has_no_colours():
    grey = cv2.cvtColor(coloured(), cv2.COLOR_BGR2GRAY)
    content = cv2.imencode(".jpg", grey)[1].tobytes()
    assert not Frame(0, 0.0, UTC, grey).has_colours
    assert not Frame(0, 0.0, UTC, grey, jpeg=content).has_colours
