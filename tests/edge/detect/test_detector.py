from dataclasses import replace
from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import load_bundle, save_bundle, shipped_bundle_path
from edge.capture.frame import Frame, triples
from edge.config.device import DetectionSettings
from edge.config.picture import Mask
from edge.detect.detector import Detector
from edge.detect.manifest import Bundle, Sensitivity
from edge.detect.nuisance import SecondLook
from edge.errors import BundleError

WIDTH, HEIGHT = 320, 240


def frame(sequence, grey, mode=0):
    return Frame(sequence, sequence / 25, datetime(2026, 1, 1, tzinfo=timezone.utc), grey, mode=mode)


def film(hits, count=8, seed=1, size=(HEIGHT, WIDTH)):
    """Frames of a still noisy scene; `hits` maps a frame to places (x, y) of 2×2 hits."""
    rng = np.random.default_rng(seed)
    made = []
    for i in range(count):
        grey = np.clip(80 + rng.normal(0, 2, size), 0, 255)
        for x, y in hits.get(i, ()):
            grey[y : y + 2, x : x + 2] += (70, 60)
        made.append(frame(i, np.rint(grey).astype(np.uint8)))
    return made


def run(detector, frames):
    return [detector.detect(triple) for triple in triples(frames)]


def places(detections):
    return {(found.sequence, hit.x, hit.y) for found in detections for hit in found.hits}


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle)


@pytest.fixture(scope="module")
def screened_bundle(tiny_models, tiny_manifest, tmp_path_factory):
    model, screen = ((tiny_models / f"{name}.tflite").read_bytes() for name in ("int8_64", "screen_17"))
    return save_bundle(tmp_path_factory.mktemp("screened"), tiny_manifest("int8_64", "screen_17"), model, screen)


def test_detector_reports_a_hit_once_with_what_it_adds(bundle):
    detections = run(Detector(bundle), film({3: [(100, 50)]}))
    assert [detection.sequence for detection in detections] == [1, 2, 3, 4, 5, 6]
    assert [len(detection.hits) for detection in detections] == [0, 0, 1, 0, 0, 0]
    (hit,) = detections[2].hits
    assert (hit.x, hit.y) == (100, 50) or (hit.x, hit.y) == (100, 51)
    assert abs(hit.added_dn - 70) < 8
    assert hit.pixels == 4
    assert hit.live
    assert hit.score > 0.9
    assert set(detections[2].stage_ms) == {"fast_path", "crop", "classify", "nuisance"}


def test_detector_finds_hits_in_corners(bundle):
    corners = [(0, 0), (WIDTH - 2, 0), (0, HEIGHT - 2), (WIDTH - 2, HEIGHT - 2)]
    (found,) = run(Detector(bundle), film({1: corners}, count=3))
    assert len(found.hits) == 4


def test_detector_counts_a_long_track_once(bundle):
    track = [(100 + i, 60 + i) for i in range(14)]
    (found,) = run(Detector(bundle), film({1: track}, count=3))
    assert len(found.hits) == 1


def test_detector_merges_near_spots_and_not_far_ones(bundle):
    frames = film({}, count=3)
    for x in (100, 108, 200, 209):
        frames[1].grey[60, x] = 180
    (found,) = run(Detector(with_decision(bundle, threshold=0.1)), frames)
    assert sorted(hit.x for hit in found.hits)[-2:] == [200, 209]
    assert len(found.hits) == 3


def test_detector_counts_what_the_budget_leaves(bundle):
    spots = [(20 + 30 * i, 40 + 60 * k) for i in range(9) for k in range(3)]
    (found,) = run(Detector(bundle, DetectionSettings(max_crops_per_frame=10)), film({1: spots}, count=3))
    assert found.candidates >= 27
    assert len(found.hits) == 10
    assert found.unclassified == found.candidates - 10


def test_screen_stops_what_only_a_neighbour_makes_a_hit(bundle, screened_bundle):
    frames = film({1: [(100, 50)]}, count=3)
    frames[1].grey[70, 120] += 18  # a candidate, too faint for a hit, in whose crop the true hit lies
    alone = places(run(Detector(bundle), frames))
    screened = run(Detector(screened_bundle), frames)
    assert (1, 120, 70) in alone
    assert {(x, y) for _, x, y in places(screened)} <= {(100, 50), (100, 51)}
    assert len(screened[0].hits) == 1
    assert screened[0].unclassified == 0


