"""The page and the film of a recording show the hits that the events list."""

import base64
import contextlib
import io
import json
import re

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.commands.analysis_options import LookOptions
from edge.commands.analyze import run
from edge.commands.cli import main
from edge.output import is_page
from edge.pages.page import MAX_PAGE_BYTES, data_of
from edge.review.overlay import AFTERGLOW, APART_BGR, COUNTS_BGR, RING_PX, is_overlay
from edge.review.report import FIELDS

SIZE, FPS, FRAMES = (320, 240), 25, 200
FACE = (slice(60, 120), slice(120, 180))
DAMAGED = 60


def hits_of(rng):
    """A hit in frames 20 and 70, and a source from frame 110 on."""
    numbers = [20, 70, *range(110, FRAMES)]
    return [(number, *rng.integers((20, 20), (300, 220)).tolist()) for number in numbers if number != DAMAGED]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("review") / "clip.avi"
    hits = hits_of(rng)
    stripes = np.where(np.arange(60)[:, None, None] % 4 < 2, 40, 200)
    with MotionJpegWriter(path, FPS, SIZE) as writer:
        for number in range(FRAMES):
            picture = 70 + rng.normal(0, 2, (SIZE[1], SIZE[0], 3))
            picture[FACE] = stripes
            for at, x, y in hits:
                if at == number:
                    colour = rng.permutation((130, 60, 30))
                    picture[y - 1 : y + 2, x - 1 : x + rng.integers(1, 3)] += colour * rng.uniform(0.8, 1.3)
            content = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])
            jpeg = content[1].tobytes()
            writer.write(jpeg[:300] if number == DAMAGED else jpeg, damaged=True)
    return path


@pytest.fixture
def analyze(command, clip, tiny_bundle):
    return lambda *words: command(main, "analyze", clip, "--model", tiny_bundle, "--exposure", "0.03", *words)


@pytest.fixture(scope="module")
def looked(clip, tiny_bundle, tmp_path_factory):
    """Return what one run prints, its events, the text of its page and the path of its film."""
    folder = tmp_path_factory.mktemp("looked")
    events, page, film = (folder / name for name in ("events.jsonl", "page.html", "film.avi"))
    with contextlib.redirect_stdout(io.StringIO()) as out:
        run(str(clip), events=events, look=LookOptions(report=page, overlay=film), model=tiny_bundle, exposure_s=0.03)
    return out.getvalue(), [json.loads(line) for line in events.read_text().splitlines()], page.read_text(), film


def frames_of(film):
    capture = cv2.VideoCapture(str(film))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1].astype(int))
    return frames


