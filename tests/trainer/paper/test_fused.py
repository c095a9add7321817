import numpy as np
import pytest

from trainer.filming.fusion import fuse_max
from trainer.paper.fused import FusedPictures, Pools, draw_pairs
from trainer.paper.places import places_of
from trainer.paper.sets import SetRecipe, make_set
from trainer.sensor.library import turned


@pytest.fixture(scope="module")
def pools(conditions, tmp_path_factory) -> Pools:
    out, places = tmp_path_factory.mktemp("pools"), places_of([], 2, "train")
    made = {
        name: make_set(out / name, SetRecipe(name, conditions, 20, 64, 1, places if name == "B" else ()), workers=1)
        for name in ("A", "B", "C")
    }
    return Pools(made["A"], made["B"], made["C"])


def test_pairs_use_every_crop_before_one_comes_again() -> None:
    pairs = draw_pairs(40, 5, 8, "train", 1)
    assert pairs.label.tolist() == [0, 1] * 20
    for label in (0, 1):
        of_label = pairs.covered[pairs.label == label].reshape(4, 5)
        assert (np.sort(of_label, axis=1) == np.arange(5)).all()
    of_both = pairs.scene.reshape(20, 2)
    assert (of_both[:, 0] == of_both[:, 1]).all()
    assert (np.sort(of_both[:16, 0].reshape(2, 8), axis=1) == np.arange(8)).all()
    assert len(set(pairs.turn.tolist())) > 4
    assert 0 < pairs.mirrored.sum() < 40


@pytest.mark.parametrize("split", ["validation", "test"])
def test_pairs_of_tests_are_not_turned(split) -> None:
    pairs = draw_pairs(40, 5, 8, split, 1)
    assert not pairs.turn.any()
    assert not pairs.mirrored.any()
    assert draw_pairs(40, 5, 8, split, 2).scene.tolist() != pairs.scene.tolist()


@pytest.mark.parametrize("split", ["train", "validation"])
def test_darkened_scenes_keep_some_light(split) -> None:
    dark = draw_pairs(400, 5, 8, split, 1, darkness=2.0)
    assert dark.light.min() < 0.05
    assert dark.light.max() > 0.9
    assert np.median(dark.light) < 0.4
    assert (draw_pairs(40, 5, 8, split, 1).light == 1).all()
    scenes = np.full((8, 4, 4, 3), 200, np.uint8)
    covered = np.zeros((5, 4, 4, 3), np.uint8)
    pictures = FusedPictures(covered, covered, scenes, dark)[:]
    np.testing.assert_array_equal(pictures[:, 0, 0, 0], (200 * dark.light).astype(np.uint8))


def test_fused_pictures_are_the_maximum_of_both() -> None:
    rng = np.random.default_rng(1)
    noise, radiation, scenes = rng.integers(0, 256, (3, 6, 8, 8, 3), np.uint8)
    pairs = draw_pairs(24, 6, 6, "train", 3)
    fused = FusedPictures(noise, radiation, scenes, pairs)
    assert fused.shape == (24, 8, 8, 3)
    some = fused[np.array([3, 20, 7])]
    np.testing.assert_array_equal(some, fused[:][[3, 20, 7]])
    for number in range(24):
        source = radiation if pairs.label[number] else noise
        scene = scenes[pairs.scene[number]]
        scene = scene[:, ::-1] if pairs.mirrored[number] else scene
        picture = fused[number : number + 1][0]
        assert (picture >= scene).all()
        planes = np.moveaxis(source[pairs.covered[number]], -1, 0)
        covered = np.stack([turned(plane, int(pairs.turn[number])) for plane in planes], axis=-1)
        np.testing.assert_array_equal(picture, fuse_max(covered, scene))


def test_fused_samples_know_what_their_hit_adds(pools) -> None:
    samples = pools.samples("test", 8, 1)
    crops = pools.crops("test", 8, 1, "bgr")
    np.testing.assert_array_equal(samples.bgr, crops.pictures[:])
    np.testing.assert_array_equal(samples.label, crops.label)
    for known, label in zip(samples.strata, samples.label, strict=True):
        assert bool(known["hits"]) == bool(label)
        assert (known["added_dn"] is not None) == bool(label)
        assert known["scene"].startswith("people-")
    assert max(known["added_dn"] or 0 for known in samples.strata) > 25


def test_splits_of_the_pools_share_no_crop(pools) -> None:
    parts = {split: pools.scenes.samples(split).bgr for split in ("train", "validation", "test")}
    seen = {picture.tobytes() for part in parts.values() for picture in part}
    assert len(seen) == sum(len(part) for part in parts.values())