@pytest.fixture(scope="module", params=["tiny", "shipped"])
def cascade(request, screened_bundle):
    return screened_bundle if request.param == "tiny" else load_bundle(shipped_bundle_path())


@given(seed=st.integers(0, 2**32 - 1), lamps=st.booleans())
@settings(max_examples=10, deadline=None)
def test_detector_finds_no_hit_in_a_scene_that_brightens(cascade, seed, lamps):
    rng = np.random.default_rng(seed)
    levels = rng.uniform(0, 200, (HEIGHT, WIDTH))
    frames = []
    for i in range(6):
        frames.append(frame(i, np.clip(levels, 0, 255).astype(np.uint8)))
        levels += rng.exponential(rng.uniform(0, 10), levels.shape)
        if lamps:  # points that light up, as sharp and as strong as hits, and stay on
            levels[rng.integers(0, HEIGHT, 20), rng.integers(0, WIDTH, 20)] += rng.uniform(20, 200)
    detections = run(Detector(cascade), frames)
    assert len(detections) == 4
    assert not places(detections)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=10, deadline=None)
def test_detector_ignores_pixels_under_a_mask(cascade, seed):
    rng = np.random.default_rng(seed)
    shapes = (Mask(rectangle=(60, 40, 90, 70)), Mask(polygon=((200, 100), (300, 120), (240, 220))))
    detection = DetectionSettings(masks=shapes)
    near = [(57, 60), (152, 80), (100, 37), (20, 20), (198, 98)]
    plain = film(dict.fromkeys((2, 4), near), seed=seed % 7)
    masked = np.zeros((HEIGHT, WIDTH), bool)
    masked[40:110, 60:150] = True
    other = [
        frame(shown.sequence, np.where(masked, rng.integers(0, 256, masked.shape, dtype=np.uint8), shown.grey))
        for shown in plain
    ]
    first, second = (run(Detector(cascade, detection), frames) for frames in (plain, other))
    assert [(a.hits, a.live_fraction, a.candidates) for a in first] == [
        (b.hits, b.live_fraction, b.candidates) for b in second
    ]
    assert places(first)
    assert first[0].live_fraction < 0.9


def test_detector_reports_the_sensitivity_of_the_bundle(bundle):
    table = Sensitivity(ground_dn=(40.0, 120.0), relative=(1.0, 0.5))
    manifest = bundle.manifest.model_copy(update={"sensitivity": table})
    frames = film({}, count=3)
    (plain,), (weighed,) = (
        run(Detector(tried), frames) for tried in (bundle, Bundle(bundle.path, manifest, bundle.model, bundle.screen))
    )
    assert plain.sensitivity == 1.0
    assert weighed.sensitivity == pytest.approx(0.75, abs=0.01)  # the ground is at 80
    assert weighed.live_fraction == plain.live_fraction


def test_detector_closes_a_blinking_pixel(bundle):
    frames = film({i: [(100, 50)] for i in range(1, 60, 3)} | {40: [(200, 100), (100, 50)]}, count=60)
    found = places(run(Detector(bundle), frames))
    assert 2 <= sum(x < 110 for _, x, _ in found) <= 4
    assert any(i == 40 and x >= 200 for i, x, _ in found)


