from datetime import datetime, timezone

import numpy as np
import pytest

from edge.bench.classical import FrameDifference, LaCosmic, MotionGated
from edge.bench.networks import Gammabox, Tiles, tile_origins
from edge.bundle import load_bundle
from edge.capture.frame import Frame, Triple
from edge.errors import RuntimeMissingError

HIT = (200, 100)


def triple(first=0, *, moving=False, hit=True, seed=1):
    rng = np.random.default_rng(seed + first)
    frames = []
    for i in range(first, first + 3):
        grey = 80 + rng.normal(0, 2, (240, 320))
        if hit and i == first + 1:
            grey[HIT[1] : HIT[1] + 3, HIT[0] : HIT[0] + 3] += 45
            grey[HIT[1] + 1, HIT[0] + 1] += 100
        if moving:
            grey[20:80, 20 + 12 * (i - first) : 60 + 12 * (i - first)] += 80
        grey = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
        frames.append(Frame(i, i / 25, datetime(2026, 1, 1, tzinfo=timezone.utc), grey))
    return Triple(*frames)


def holds_hit(sightings):
    return [spot.x0 - 3 <= HIT[0] + 1 <= spot.x1 + 3 and spot.y0 - 3 <= HIT[1] + 1 <= spot.y1 + 3 for spot in sightings]


@pytest.fixture(params=["gammabox", "tiles", "difference"])
def method(request, tiny_bundle):
    bundle = load_bundle(tiny_bundle)
    makers = {
        "gammabox": lambda: Gammabox(bundle),
        "tiles": lambda: Tiles("paper-int8", bundle, 1),
        "difference": FrameDifference,
    }
    return makers[request.param]()


def test_method_sights_a_hit_once_and_times_each_stage(method):
    verdict = method.judge(triple())
    assert holds_hit(verdict.sightings) == [True]
    assert all(spent >= 0 for spent in verdict.stage_ms.values())
    assert method.judge(triple(hit=False)).sightings == ()


def test_difference_ignores_motion_but_not_a_hit_beside_it():
    assert holds_hit(FrameDifference().judge(triple(moving=True)).sightings) == [True]


def test_motion_gate_learns_its_background(tiny_bundle):
    gate = MotionGated(load_bundle(tiny_bundle), 1)
    for first in range(3):
        assert gate.judge(triple(first, hit=False)).sightings == ()
    assert any(holds_hit(gate.judge(triple(3)).sightings))


def test_lacosmic_sees_the_hit():
    pytest.importorskip("astroscrappy")
    sharp = triple(hit=False)
    sharp.current.grey[HIT[1] + 1, HIT[0] + 1] = 200
    assert holds_hit(LaCosmic().judge(sharp).sightings) == [True]


def test_lacosmic_without_its_package_says_what_to_install(monkeypatch):
    def refuse(name):
        raise ImportError(name)

    monkeypatch.setattr("edge.bench.classical.import_module", refuse)
    with pytest.raises(RuntimeMissingError, match=r"gammabox\[bench\]"):
        LaCosmic()


@pytest.mark.parametrize(
    ("size", "tile", "count"), [((1920, 1080), 224, 40), ((640, 480), 224, 6), ((224, 224), 224, 1)]
)
def test_tiles_are_those_of_the_paper(size, tile, count):
    origins = tile_origins(size, tile)
    assert len(set(origins)) == count
    assert origins[0] == (0, 0)
    assert origins[-1] == (size[0] - tile, size[1] - tile)
