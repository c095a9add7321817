"""Public functions refuse wrong types at once, with an error of the house and in words."""

from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from edge.analysis import analyze
from edge.arguments import as_path, described, require, require_equal_lengths
from edge.bundle import load_bundle, save_bundle, shipped_bundle_path
from edge.capture.frame import Frame, Triple, triples
from edge.capture.jpeg import complete_jpeg, decode_grey
from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.picture_file import decode_picture
from edge.capture.source import open_source
from edge.config.device import load_settings
from edge.detect.detector import Detector
from edge.errors import GammaboxError, InputError
from edge.files import in_natural_order
from edge.site.calibration import read_calibration
from edge.telemetry import messages, topics
from edge.truth import compare, read_truth
from firmware_config.output import write_folder
from firmware_config.render import render_site
from firmware_config.site_file import load_site

GREYS = np.zeros((3, 120, 160), np.uint8)
NOW = datetime.now(timezone.utc)


def frame(grey, number=0):
    return Frame(number, number / 25, NOW, grey)


CALLS = {
    "bundle as number": lambda: load_bundle(3),
    "bundle as bytes": lambda: load_bundle(b"bundle"),
    "bundle with zero": lambda: load_bundle("a\0b"),
    "bundle of nothing": lambda: load_bundle("no such bundle"),
    "model as text": lambda: save_bundle("b", "manifest", b""),
    "settings": lambda: load_settings(None),
    "settings missing": lambda: load_settings("no such file"),
    "source of nothing": lambda: open_source(None),
    "source of arrays": lambda: open_source(GREYS),
    "source with zero": lambda: open_source("a\0b"),
    "source without name": lambda: open_source(""),
    "rate as text": lambda: open_source("clip.avi", fps="25"),
    "rate nan": lambda: open_source("clip.avi", fps=float("nan")),
    "size as number": lambda: open_source("clip.avi", size=640),
    "start as text": lambda: open_source("clip.avi", start_utc="now"),
    "unknown argument": lambda: open_source("clip.avi", frames=3),
    "truth": lambda: read_truth(None),
    "truth missing": lambda: read_truth("no such file"),
    "hits as numbers": lambda: compare([1], [2]),
    "hits as nothing": lambda: compare(None, None),
    "detector of a path": lambda: Detector("bundle"),
    "detector of arrays": lambda: Detector(load_bundle(shipped_bundle_path())).detect(GREYS),
    "triple of arrays": lambda: Triple(*GREYS),
    "triple of sizes": lambda: Triple(frame(GREYS[0]), frame(GREYS[1, :64]), frame(GREYS[2])),
    "frames as arrays": lambda: list(triples(GREYS)),
    "frame of floats": lambda: frame(GREYS[0].astype(float)),
    "frame in colour": lambda: frame(np.zeros((120, 160, 3), np.uint8)),
    "frame of a list": lambda: frame([[1]]),
    "analysis of a name": lambda: analyze("clip.avi", "detector"),
    "message kind": lambda: messages.decode("news", b"{}"),
    "message of nothing": lambda: messages.decode("hit", None),
    "message as text": lambda: messages.encode("hit"),
    "topic": lambda: topics.parse(b"gammabox/a/b/hit"),
    "topic id": lambda: topics.Topic(3, "gate", "hit"),
    "site of topics": lambda: topics.of_site(3),
    "clip of nothing": lambda: MotionJpegWriter(None, 25, (64, 64)),
    "clip of no size": lambda: MotionJpegWriter("clip.avi", 25, 64),
    "clip at no rate": lambda: MotionJpegWriter("clip.avi", float("nan"), (64, 64)),
    "natural order": lambda: in_natural_order([1]),
    "calibration": lambda: read_calibration(None),
    "picture": lambda: decode_picture(GREYS),
    "jpeg": lambda: complete_jpeg("jpeg"),
    "grey": lambda: decode_grey(None),
    "site file": lambda: load_site(None),
    "site": lambda: render_site("site.yaml"),
    "rendered folder": lambda: write_folder(None, {}),
    "rendered files": lambda: write_folder("out", {"a": 3}),
}


@pytest.mark.parametrize("name", CALLS)
def test_public_functions_refuse_wrong_types(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GammaboxError) as caught:
        CALLS[name]()
    assert "\n" not in str(caught.value)
    assert "object has no attribute" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_paths_may_be_text():
    assert load_bundle(str(shipped_bundle_path())).manifest.sha256
    assert as_path("a/b", "x") == Path("a/b")


def test_require_equal_lengths_names_each_array():
    require_equal_lengths(label=[1, 0], score=np.zeros(2))
    with pytest.raises(InputError, match="label has 2, score has 3"):
        require_equal_lengths(label=[1, 0], score=np.zeros(3))
    with pytest.raises(InputError, match="score: found the number 3"):
        require_equal_lengths(label=[1, 0], score=3)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (3, "the number 3"),
        ("x", "the text 'x'"),
        (np.zeros((2, 3)), "an array of float64 and shape (2, 3)"),
        ([], "a value of the type list"),
    ],
)
def test_described_says_what_a_value_is(value, words):
    assert described(value) == words


def test_require_takes_numbers_of_numpy():
    assert require(np.int64(3), int, "x") == 3
