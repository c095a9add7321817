import json
import subprocess
import sys
from dataclasses import fields as fields_of

import cv2
import numpy as np
import pytest

from edge.analysis import Summary
from edge.bundle import load_bundle, save_bundle
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands import analyze as analyze_command
from edge.detect.manifest import Sensitivity
from edge.errors import BundleError, OutputError, SourceError

FRAMES = 12
HITS = ((3, 40, 30), (3, 120, 90), (7, 80, 60))
SIZE = (160, 120)


def jpegs(size=SIZE, hits=HITS, count=FRAMES, *, grey=False):
    """Pictures of a still noisy scene with 3×3 hits at (frame, x, y)."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(count):
        picture = np.clip(70 + rng.normal(0, 2, (size[1], size[0], 3)), 0, 255)
        for at, x, y in hits:
            if at == i:
                picture[y : y + 3, x : x + 3] += 90
        picture = np.rint(picture).astype(np.uint8)
        if grey:
            picture = picture[..., 1]
        made.append(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
    return made


@pytest.fixture
def clip(tmp_path):
    def write(pictures=None, size=SIZE):
        path = tmp_path / "clip.avi"
        with MotionJpegWriter(path, 25, size) as writer:
            for picture in jpegs() if pictures is None else pictures:
                writer.write(picture)
        return path

    return write


@pytest.fixture
def analyzed(tiny_bundle, tmp_path, capsys):
    def run(path):
        events = tmp_path / "events.jsonl"
        analyze_command.run(str(path), events=events, model=tiny_bundle, threads=1, as_json=True)
        out, err = capsys.readouterr()
        found = [json.loads(line) for line in events.read_text().splitlines()]
        return json.loads(out), [event for event in found if event["type"] == "hit"], err

    return run


def close_to(found, hits):
    truth = sorted(hits)
    at = sorted((hit["frame"], hit["x"], hit["y"]) for hit in found)
    return len(at) == len(truth) and all(
        frame == i and abs(x - hx - 1) <= 2 and abs(y - hy - 1) <= 2
        for (frame, x, y), (i, hx, hy) in zip(at, truth, strict=True)
    )


@pytest.mark.parametrize("times", [2, 3])
def test_analyze_finds_the_hits_of_repeated_pictures(clip, analyzed, times):
    hits = (*HITS, (40, 100, 40))
    once = jpegs(hits=hits, count=60)
    summary, found, _ = analyzed(clip([jpeg for jpeg in once for _ in range(times)]))
    assert close_to(found, [(times * frame, x, y) for frame, x, y in hits])
    assert (summary["frames"], summary["repeated"], summary["not_analysed"]) == (60 * times, 60 * (times - 1), 2)
    assert summary["live_s"] == pytest.approx(
        58 * times * 0.04 * summary["live_fraction"] * summary["sensitivity"], rel=0.05
    )
    assert [state["name"] for state in summary["camera"]] == ["repeated"]


def test_analyze_tells_a_frozen_picture(clip, analyzed, tmp_path):
    made = jpegs(hits=(), count=60)
    summary, _, _ = analyzed(clip([*made[:30], *made[29:30] * 150, *made[30:]]))
    assert (summary["repeated"], summary["not_analysed"]) == (150, 4)
    events = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    told = [(event["name"], event["state"]) for event in events if event["type"] == "camera"]
    assert told == [("frozen", "begin"), ("frozen", "end")]
    assert summary["camera"][0]["time_s"] < 30 / 25 + 5


def test_analyze_accounts_for_every_hit_and_frame(clip, analyzed):
    summary, found, _ = analyzed(clip())
    assert close_to(found, HITS)
    assert set(found[0]) == {"type", "frame", "time_s", "x", "y", "score", "added_dn", "added", "pixels", "live"}
    assert found[0]["time_s"] == pytest.approx(3 / 25)
    assert all(hit["live"] and 60 < hit["added_dn"] < 120 and hit["score"] > 0.9 for hit in found)
    assert all(hit["added"] == hit["added_dn"] for hit in found)
    assert (summary["frames"], summary["hits"], summary["not_analysed"]) == (FRAMES, 3, 2)
    # The seconds are told to a thousandth, which is some percent of so short a run.
    rounding = 0.001 / summary["seconds"]
    assert summary["fps"] == pytest.approx(FRAMES / summary["seconds"], rel=rounding)
    assert set(summary["ms"]) == {"decode", "fast_path", "crop", "classify", "nuisance", "alarm"}
    assert all(0 <= time["mean"] <= time["max"] and time["p95"] <= time["max"] for time in summary["ms"].values())
    assert summary["ms"]["decode"]["mean"] > 0
    assert summary["live_fraction"] > 0.95
    assert (summary["live_hits"], summary["sensitivity"]) == (3, 1.0)
    assert summary["live_s"] == pytest.approx((FRAMES - 2) / 25 * summary["live_fraction"], rel=0.01)
    assert (summary["unclassified"], summary["damaged"], summary["warnings"]) == (0, 0, [])
    assert summary["runtime"].startswith(("ai-edge-litert", "tflite-runtime"))


def test_analyze_reads_a_cut_clip_up_to_the_cut(clip, analyzed):
    path = clip()
    content = path.read_bytes()
    end = content.rfind(b"\xff\xd9", 0, content.rfind(b"idx1") if b"idx1" in content else len(content))
    path.write_bytes(content[: end - 700])
    summary, found, _ = analyzed(path)
    assert close_to(found, HITS)
    assert summary["frames"] in {FRAMES - 1, FRAMES}
    assert summary["damaged"] or summary["warnings"]


def test_analyze_skips_the_triples_of_a_damaged_picture(clip, analyzed):
    pictures = jpegs()
    pictures[5] = pictures[5][: len(pictures[5]) // 2] + pictures[5][-2:]
    summary, found, _ = analyzed(clip(pictures))
    assert close_to(found, HITS)
    assert (summary["frames"], summary["damaged"]) == (FRAMES, 1)
    assert summary["not_analysed"] == 2 + 3


@pytest.mark.parametrize("size", [(161, 121), (64, 64), (333, 97)])
@pytest.mark.parametrize("grey", [False, True])
def test_analyze_reads_grey_and_odd_sizes(clip, analyzed, size, grey):
    hits = ((3, 30, 30),)
    _, found, _ = analyzed(clip(jpegs(size, hits, grey=grey), size))
    assert close_to(found, hits)


def test_analyze_skips_the_frames_beside_a_change_of_size(tmp_path, analyzed):
    folder = tmp_path / "pictures"
    folder.mkdir()
    first, second = jpegs(count=6, hits=((3, 40, 30),)), jpegs((200, 140), count=6, hits=((2, 50, 50),))
    for i, picture in enumerate(first + second):
        (folder / f"{i:03}.jpg").write_bytes(picture)
    summary, found, err = analyzed(folder)
    assert close_to(found, ((3, 40, 30), (8, 50, 50)))
    assert summary["not_analysed"] == 4
    assert "size changes from 160x120 to 200x140 at frame 6" in err


def test_analyze_warns_of_a_codec_that_predicts_frames(tmp_path, analyzed):
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, SIZE)
    for picture in jpegs():
        writer.write(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR))
    writer.release()
    summary, _, err = analyzed(path)
    assert err.startswith("warning: ")
    assert "use Motion JPEG" in err
    assert "use Motion JPEG" in summary["warnings"][0]


def test_analyze_never_overwrites_the_recording(clip, tiny_bundle):
    path = clip()
    before = path.read_bytes()
    with pytest.raises(OutputError, match="is what is read"):
        analyze_command.run(str(path), events=path, model=tiny_bundle, threads=1, as_json=True)
    assert path.read_bytes() == before


def test_analyze_refuses_events_that_cannot_be_written(clip, tiny_bundle, tmp_path):
    with pytest.raises(SourceError, match="cannot be written"):
        analyze_command.run(str(clip()), events=tmp_path / "no" / "e.jsonl", model=tiny_bundle, threads=1, as_json=True)


def test_analyze_refuses_a_missing_bundle(clip, tmp_path):
    with pytest.raises(BundleError, match=r"model\.json is missing"):
        analyze_command.run(str(clip()), events=None, model=tmp_path, threads=1, as_json=True)


def command(*arguments):
    call = [sys.executable, "-c", "from edge.commands.cli import main; main()", "analyze", *map(str, arguments)]
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "no such file"), (b"", "is empty"), (b"no video at all\n" * 50, "no video is recognised")],
)
def test_analyze_refuses_an_unusable_recording_in_one_line(tmp_path, tiny_bundle, content, complaint):
    path = tmp_path / "clip.avi"
    if content is not None:
        path.write_bytes(content)
    ended = command(path, "--model", tiny_bundle)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith(f"error: {path}: {complaint}")
    assert ended.stderr.count("\n") == 1


def test_analyze_shortens_live_time_on_bright_ground(clip, tiny_bundle, tmp_path, capsys):
    known = load_bundle(tiny_bundle)
    table = Sensitivity(ground_dn=(20.0, 120.0), relative=(0.4, 0.4))
    dim = save_bundle(tmp_path / "dim", known.manifest.model_copy(update={"sensitivity": table}), known.model)
    words = {"events": None, "model": dim.path, "threads": 1}
    analyze_command.run(str(clip()), **words, as_json=True)
    summary = json.loads(capsys.readouterr().out)
    analyze_command.run(str(clip()), **words, as_json=False)
    assert "of the picture was live; at this brightness 40% of hits are visible" in capsys.readouterr().out
    assert summary["live_s"] == pytest.approx(0.4 * (FRAMES - 2) / 25 * summary["live_fraction"], rel=0.01)


def test_analyze_prints_its_summary_as_text(clip, tiny_bundle):
    ended = command(clip(), "--model", tiny_bundle)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "12 frames in" in ended.stdout
    assert "3 hits, 0 alarms" in ended.stdout
    assert "2 frames not analysed" in ended.stdout


@pytest.mark.parametrize(
    ("candidates", "unclassified", "text"),
    [
        (22383, 0, "all 22,383 candidates were classified"),
        (22383, 1200, "1,200 of 22,383 candidates were not classified, as their frames had too many"),
        (1, 0, "1 candidate, classified"),
        (0, 0, "no candidates"),
    ],
)
def test_as_text_says_how_many_candidates_were_classified(candidates, unclassified, text):
    fields = {field.name: 0 for field in fields_of(Summary)}
    summary = Summary(
        **{**fields, "ms": {}, "camera": (), "episodes": (), "candidates": candidates, "unclassified": unclassified}
    )
    assert text in analyze_command.as_text(summary).splitlines()
