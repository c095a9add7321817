import json
from itertools import islice

import cv2
import numpy as np
import pytest

from edge.capture.mjpeg_writer import MotionJpegWriter
from edge.capture.source import open_source
from edge.commands import bench as bench_command
from edge.errors import SettingsError, SourceError

HITS = ((3, 60, 50), (9, 200, 120))


@pytest.fixture
def clip(tmp_path):
    rng = np.random.default_rng(1)
    path = tmp_path / "clip.avi"
    with MotionJpegWriter(path, 25, (320, 240)) as writer:
        for i in range(16):
            picture = 80 + rng.normal(0, 2, (240, 320, 3))
            for at, x, y in HITS:
                if i == at:
                    picture[y : y + 3, x : x + 3] += 90
            coded = cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
            writer.write(coded.tobytes())
    truth = [{"frame": i, "x": x + 1, "y": y + 1, "box": [x, y, x + 2, y + 2], "added": 90.0} for i, x, y in HITS]
    path.with_suffix(".jsonl").write_text("\n".join(map(json.dumps, truth)))
    return path


def bench(clip, bundle, against="difference,paper-int8", *, as_json=True, report=None, **bundles):
    bench_command.run(
        str(clip),
        truth=clip.with_suffix(".jsonl"),
        against=against,
        bundles={"gammabox": bundle, "paper-float": None, "paper-int8": None, **bundles},
        threads=1,
        every=8,
        report=report,
        as_json=as_json,
    )


def test_bench_compares_methods_on_the_same_frames(clip, tiny_bundle, capsys):
    bench(clip, tiny_bundle, **{"paper-int8": tiny_bundle})
    told = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in told["rows"]}
    assert list(rows) == ["gammabox", "difference", "paper-int8"]
    assert rows["gammabox"]["frames"] == rows["difference"]["frames"] == 14
    assert rows["paper-int8"]["frames"] == 2  # frames 1 and 9
    for name, visible in (("gammabox", 2), ("difference", 2), ("paper-int8", 1)):
        assert (rows[name]["score"]["visible"], rows[name]["score"]["found"]) == (visible, visible)
        assert rows[name]["score"]["false"] == 0
        own = rows[name]["ms"]["all"]["mean"]
        assert rows[name]["fps"] == pytest.approx(1e3 / (told["decode"]["mean"] + own), rel=0.02)
    assert set(rows["gammabox"]["ms"]) == {"fast_path", "crop", "classify", "nuisance", "all"}
    assert told["peak_mb"] > 20


def test_bench_prints_a_table(clip, tiny_bundle, capsys):
    bench(clip, tiny_bundle, "difference", as_json=False)
    told = capsys.readouterr().out
    assert "gammabox" in told
    assert "1.000" in told
    assert "a reconstruction" in told


@pytest.mark.parametrize(("key", "value"), [("frame", 16), ("x", 320), ("y", 240), ("frame", -1)])
def test_bench_warns_of_the_truth_of_another_recording(clip, tiny_bundle, capsys, key, value):
    bench(clip, tiny_bundle, "difference")
    assert "true hits" not in capsys.readouterr().err
    truth = clip.with_suffix(".jsonl")
    first, second = truth.read_text().splitlines()
    truth.write_text(f"{json.dumps(json.loads(first) | {key: value})}\n{second}")
    bench(clip, tiny_bundle, "difference")
    told = capsys.readouterr()
    assert "warning: 1 of 2 true hits lie outside the 16 frames of 320x240" in told.err
    assert len(json.loads(told.out)["warnings"]) == 1


def test_bench_refuses_a_clip_of_two_frames(clip, tiny_bundle, tmp_path):
    two = tmp_path / "two.avi"
    with open_source(clip) as source, MotionJpegWriter(two, 25, (320, 240)) as writer:
        for frame in islice(source, 2):
            writer.write(frame.jpeg)
    two.with_suffix(".jsonl").write_text("")
    with pytest.raises(SourceError, match="2 frames, no three of one size in a row"):
        bench(two, tiny_bundle, "difference")


@pytest.mark.parametrize(
    ("against", "complaint"),
    [("magic", "no method 'magic'; known are gammabox"), ("paper-float", "paper-float needs its bundle")],
)
def test_bench_refuses_methods_that_cannot_run(clip, tiny_bundle, against, complaint):
    with pytest.raises(SettingsError, match=complaint):
        bench(clip, tiny_bundle, against)


def test_bench_page_shows_what_the_table_shows(clip, tiny_bundle, tmp_path, capsys):
    page = tmp_path / "page.html"
    bench(clip, tiny_bundle, "difference,motion", report=page)
    told, text = json.loads(capsys.readouterr().out), page.read_text()
    for row in told["rows"]:
        assert f"<td>{row['name']}</td><td>{row['frames']}</td><td>{row['fps']:.1f}</td>" in text
        assert f"{row['score']['recall']:.1%} of 2 [" in text
    assert text.count("<svg") == 3
