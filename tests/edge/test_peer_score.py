"""Real X-ray hits on real footage, judged by a scorer that is not ours; needs the data kept outside the repository."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from edge.truth import compare, read_truth

SHARED = Path(__file__).parents[2] / ".." / "shared"
FRAMES = 60

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not (SHARED / "data").is_dir(), reason="../shared/data is not here"),
]


@dataclass(frozen=True)
class Found:
    frame: int
    x: int
    y: int


def run(*words):
    ran = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.parametrize("motion", ["walking", "still"])
def test_peer_scorer_agrees_with_our_comparison(tmp_path, motion):
    clip, events, truth = (tmp_path / name for name in ("clip.avi", "events.jsonl", "clip.jsonl"))
    scene, hits = SHARED / "data/scenes/campus_walkers.avi", SHARED / "data/hits/webcam_xray_100kV_40mm_al"
    made = run(
        *(sys.executable, SHARED / "tools/composite.py", scene, hits, clip, "--size", "1920x1080", "--rate", "5"),
        *("--start", "0.1", "--frames", FRAMES, *(["--still"] if motion == "still" else [])),
    )
    analyze = Path(sys.executable).parent / "gammabox-edge"
    summary = run(analyze, "analyze", clip, "--events", events, "--json")
    judged = run(sys.executable, SHARED / "tools/score.py", events, truth, "--frames", FRAMES)

    assert summary["frames"] == made["frames"] == FRAMES
    assert summary["not_analysed"] == 2
    lines = [json.loads(line) for line in events.read_text().splitlines()]
    ours = compare(read_truth(truth), [Found(e["frame"], e["x"], e["y"]) for e in lines if e["type"] == "hit"])
    assert (ours.visible, ours.found, ours.false_hits) == (
        judged["visible_hits"],
        judged["found"],
        judged["false_hits"],
    )
    assert ours.recall >= (0.9 if motion == "still" else 0.7)
    assert ours.false_hits <= 0.1 * FRAMES
