"""Bad input as a user meets it: the real commands, one clear line on stderr, and nothing lost of what was good."""

import json

import cv2
import numpy as np
import pytest
from agent_box import SPOT

from edge.bundle import save_bundle
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands.cli import main

SIZE = (160, 120)
HITS = ((3, 40, 30), (7, 80, 60))


def jpegs(count=10, size=SIZE, hits=HITS, *, grey=False):
    """Pictures of a still noisy scene with 3×3 hits at (frame, x, y)."""
    rng = np.random.default_rng(1)
    made = []
    for i in range(count):
        picture = 70 + rng.normal(0, 2, (size[1], size[0], 3))
        for _, x, y in (hit for hit in hits if hit[0] == i):
            picture[y : y + 3, x : x + 3] += SPOT
        picture = np.rint(np.clip(picture, 0, 255)).astype(np.uint8)
        encoded = cv2.imencode(".jpg", picture[..., 1] if grey else picture, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
        made.append(encoded.tobytes())
    return made


def write_clip(path, pictures, size=SIZE):
    with MotionJpegWriter(path, 25, size) as writer:
        for picture in pictures:
            writer.write(picture)
    return path


@pytest.fixture
def analyze(command, tiny_bundle, tmp_path):
    def run(clip, *words, model=tiny_bundle):
        events = tmp_path / "events.jsonl"
        ended = command(main, "analyze", clip, "--model", model, "--events", events, "--json", *words)
        lines = events.read_text().splitlines() if events.exists() else []
        found = [(event["frame"], event["x"], event["y"]) for event in map(json.loads, lines) if event["type"] == "hit"]
        return ended, found

    return run


def are(found, hits):
    """Whether the hits found are these, each within its 3×3 pixels and one more around them."""
    return len(found) == len(hits) and all(
        (frame, abs(x - hx - 1) <= 2, abs(y - hy - 1) <= 2) == (at, True, True)
        for (frame, x, y), (at, hx, hy) in zip(sorted(found), sorted(hits), strict=True)
    )


# Recordings


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.avi", None, "no such file; check the path"),
        ("empty.avi", b"", "is empty"),
        ("words.avi", b"no video at all\n" * 50, "no video is recognised in its 800 bytes"),
        ("noise.mp4", bytes(range(256)) * 40, "no video is recognised"),
        ("picture.jpg", jpegs(1)[0], "is a single picture; name the folder"),
        ("settings.yaml", b"site: docks\n", "no video is recognised"),
    ],
)
def test_analyze_refuses_what_is_no_recording_before_the_model(analyze, tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    ended, _ = analyze(tmp_path / name, model=tmp_path / "no-bundle")
    assert ended.refused(name, said), ended


@pytest.mark.parametrize(
    ("kept", "said"), [(20, "no video is recognised"), (300, "no"), (0.25, "no three of one size in a row")]
)
def test_analyze_refuses_a_recording_cut_at_its_beginning(analyze, tmp_path, kept, said):
    path = write_clip(tmp_path / "clip.avi", jpegs())
    content = path.read_bytes()
    path.write_bytes(content[: kept if kept > 1 else int(len(content) * kept)])
    ended, _ = analyze(path)
    assert ended.refused(said), ended


def test_analyze_reads_up_to_a_broken_jpeg(analyze, tmp_path):
    path = write_clip(tmp_path / "clip.avi", jpegs())
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"\xff\xd9") - 700])
    ended, found = analyze(path)
    assert ended.code == 0, ended
    assert are(found, HITS)
    assert (ended.json["frames"], ended.json["damaged"], ended.json["not_analysed"]) == (10, 1, 3)
    assert ended.err == ""


def test_analyze_reads_up_to_a_cut_between_frames(analyze, tmp_path):
    path = write_clip(tmp_path / "clip.avi", jpegs())
    content = path.read_bytes()
    path.write_bytes(content[: content.rfind(b"00dc", 0, content.rfind(b"\xff\xd9"))])
    ended, found = analyze(path)
    assert ended.code == 0, ended
    assert are(found, HITS)
    assert ended.json["frames"] == 9
    assert "warning: the recording declares 10 frames and ends after 9: it was cut off" in ended.err


@pytest.mark.parametrize(("count", "said"), [(1, "1 frame, no three"), (2, "2 frames, no three"), (3, None)])
def test_analyze_needs_three_frames(analyze, tmp_path, count, said):
    ended, _ = analyze(write_clip(tmp_path / "clip.avi", jpegs(count)))
    if said is None:
        assert (ended.code, ended.json["not_analysed"]) == (0, 2)
    else:
        assert ended.refused(f"clip.avi: {said} of one size in a row", "at least three are needed"), ended


