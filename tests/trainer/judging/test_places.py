import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.bundle import load_bundle
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.detect.hit import Hit
from edge.errors import SourceError
from edge.truth import TrueHit
from trainer.commands.cli import app
from trainer.judging.places import PlaceScore, judge_clips, score_frame


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle)


def write_clip(path, sparks, told=(), frames=40):
    """Write a still noisy scene with one-frame sparks {frame: [(x, y)]}; `told` are those of the truth."""
    rng = np.random.default_rng(1)
    with MotionJpegWriter(path, 25, (160, 120)) as writer:
        for number in range(frames):
            picture = np.clip(70 + rng.normal(0, 2, (120, 160, 3)), 0, 255)
            for x, y in sparks.get(number, ()):
                picture[y : y + 3, x : x + 3] += 90
            writer.write(cv2.imencode(".jpg", np.rint(picture).astype(np.uint8))[1].tobytes())
    if told:
        lines = [{"frame": frame, "x": x, "y": y, "box": [x, y, x + 2, y + 2], "added": dn} for frame, x, y, dn in told]
        path.with_suffix(".jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def hit(x, y):
    return Hit(x, y, 0.9, 60.0, 4, live=True)


def test_score_frame_counts_second_hits_apart():
    truth = [TrueHit(0, 50, 50, (45, 48, 56, 52), 60.0), TrueHit(0, 100, 20, (100, 20, 100, 20), 10.0)]
    score = score_frame(truth, [hit(46, 50), hit(55, 50), hit(101, 20), hit(10, 90)], [(46, 50), (10, 90)])
    assert score == PlaceScore("", 1, visible=1, proposed=1, found=1, false_hits=1, second_hits=1)


def test_score_without_hits_has_no_recall():
    empty = PlaceScore("yard")
    assert (empty.recall, empty.bound, empty.false_per_frame) == (None, None, 0.0)
    one = PlaceScore("yard", frames=100, visible=10, proposed=9, found=8, false_hits=2)
    assert empty.plus(one) == one
    assert (one.recall, one.bound, one.false_per_frame) == (0.8, 0.9, 0.02)
    assert one.recall_interval[0] < 0.8 < one.recall_interval[1]
    assert one.false_interval[0] < 0.02 < one.false_interval[1]


def test_judge_puts_the_worst_place_first(tmp_path, bundle):
    found, missed = (20, 40, 30, 90.0), (30, 100, 60, 90.0)
    good = write_clip(tmp_path / "good.avi", {20: [(40, 30)]}, [found])
    bad = write_clip(tmp_path / "bad.avi", {20: [(40, 30)]}, [found, missed])
    quiet = write_clip(tmp_path / "quiet.avi", {25: [(80, 80)]})
    scores = judge_clips({"hall": [good], "yard": [bad, good], "night": [quiet]}, bundle)
    assert [score.name for score in scores] == ["yard", "night", "hall"]
    yard, night, hall = scores
    assert (yard.frames, yard.visible, yard.proposed, yard.found) == (76, 3, 2, 2)
    assert (hall.visible, hall.found, hall.false_hits) == (1, 1, 0)
    assert (night.visible, night.recall, night.false_hits) == (0, None, 1)


def test_judge_warns_of_a_clip_that_was_cut_off_and_a_truth_of_another(tmp_path, bundle):
    clip = write_clip(tmp_path / "hall.avi", {20: [(40, 30)]}, [(20, 40, 30, 90.0), (35, 40, 30, 90.0)])
    told = []
    judge_clips({"hall": [clip]}, bundle, warn=told.append)
    assert told == []
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 3 // 4])
    judge_clips({"hall": [clip]}, bundle, warn=told.append)
    cut, outside = told
    assert cut.startswith(f"{clip}: the recording declares 40 frames and ends after")
    assert outside.startswith(f"{clip}: 1 of 2 true hits lie outside")


def test_judge_refuses_a_clip_that_is_too_short(tmp_path, bundle):
    with pytest.raises(SourceError, match="fewer than three frames"):
        judge_clips({"hall": [write_clip(tmp_path / "short.avi", {}, frames=2)]}, bundle)


def test_judge_command_prints_places_and_their_sum(tmp_path, tiny_bundle):
    good = write_clip(tmp_path / "good.avi", {20: [(40, 30)]}, [(20, 40, 30, 90.0)])
    words = ["judge", f"hall={good}", str(write_clip(tmp_path / "quiet.avi", {})), "--model", str(tiny_bundle)]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    lines = shown.stdout.splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == ["hall", "quiet", "pooled"]
    assert len({line.count("|") for line in lines}) == 1
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert told["pooled"]["recall"] == 1
    assert [place["name"] for place in told["places"]] == ["hall", "quiet"]
