import json

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands import bench_threads
from edge.errors import SettingsError


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "clip.avi"
    with MotionJpegWriter(path, 25, (160, 120)) as writer:
        for number in range(20):
            picture = 80 + rng.normal(0, 2, (120, 160, 3))
            picture[40:43, 60:63] += 90 * (number % 5 == 2)
            writer.write(cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8))[1].tobytes())
    return path


def test_bench_threads_compares_the_numbers(clip, tiny_bundle, capsys):
    assert bench_threads.run(str(clip), counts="1, 2,2", rounds=2, model=tiny_bundle, as_json=True) == 0
    told = json.loads(capsys.readouterr().out)
    one, two = told["rows"]
    assert (told["frames"], told["rounds"], one["threads"], two["threads"]) == (20, 2, 1, 2)
    assert (one["speedup"], one["best_speedup"], one["same"], two["same"]) == (1.0, 1.0, True, True)
    assert two["speedup"] == pytest.approx(two["fps"] / one["fps"], rel=0.02)
    assert one["processor_ms"] > 0


def test_bench_threads_fails_where_the_numbers_find_other_things(clip, tiny_bundle, capsys, monkeypatch):
    class Forgetful(bench_threads.Detector):
        made = 0

        def decide(self, judged):
            Forgetful.made += 1
            found = super().decide(judged)
            return found if Forgetful.made < 30 else type(found)(found.sequence, (), 1.0, 0, 0)

    monkeypatch.setattr(bench_threads, "Detector", Forgetful)
    assert bench_threads.run(str(clip), counts="1,2", rounds=1, model=tiny_bundle, as_json=False) == 1
    assert "OTHER THINGS" in capsys.readouterr().out


@pytest.mark.parametrize("counts", ["", "1,,2", "0", "65", "one", "1;2"])
def test_bench_threads_refuses_numbers_that_are_none(clip, counts):
    with pytest.raises(SettingsError, match="expected numbers from 1 to 64"):
        bench_threads.run(str(clip), counts=counts, rounds=1, model=None, as_json=True)
