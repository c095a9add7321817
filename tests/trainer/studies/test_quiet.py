import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.errors import SourceError
from trainer.studies.quiet import as_markdown, count_false_hits, pool

FPS = 25


@pytest.fixture
def clip(tmp_path):
    def write(name, sparks, frames=75, cut=()):
        """Write a still noisy scene; `sparks` maps a frame to places of one-frame sparks."""
        rng = np.random.default_rng(1)
        path = tmp_path / name
        with MotionJpegWriter(path, FPS, (160, 120)) as writer:
            for i in range(frames):
                picture = np.clip(70 + rng.normal(0, 2, (120, 160, 3)), 0, 255)
                for x, y in sparks.get(i, ()):
                    picture[y : y + 3, x : x + 3] += 90
                jpeg = cv2.imencode(".jpg", np.rint(picture).astype(np.uint8))[1].tobytes()
                writer.write(jpeg[: len(jpeg) // 2] if i in cut else jpeg, damaged=i in cut)
        return path

    return write


def test_pool_adds_up_the_false_hits_of_clips(clip, bundle):
    one = count_false_hits(clip("one.avi", {10: [(40, 30), (100, 60)], 60: [(60, 90)]}), bundle)
    two = count_false_hits(clip("two.avi", {}, frames=50), bundle, exposure_s=0.01)
    found = pool("all", [one, two])
    assert (one.frames, one.hits.sum(), two.hits.sum()) == (75, 3, 0)
    assert (found.clips, found.frames, found.analysed, found.hits) == (2, 125, 121, 3)
    assert found.per_frame == pytest.approx(3 / 121)
    assert found.per_frame_interval[0] < 3 / 121 < found.per_frame_interval[1]
    assert found.live_s == pytest.approx(73 / FPS + 48 * 0.01, rel=0.05)
    assert found.per_live_s == pytest.approx(3 / found.live_s)
    first = found.dispersions[0]
    assert (first.window_s, first.windows) == (1, 3)
    assert first.value == pytest.approx(2 / (2 / 3))  # by second: 2 and 0 (the third lacks two frames); 0
    assert found.dispersions[2].value is None
    table = as_markdown([found]).splitlines()
    assert len({line.count("|") for line in table}) == 1
    assert table[2].startswith("| all | 121 | 3 | 0.0248 [")


def test_count_false_hits_skips_damaged_frames(clip, bundle):
    found = pool("cut", [count_false_hits(clip("cut.avi", {}, frames=20, cut=(8,)), bundle)])
    assert (found.frames, found.damaged, found.analysed) == (20, 1, 20 - 2 - 3)


def test_pool_of_a_clip_without_three_whole_frames(clip, bundle):
    found = pool("cut", [count_false_hits(clip("cut.avi", {}, frames=12, cut=tuple(range(2, 12, 2))), bundle)])
    assert (found.analysed, found.hits, found.live_fraction, found.per_live_s) == (0, 0, 0.0, None)
    assert " – " in as_markdown([found])


def test_count_false_hits_refuses_a_missing_clip(bundle, tmp_path):
    with pytest.raises(SourceError):
        count_false_hits(tmp_path / "none.avi", bundle)