def shaking_film(shaking, count):
    """Frames of textured ground; the camera jumps about in those of the range `shaking`."""
    rng = np.random.default_rng(1)
    ground = np.kron(rng.uniform(40, 160, (HEIGHT // 12, WIDTH // 16)), np.ones((12, 16)))
    ground = cv2.GaussianBlur(ground, (0, 0), 1.2)  # as sharp as a lens
    made = []
    for i in range(count):
        seen = np.roll(ground, tuple(rng.integers(-9, 10, 2)), axis=(0, 1)) if i in shaking else ground
        made.append(frame(i, np.clip(np.rint(seen + rng.normal(0, 2, ground.shape)), 0, 255).astype(np.uint8)))
    return made


def test_detector_does_not_learn_shaking_as_noise(bundle):
    frames = shaking_film(range(20, 120), 130)
    frames[126].grey[100:102, 100:102] = 255
    detections = run(Detector(bundle), frames)
    assert np.mean([bool(detection.hits) for detection in detections[20:118]]) < 0.2
    assert detections[125].live_fraction > 0.9
    assert len(detections[125].hits) == 1


def test_detector_finds_hits_while_the_camera_shakes(bundle):
    frames = shaking_film(range(60), 60)
    for number in (30, 45):
        frames[number].grey[60:62, 100:102] = 255
    detections = run(Detector(bundle), frames)
    found = [detection.sequence for detection in detections if detection.hits]
    assert found == [30, 45]
    assert np.mean([detection.live_fraction for detection in detections[5:]]) > 0.5


def test_detector_begins_anew_after_a_change_of_size(bundle):
    small, large = film({}, count=4), film({2: [(30, 30)]}, count=5, size=(HEIGHT, WIDTH + 40))
    large = [frame(4 + shown.sequence, shown.grey, mode=1) for shown in large]
    detections = run(Detector(bundle), [*small, *large])
    assert [detection.sequence for detection in detections] == [1, 2, 5, 6, 7]
    assert {i for i, _, _ in places(detections)} == {6}


def test_detector_refuses_a_picture_below_the_crop_size(bundle):
    with pytest.raises(BundleError, match="crops of 64x64 pixels do not fit the picture of 60x80"):
        run(Detector(bundle), film({}, count=3, size=(80, 60)))


def with_decision(bundle, **changes):
    manifest = bundle.manifest.model_copy(update={"decision": bundle.manifest.decision.model_copy(update=changes)})
    return Bundle(bundle.path, manifest, bundle.model, bundle.screen)


def test_detector_shows_colours_to_a_classifier_of_rgb(bundle):
    manifest = bundle.manifest
    coloured = manifest.model_copy(update={"input": manifest.input.model_copy(update={"planes": "rgb"})})
    changed = Bundle(bundle.path, coloured, bundle.model, bundle.screen)
    frames = film({2: [(100, 50), (200, 80)]}, count=5)
    coloured_frames = [replace(shown, bgr=shown.grey[..., None].repeat(3, axis=2)) for shown in frames]
    coloured_frames[2].bgr[80:82, 200:202, [0, 2]] = 80  # so that it is green, as the network wants its middle plane
    detections = run(Detector(changed), coloured_frames)
    assert [detection.candidates for detection in detections] == [0, pytest.approx(2, abs=1), 0]
    assert [hit.x // 100 for detection in detections for hit in detection.hits] == [2]


@pytest.mark.parametrize(("sure_odds", "sure"), [(9.0, True), (-9.0, False)])
def test_detector_looks_again_where_the_classifier_refuses_much(bundle, monkeypatch, sure_odds, sure):
    monkeypatch.setattr(SecondLook, "sure_odds", property(lambda look: np.full(len(look.coloured), sure_odds)))
    spots = [(60, 50), (160, 120), (250, 180)]
    strict = Detector(with_decision(bundle, threshold=1.0))
    detections = run(strict, film({number: spots if number % 2 else () for number in range(30)}, count=30))
    assert not places(detections)
    first, last = detections[0], detections[-2]  # frames 1 and 27
    assert (first.faint, first.refused) == ((), 0)
    assert last.refused + len(last.faint) == 3
    assert {(hit.x, hit.y & ~1) for hit in last.faint} == (set(spots) if sure else set())


def test_detector_has_no_faint_hits_where_all_are_found(bundle, monkeypatch):
    monkeypatch.setattr(SecondLook, "sure_odds", property(lambda look: np.full(len(look.coloured), 9.0)))
    spots = [(60, 50), (160, 120), (250, 180)]
    detections = run(Detector(bundle), film({number: spots if number % 2 else () for number in range(30)}, count=30))
    assert places(detections)
    assert all(detection.refused == 0 and not detection.faint for detection in detections)