def ringed(picture, x, y, bgr):
    """Whether most of a ring around a place has a colour."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    columns = np.rint(x + RING_PX * np.cos(angles)).astype(int)
    rows = np.rint(y + RING_PX * np.sin(angles)).astype(int)
    inside = (columns >= 0) & (columns < SIZE[0]) & (rows >= 0) & (rows < SIZE[1])
    return (np.abs(picture[rows[inside], columns[inside]] - bgr).max(axis=-1) < 90).mean() > 0.7


def test_report_events_and_overlay_show_the_same_hits(looked):
    _, lines, text, film = looked
    hits = [line for line in lines if line["type"] == "hit"]
    assert len(hits) > 40
    columns = data_of(text)["hits"]
    assert [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)] == [
        {name: hit.get(name) for name in FIELDS} for hit in hits
    ]
    frames = frames_of(film)
    assert len(frames) == FRAMES
    by_frame = {}
    for hit in hits:
        by_frame.setdefault(hit["frame"], []).append(hit)
    for number, found in by_frame.items():
        for hit in found:
            counts = hit["live"] and "nuisance" not in hit
            assert ringed(frames[number], hit["x"], hit["y"], COUNTS_BGR if counts else APART_BGR), hit
    quiet = [n for n in range(FRAMES) if not any(at in by_frame for at in range(n - AFTERGLOW, n + 1))]
    for number in quiet:
        below_words = frames[number][60:]
        for bgr in (COUNTS_BGR, APART_BGR):
            assert (np.abs(below_words - bgr).max(axis=-1) < 60).sum() == 0, number


def test_report_holds_the_steps_of_the_alarms(looked):
    out, lines, text, _ = looked
    alarms = [line for line in lines if line["type"] == "alarm"]
    assert alarms[0]["state"] == "raised"
    assert data_of(text)["alarms"] == alarms
    assert f"raised at {alarms[0]['time_s']:.1f} s" in out
    assert "An alarm stands at the end" in text


def test_report_says_what_was_asked_for_in_words(looked):
    _, _, text, _ = looked
    assert is_page(text.encode())
    assert len(text) < MAX_PAGE_BYTES
    headings = re.findall(r"<h2[^>]*>([^<]*)</h2>", text)
    assert headings == [
        "At a glance",
        "Rate and alarms",
        "Hits, enlarged",
        "Where hits lie",
        "Light and size of the hits",
        "Speed",
        "Camera and faults",
    ]
    assert text.count("Previous, current and next frame around the hit") == 48
    assert "<dt>Damaged</dt><dd>1<small>" in text


def detail(picture):
    """How strongly neighbouring rows of the striped part differ, in grey levels."""
    return np.abs(np.diff(picture[FACE].astype(int), axis=0)).max()


@pytest.mark.parametrize(("scene", "least", "most"), [("blurred", 0, 40), ("none", 0, 20), ("sharp", 100, 256)])
def test_scene_is_recognisable_only_where_asked_for(analyze, tmp_path, scene, least, most):
    page, film = tmp_path / "page.html", tmp_path / "film.avi"
    assert analyze("--report", page, "--overlay", film, "--scene", scene, "--seconds", "0.3").code == 0
    assert least <= detail(frames_of(film)[0]) <= most
    shown = re.search(r'<image href="data:image/jpeg;base64,([^"]*)"', page.read_text())
    assert (shown is None) == (scene == "none")
    if shown is not None:
        content = np.frombuffer(base64.b64decode(shown[1]), np.uint8)
        assert least <= detail(cv2.imdecode(content, cv2.IMREAD_COLOR)) <= most


def test_part_keeps_the_numbers_and_times_of_its_hits(analyze, looked, tmp_path):
    _, lines, _, _ = looked
    events = tmp_path / "part.jsonl"
    ended = analyze("--events", events, "--start", "4.4", "--seconds", "1", "--json")
    assert (ended.json["frames"], ended.json["not_analysed"]) == (25, 2)
    whole = {(line["frame"], line["x"], line["y"], line["time_s"]) for line in lines if line["type"] == "hit"}
    part = [json.loads(line) for line in events.read_text().splitlines()]
    places = {(line["frame"], line["x"], line["y"], line["time_s"]) for line in part if line["type"] == "hit"}
    assert places == {place for place in whole if 111 <= place[0] <= 133}
    assert places


def test_part_beyond_the_end_is_refused(analyze):
    assert analyze("--start", "100").refused("ends at 8.0 s", "start earlier")


@pytest.mark.parametrize("option", ["--report", "--overlay"])
def test_files_of_others_are_kept(analyze, tmp_path, option):
    place = tmp_path / "kept.txt"
    place.write_text("my notes")
    assert analyze(option, place).refused("was not written by this command")
    assert place.read_text() == "my notes"


def test_own_page_and_film_are_replaced(analyze, tmp_path):
    page, film = tmp_path / "page.html", tmp_path / "film.avi"
    for seconds, frames in ((0.3, 8), (0.5, 13)):
        assert analyze("--overlay", film, "--report", page, "--seconds", seconds).code == 0
        assert is_overlay(film.read_bytes()[: 1 << 16])
        assert len(frames_of(film)) == frames


def test_one_place_for_two_outputs_is_refused(analyze, tmp_path):
    assert analyze("--overlay", tmp_path / "a", "--report", tmp_path / "a").refused("named for two outputs")


def test_recording_is_never_replaced(analyze, clip):
    assert analyze("--overlay", clip, "--force").refused("is what is read")


def test_page_without_a_hit_says_so(analyze, tmp_path):
    page = tmp_path / "page.html"
    assert analyze("--report", page, "--seconds", "0.2").code == 0
    text = page.read_text()
    assert "No hits." in text
    assert data_of(text)["hits_in_all"] == 0
