import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.part import Part
from edge.capture.source import open_source
from edge.errors import SourceError

FRAMES, FPS = 50, 25


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "clip.avi"
    with MotionJpegWriter(path, FPS, (160, 120)) as writer:
        for number in range(FRAMES):
            picture = rng.integers(0, 256, (120, 160, 3), np.uint8)
            content = cv2.imencode(".jpg", picture)[1].tobytes()
            writer.write(content[:200] if number in {3, 30} else content, damaged=True)
    return path


@pytest.mark.parametrize(
    ("start_s", "seconds", "numbers"),
    [
        (0.0, None, [*range(3), *range(4, 30), *range(31, 50)]),
        (1.0, None, [*range(25, 30), *range(31, 50)]),
        (0.4, 0.4, list(range(10, 20))),
        (1.0, 100.0, [*range(25, 30), *range(31, 50)]),
        (1.91, 0.03, [48]),
    ],
    ids=["all", "end", "middle", "longer than it is", "one frame"],
)
def test_part_holds_the_frames_of_its_time(clip, start_s, seconds, numbers):
    with open_source(clip) as source:
        part = Part(source, start_s, seconds)
        assert [frame.sequence for frame in part] == numbers
        report = part.report
    damaged = [number for number in (3, 30) if start_s * FPS <= number <= numbers[-1]]
    assert (report.delivered, report.damaged) == (len(numbers), len(damaged))
    assert [damage.sequence for damage in report.damages] == damaged


def test_part_that_begins_after_the_end_says_so(clip):
    with (
        open_source(clip) as source,
        pytest.raises(SourceError, match=r"ends at 2\.0 s, before its part begins at 3 s"),
    ):
        list(Part(source, 3.0))
