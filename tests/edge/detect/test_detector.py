from datetime import datetime, timezone

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.bundle import load_bundle, save_bundle, shipped_bundle_path
from edge.capture.frame import Frame, triples
from edge.capture.jpeg import decode_grey
from edge.config.device import DetectionSettings, Mask
from edge.detect.detector import Detector
from edge.detect.hit import Candidate
from edge.detect.manifest import Bundle, Sensitivity
from edge.detect.recent_motion import lie_on
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
    assert set(detections[2].stage_ms) == {"fast_path", "crop", "classify", "colour"}


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


def test_detector_weighs_what_may_enter_at_the_border(bundle):
    frames = film({1: [(0, 100), (30, 0), (100, 100)]}, count=3)
    frames[1].grey[50, [WIDTH - 1, 200]] = 180
    (found,) = run(Detector(with_decision(bundle, border_weight=0.0, threshold=0.1)), frames)
    assert {hit.x // 10 for hit in found.hits} == {0, 3, 10, 20, 31}
    (found,) = run(Detector(with_decision(bundle, border_weight=60.0, threshold=0.1)), frames)
    assert {hit.x // 10 for hit in found.hits} == {0, 3, 10, 20}


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
    made = []
    for i in range(count):
        seen = np.roll(ground, tuple(rng.integers(-9, 10, 2)), axis=(0, 1)) if i in shaking else ground
        made.append(frame(i, np.clip(np.rint(seen + rng.normal(0, 2, ground.shape)), 0, 255).astype(np.uint8)))
    return made


def test_detector_does_not_learn_shaking_as_noise(bundle):
    frames = shaking_film(range(20, 120), 130)
    frames[126].grey[100:102, 100:102] = 255
    detections = run(Detector(bundle), frames)
    assert all(detection.live_fraction < 0.05 and not detection.hits for detection in detections[20:118])
    assert detections[125].live_fraction > 0.9
    assert len(detections[125].hits) == 1


def test_detector_is_not_live_while_the_camera_shakes(bundle):
    detections = run(Detector(bundle), shaking_film(range(60), 60))
    assert all(detection.live_fraction < 0.05 for detection in detections)


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


def faint_hit(moving):
    frames = film({}, count=3)
    frames[1].grey[50:52, 100:102] += 35
    if moving:
        frames[2].grey[40:64, 90:120] += 12
    return frames


@pytest.mark.parametrize("weight", [0.0, 1.5])
def test_detector_weighs_motion_under_a_candidate(bundle, weight):
    detector = Detector(with_decision(bundle, motion_weight=weight, threshold=0.01))
    still, moving = (run(detector, faint_hit(moving))[0].hits[0].score for moving in (False, True))
    assert still > 0.5
    log_odds = [np.log(score / (1 - score)) for score in (still, moving)]
    own_change = 100 / 255 * 2 * 12 / 4  # what the network itself makes of the lower spike, at temperature 4
    assert log_odds[0] - log_odds[1] == pytest.approx(own_change + weight * np.log(1 + 9), abs=1.2)


def test_detector_weighs_the_screen(screened_bundle):
    alone, joint = (
        run(Detector(with_decision(screened_bundle, screen_weight=weight)), faint_hit(moving=False))[0].hits[0].score
        for weight in (0.0, 0.25)
    )
    # Screen and classifier of the tests see the same spike; at temperature 4 a quarter of the screen doubles it.
    assert np.log(joint / (1 - joint)) == pytest.approx(2 * np.log(alone / (1 - alone)), rel=0.15)


def specks_that_the_screen_stops(count):
    frames = film({4: [(100, 50)]}, count=6)
    rng = np.random.default_rng(8)
    for shown in frames[1:4]:
        for x, y in rng.permutation([(x, y) for x in range(20, WIDTH - 20, 16) for y in range(80, HEIGHT - 8, 12)])[
            :count
        ]:
            shown.grey[y, x] += 18
    return frames


def test_detector_weighs_how_much_the_screen_stops(screened_bundle):
    changed = with_decision(screened_bundle, scene_weight=1.0, threshold=0.01)
    quiet, crowded = (run(Detector(changed), specks_that_the_screen_stops(count))[3] for count in (0, 40))
    log_odds = [np.log(found.hits[0].score / (1 - found.hits[0].score)) for found in (quiet, crowded)]
    assert 0.5 < log_odds[0] - log_odds[1] < np.log(50 / 10)


STRUCK = 38


def a_hit_after_motion(colour, kind="bgr"):
    """Frames in which a body passes at the left and leaves; then a hit falls there and another far away."""
    rng = np.random.default_rng(5)
    made = []
    for i in range(STRUCK + 2):
        bgr = np.clip(80 + rng.normal(0, 2, (HEIGHT, WIDTH, 1)), 0, 255).repeat(3, axis=2)
        bgr[..., 2] += 6  # not neutral
        if 28 <= i < 32:
            bgr[60:140, 20 + 12 * (i - 28) : 60 + 12 * (i - 28)] += 60
        if i == STRUCK:
            for x in (60, 260):
                bgr[100:102, x : x + 2] += colour
        shown = np.rint(np.clip(bgr, 0, 255)).astype(np.uint8)
        utc = datetime(2026, 1, 1, tzinfo=timezone.utc)
        if kind == "bgr":
            grey = np.rint(shown @ np.array([0.114, 0.587, 0.299])).astype(np.uint8)
            made.append(Frame(i, i / 25, utc, grey, bgr=shown))
        else:
            content = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            made.append(Frame(i, i / 25, utc, decode_grey(content), jpeg=content))
    return made


GREEN, GREY = (0, 60, 0), (35, 35, 35)  # the same in grey
EXTENT = 4  # two by two


@pytest.mark.parametrize("kind", ["bgr", "jpeg"])
def test_detector_weighs_colour_near_recent_motion(bundle, kind):
    def found(colour, **changes):
        detector = Detector(with_decision(bundle, **changes))
        return run(detector, a_hit_after_motion(colour, kind))[STRUCK - 1].hits

    plain = found(GREY, threshold=0.001)
    assert {hit.x // 100 for hit in plain} == {0, 2}
    odds = min(np.log(hit.score / (1 - hit.score)) for hit in plain)
    between = 1 / (1 + np.exp(-(odds - 3.0 + np.log(1 + 5))))  # a spot of colour 5 would just be a hit
    weights = {"threshold": between, "extent_weight": 3.0 / np.log(EXTENT), "colour_weight": 1.0}
    assert {hit.x // 100 for hit in found(GREY, **weights)} == {2}
    assert {hit.x // 100 for hit in found(GREEN, **weights)} == {0, 2}


def test_detector_weighs_extent_near_recent_motion(bundle):
    found = run(Detector(with_decision(bundle, threshold=0.5, extent_weight=60.0)), a_hit_after_motion(GREY))
    assert {hit.x // 100 for hit in found[STRUCK - 1].hits} == {2}


def test_detector_decodes_colours_only_where_they_decide(bundle, monkeypatch):
    asked = []

    def colours(frame, candidates, mask):
        asked.append((frame.sequence, len(candidates), mask is not None and int(mask[200, 160])))
        return np.zeros(len(candidates))

    monkeypatch.setattr("edge.detect.evidence.spot_colours", colours)
    frames = a_hit_after_motion(GREEN)
    for weights in ({}, {"extent_weight": 3.0}, {"extent_weight": 60.0, "colour_weight": 1.0}):
        run(Detector(with_decision(bundle, threshold=0.5, **weights)), frames)
    assert asked == []
    changed = with_decision(bundle, threshold=0.9, extent_weight=3.0 / np.log(EXTENT), colour_weight=1.0)
    run(Detector(changed, DetectionSettings(masks=(Mask(rectangle=(150, 190, 20, 20)),))), frames)
    assert (STRUCK, 1, 255) in asked
    assert len(asked) < 8


def test_detector_ignores_more_colour_than_height(bundle, monkeypatch):
    weights = {"threshold": 0.5, "extent_weight": 60.0, "colour_weight": 60.0}
    for colour, there in ((20.0, {0, 2}), (250.0, {2})):
        monkeypatch.setattr(
            "edge.detect.evidence.spot_colours", lambda _, spots, __, it=colour: np.full(len(spots), it)
        )
        found = run(Detector(with_decision(bundle, **weights)), a_hit_after_motion(GREY))
        assert {hit.x // 100 for hit in found[STRUCK - 1].hits} == there


def test_detector_shows_colours_to_a_classifier_of_rgb(bundle):
    manifest = bundle.manifest
    coloured = manifest.model_copy(update={"input": manifest.input.model_copy(update={"planes": "rgb"})})
    changed = Bundle(bundle.path, coloured, bundle.model, bundle.screen)
    frames = a_hit_after_motion(GREEN)
    detections = run(Detector(changed), frames)
    assert any(detection.candidates == 0 for detection in detections)
    assert detections[STRUCK - 1].candidates >= 2


def share_near_motion(frames, tiny):
    """Run a detector and return the share of 400 places that lie near recent motion in its last frame."""
    detector = Detector(tiny)
    run(detector, frames)
    rng = np.random.default_rng(1)
    spots = [Candidate(int(x), int(y), 30.0, 2, 0.0, 1.0) for x, y in rng.integers(0, (WIDTH, HEIGHT), (400, 2))]
    return float(lie_on(detector._camera.recent_motion.ground(), spots).mean())


def test_recent_motion_ignores_hits_on_still_ground(bundle):
    rng = np.random.default_rng(2)
    hits = {i: [(int(x), int(y)) for x, y in rng.integers(2, (WIDTH - 4, HEIGHT - 4), (8, 2))] for i in range(80)}
    assert share_near_motion(film(hits, count=80), bundle) < 0.02


def test_recent_motion_ignores_noisy_ground_from_the_start(bundle):
    rng = np.random.default_rng(3)
    frames = film({}, count=60)
    for shown in frames:
        shown.grey[:, : WIDTH * 2 // 5] = np.clip(80 + rng.normal(0, 5, (HEIGHT, WIDTH * 2 // 5)), 0, 255)
    assert share_near_motion(frames, bundle) < 0.02


def test_recent_motion_is_forgotten_with_the_picture_size(bundle):
    detector = Detector(bundle)
    moved = a_hit_after_motion(GREY)[:34]
    run(detector, moved)
    spot = [Candidate(60, 100, 30.0, 2, 0.0, 1.0)]
    assert lie_on(detector._camera.recent_motion.ground(), spot).all()
    run(detector, film({}, count=3, size=(HEIGHT + 8, WIDTH)))
    assert not lie_on(detector._camera.recent_motion.ground(), spot).any()