def test_analyze_skips_frames_beside_a_change_of_size(analyze, tmp_path):
    larger = jpegs(8, (200, 140), ((4, 50, 50),))
    ended, found = analyze(write_clip(tmp_path / "clip.avi", jpegs() + larger))
    assert ended.code == 0, ended
    assert are(found, (*HITS, (14, 50, 50)))
    assert (ended.json["frames"], ended.json["not_analysed"], ended.json["damaged"]) == (18, 4, 0)
    assert ended.err.startswith("warning: the size changes from 160x120 to 200x140 at frame 10")


@pytest.mark.parametrize("small", [(40, 30), (160, 63)])
def test_analyze_ignores_one_tiny_picture_in_a_folder(analyze, tmp_path, small):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate([*jpegs(), *jpegs(1, small, ()), *jpegs()]):
        (folder / f"{number}.jpg").write_bytes(picture)
    ended, found = analyze(folder)
    assert ended.code == 0, ended
    assert are(found, (*HITS, *((frame + 11, x, y) for frame, x, y in HITS)))
    assert (ended.json["frames"], ended.json["damaged"], ended.json["not_analysed"]) == (21, 1, 5)


@pytest.mark.parametrize("size", [(161, 121), (65, 64), (333, 97)])
@pytest.mark.parametrize("grey", [False, True])
def test_analyze_takes_grey_and_odd_sizes(analyze, tmp_path, size, grey):
    hits = ((3, 30, 30), (5, size[0] - 4, size[1] - 4))
    ended, found = analyze(write_clip(tmp_path / "clip.avi", jpegs(8, size, hits, grey=grey), size))
    assert (ended.code, ended.err) == (0, "")
    assert are(found, hits)


def test_analyze_takes_an_exposure_and_refuses_impossible_ones(analyze, tmp_path):
    # Half of the 40 ms from frame to frame exposed: the same hits mean twice the rate.
    rng = np.random.default_rng(1)
    hits = tuple((frame, int(rng.integers(20, 140)), int(rng.integers(20, 100))) for frame in range(60, 150))
    path = write_clip(tmp_path / "clip.avi", jpegs(152, SIZE, hits))

    def alarm(*words):
        assert analyze(path, *words)[0].code == 0
        events = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
        return next(event for event in events if event["type"] == "alarm" and event["state"] == "raised")

    unknown, stated = alarm(), alarm("--exposure", "0.02")
    assert stated["rate_hz"] == pytest.approx(2 * unknown["rate_hz"], rel=0.5)
    assert any("exposure" in reason for reason in unknown["weakened_by"])
    assert not any("exposure" in reason for reason in stated["weakened_by"])
    for wrong in ("0", "-1", "11", "nan", "fast"):
        assert analyze(path, f"--exposure={wrong}")[0].refused("--exposure"), wrong


# Model bundles


@pytest.fixture
def bundle_of(tiny_models, tiny_manifest, tmp_path):
    """Make a bundle of one network that claims to hold another."""

    def make(model="int8_64", claimed="int8_64"):
        content = (tiny_models / f"{model}.tflite").read_bytes()
        return save_bundle(tmp_path / "bundle", tiny_manifest(claimed), content).path

    return make


def flip_a_bit(bundle):
    model = bundle / "model.tflite"
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)


def remove(name):
    return lambda bundle: (bundle / name).unlink()


def put(name, content):
    return lambda bundle: (bundle / name).write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (flip_a_bit, "SHA-256"),
        (put("model.tflite", b""), "has 0 bytes"),
        (remove("model.tflite"), "model.tflite is missing"),
        (remove("model.json"), "model.json is missing"),
        (put("model.json", b"{"), "model.json is no JSON"),
        (put("model.json", b"{}"), "model.json"),
    ],
)
def test_analyze_refuses_a_damaged_bundle(analyze, bundle_of, tmp_path, spoil, said):
    bundle = bundle_of()
    spoil(bundle)
    ended, _ = analyze(write_clip(tmp_path / "clip.avi", jpegs(4)), model=bundle)
    assert ended.refused(f"model bundle {bundle}: ", said), ended


@pytest.mark.parametrize(
    ("model", "claimed", "said"),
    [
        ("int8_32", "int8_64", "input is (1, 32, 32, 3), the manifest says (n, 64, 64, 3)"),
        ("float32_64", "int8_64", "input is float32, the manifest says int8"),
        ("int8_64", "float32_64", "input is int8, the manifest says float32"),
    ],
)
def test_analyze_refuses_a_network_unlike_its_manifest(analyze, bundle_of, tmp_path, *, model, claimed, said):
    ended, _ = analyze(write_clip(tmp_path / "clip.avi", jpegs(4)), model=bundle_of(model, claimed))
    assert ended.refused(said), ended
