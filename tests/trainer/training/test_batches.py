from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples, write_synthetic

from edge.detect.crops import cut_size
from edge.detect.manifest import InputContract
from trainer.data.dataset import Dataset, Samples
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError
from trainer.training.augmentation import add_specks, augment
from trainer.training.batches import (
    Crops,
    TrainingBatches,
    as_input,
    cut_at_spots,
    cut_crops,
    read_crops,
    sample_weights,
    spot_pixels,
)
from trainer.training.run import FitSettings

PATCH = InputContract(crop_size=17, planes="temporal", dtype="float32")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    splits = (("train", 50), ("validation", 16), ("test", 16))
    return write_synthetic(tmp_path_factory.mktemp("batches") / "data", crop_size=32, splits=splits)


def test_cut_at_spots_centres_the_spot() -> None:
    pictures = np.zeros((1, 32, 32, 3), np.uint8)
    pictures[0, 12, 20] = 200
    patch = cut_at_spots(pictures, np.array([[20, 12]], np.int16), 17)
    assert patch.shape == (1, 17, 17, 3)
    assert (patch[0, 8, 8] == 200).all()


def test_augment_shifts_brightness_without_clipping() -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(0, 256, (200, 9, 9, 3), np.uint8)
    pictures[::2] = pictures[::2] // 4 + 90
    changed = augment(pictures, rng, 40, "temporal")
    for before, after in zip(pictures, changed, strict=True):
        shift = int(after.min()) - int(before.min())
        assert abs(shift) <= 40
        np.testing.assert_array_equal(np.sort(after.ravel()), np.sort(before.ravel().astype(int) + shift))


def test_augment_keeps_current_frame_and_middle_pixel() -> None:
    pictures = np.zeros((64, 17, 17, 3), np.uint8)
    pictures[..., 0], pictures[..., 2] = 10, 30
    pictures[:, 8, 8, 1] = 100
    changed = augment(pictures, np.random.default_rng(2), 0, "temporal")
    assert (changed[:, 8, 8, 1] == 100).all()
    assert (changed[..., 1].sum(axis=(1, 2)) == 100).all()
    assert 5 < (changed[:, 0, 0, 0] == 30).sum() < 59


def test_batches_without_augmentation_are_scaled_pixels(data: Dataset) -> None:
    crops = cut_crops(data.samples("train"), PATCH)
    batch = TrainingBatches(crops, PATCH, FitSettings(batch_size=50, augment=False), seed=1)[0][0]
    assert batch.dtype == np.float32
    np.testing.assert_allclose(np.sort(batch.ravel()), np.sort(as_input(crops.pictures, PATCH).ravel()))
    assert set(np.rint(batch.ravel() * 255).astype(int)) <= set(range(256))


def test_batch_depends_on_seed_and_number_alone(data: Dataset) -> None:
    crops = cut_crops(data.samples("train"), PATCH)
    settings = FitSettings(batch_size=8, steps_per_epoch=3)
    first, second = (TrainingBatches(crops, PATCH, settings, seed=5) for _ in range(2))
    first.epoch = second.epoch = 4
    later = second[2][0]
    for index in range(3):
        batch = first[index][0]
    np.testing.assert_array_equal(batch, later)
    assert not np.array_equal(TrainingBatches(crops, PATCH, settings, seed=6)[0][0], first[0][0])


def test_every_sample_comes_once_in_each_pass(data: Dataset) -> None:
    crops = cut_crops(data.samples("train"), PATCH)
    batches = TrainingBatches(crops, PATCH, FitSettings(batch_size=10, steps_per_epoch=5), seed=1)
    for epoch in range(2):
        members = np.concatenate([batches._members(epoch * 5 + i) for i in range(5)])
        assert sorted(members) == list(range(50))


def test_read_crops_leaves_out_faint_hits(data: Dataset) -> None:
    crops = read_crops([data], "train", PATCH, min_added_dn=50)
    kept = [one["added_dn"] for one, label in zip(crops.strata, crops.label, strict=True) if label]
    assert kept
    assert min(kept) >= 50
    assert (crops.label == 0).sum() == 25


def test_read_crops_passes_a_shard_of_which_nothing_is_left(tmp_path: Path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=48, splits=(("train", 2), ("train", 40), ("validation", 8)))
    first = next(data.parts("train"))
    limit = max(one["added_dn"] or 0 for one in first.strata) + 1
    of_hits = first.take(np.array([1]))
    DatasetWriter(data.path, data.index).add(0, "train", of_hits)
    crops = read_crops(
        [Dataset.open(data.path)],
        "train",
        InputContract(crop_size=25, planes="compensated", dtype="float32"),
        min_added_dn=limit,
    )
    assert crops.pictures.shape[1:] == (25, 25, 5)
    assert 20 <= len(crops) <= 40


def test_as_input_of_rgb_is_the_current_frame() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 2, 32)
    contract = InputContract(crop_size=32, planes="rgb", dtype="float32")
    got = as_input(cut_crops(samples, contract).pictures, contract)
    np.testing.assert_allclose(got[..., 0] * 255, samples.bgr[..., 2], atol=1e-4)


def test_read_crops_refuses_too_small_crops(data: Dataset) -> None:
    with pytest.raises(DatasetError, match="32 px are too small for a network of 64 px"):
        read_crops([data], "train", InputContract(crop_size=64, planes="temporal"))


def test_augment_of_compensated_planes_leaves_differences() -> None:
    rng = np.random.default_rng(1)
    pictures = rng.integers(50, 200, (60, 5, 5, 5)).astype(np.uint8)
    changed = augment(pictures, rng, 40, "compensated")
    shift = np.sort(changed[..., 0].reshape(60, -1).astype(int)) - np.sort(pictures[..., 0].reshape(60, -1).astype(int))
    assert (np.ptp(shift, axis=1) == 0).all()
    assert len(np.unique(shift)) > 20
    before, after = (np.sort(planes[..., 1:].reshape(60, 25, 4), axis=1) for planes in (pictures, changed))
    kept, swapped = ((after == before[..., order]).all(axis=(1, 2)) for order in ([0, 1, 2, 3], [1, 0, 3, 2]))
    assert (kept ^ swapped).all(), "previous and next change places in both pairs or in none"
    assert 10 < swapped.sum() < 50


def test_cut_crops_lays_compensated_planes_out() -> None:
    contract = InputContract(crop_size=25, planes="compensated", dtype="float32")
    size = cut_size("compensated", 25)
    samples = synthetic_samples(np.random.default_rng(1), 6, size)
    samples = replace(samples, spot=np.full((6, 2), size // 2, np.int16))
    crops = cut_crops(samples, contract)
    assert crops.pictures.shape == (6, 25, 25, 5)
    greys = cut_at_spots(samples.greys, samples.spot, 25).astype(int)
    np.testing.assert_array_equal(crops.pictures[..., 0], greys[..., 1])
    np.testing.assert_array_equal(crops.pictures[..., 1], np.clip(96 + greys[..., 1] - greys[..., 0], 0, 255))


def test_sample_weights_of_staged_negatives() -> None:
    crops = Crops(
        np.zeros((4, 3, 3, 3), np.uint8),
        np.array([1, 0, 0, 0], np.uint8),
        (
            {"recording": "generated"},
            {"recording": "generated"},
            {"recording": "street.mp4", "nuisance": "snow"},
            {"recording": "street.mp4", "nuisance": None},
        ),
    )
    got = sample_weights(crops, FitSettings(negative_weight=2.0, staged_weight=0.1))
    np.testing.assert_allclose(got, [1.0, 0.2, 0.2, 2.0])


def test_brighter_hits_weigh_more_within_limits(data: Dataset) -> None:
    crops = read_crops([data], "train", PATCH).first(5)
    strata = tuple({"added_dn": added_dn} for added_dn in (4.0, 20.0, 40.0, 80.0, 400.0))
    hits = replace(crops, label=np.ones(5, np.uint8), strata=strata)
    np.testing.assert_allclose(sample_weights(hits, FitSettings(light_power=1.0)), [0.2, 0.5, 1.0, 2.0, 3.0])
    np.testing.assert_allclose(sample_weights(hits, FitSettings()), 1.0)


def test_samples_of_a_mixture_have_full_weight(data: Dataset) -> None:
    crops = read_crops([data], "train", PATCH)
    staged = replace(crops, strata=tuple({"recording": "generated"} for _ in crops.strata))
    both = staged.with_mixture(staged)
    settings = FitSettings(
        negative_weight=2.0, staged_weight=0.1, speck_share=1.0, batch_size=100, augment=True, brightness_dn=0
    )
    got = sample_weights(both, settings)
    others = crops.label == 0
    np.testing.assert_allclose(got[:50][others], 0.2)
    assert (got[50:] == 1).all()
    assert (both.first(60).in_mixture == (np.arange(60) >= 50)).all()
    batches = TrainingBatches(both, PATCH, settings, seed=1)
    members = batches._members(0)
    shown = np.sort(batches[0][0].reshape(100, -1), axis=1)  # turning and swapping change the order alone
    stored = np.sort(as_input(both.pictures[members], PATCH).reshape(100, -1), axis=1)
    changed = (np.abs(shown - stored) > 1e-6).any(axis=1)
    np.testing.assert_array_equal(changed, (members < 50) & (both.label[members] == 0))


@pytest.mark.parametrize("crop_size", [16, 17])
def test_cut_at_spots_centres_the_spot_at_the_border(crop_size: int) -> None:
    pictures = np.zeros((1, 32, 32, 3), np.uint8)
    pictures[0, 1, 30] = 200
    cut = cut_at_spots(pictures, np.array([[30, 1]], np.int16), crop_size)
    assert (cut[0, 8, 8] == 200).all()
    assert np.count_nonzero(cut) == 3, "one spot, not its mirror image beside it"


def test_add_specks_paints_soft_specks_in_the_middle_frame() -> None:
    pictures = np.full((40, 25, 25, 3), 60, np.uint8)
    chosen = np.arange(40) % 2 == 0
    specked = add_specks(pictures, chosen, np.random.default_rng(3)).astype(int)
    np.testing.assert_array_equal(specked[~chosen], pictures[~chosen])
    rise = specked[chosen] - 60
    assert (rise[..., 1].max(axis=(1, 2)) >= 12).all()
    peak, beside = rise[:, 11:14, 11:14, 1].max(axis=(1, 2)), rise[:, 12, 12 - 2 : 12 + 3, 1].min(axis=1)
    assert (beside > peak * 0.02).all(), "it falls off over several pixels"
    traces = rise[..., [0, 2]].max(axis=(1, 2, 3))
    assert 0 < np.count_nonzero(traces) < len(traces)
    assert (traces < rise[..., 1].max(axis=(1, 2))).all()


def test_batches_paint_specks_on_negatives_alone(data: Dataset) -> None:
    crops = read_crops([data], "train", PATCH)
    plain, specked = (
        TrainingBatches(crops, PATCH, FitSettings(batch_size=50, augment=True, speck_share=share), seed=2)[0]
        for share in (0.0, 1.0)
    )
    # Turns, mirrors and offsets leave the span of a frame's greys as it is; a speck widens it.
    spans = [np.ptp(batch[0][..., 1], axis=(1, 2)) for batch in (plain, specked)]
    label = plain[1]
    np.testing.assert_array_equal(label, specked[1])
    np.testing.assert_allclose(spans[0][label == 1], spans[1][label == 1], atol=1e-6)
    assert (np.abs(spans[0] - spans[1])[label == 0] > 1e-3).any()


def test_spot_pixels_counts_above_half_the_spike() -> None:
    samples = synthetic_samples(np.random.default_rng(1), 2, 32)
    greys = np.full((2, 32, 32, 3), 50, np.uint8)
    for i, reach in enumerate((0, 2)):
        x, y = samples.spot[i]
        greys[i, y - reach : y + reach + 1, x - reach : x + reach + 1, 1] = 120
    flat = Samples(greys, samples.bgr, samples.spot, samples.label, samples.strata)
    np.testing.assert_array_equal(spot_pixels(flat), [1, 25])


def test_read_crops_leaves_out_wide_hits_by_their_way(data: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    every = read_crops([data], "train", PATCH)
    width = int(np.median(spot_pixels(data.samples("train"))[data.samples("train").label == 1]))
    narrow = read_crops([data], "train", PATCH, max_spot_pixels=(width - 1, None))
    none_through_a_sensor = read_crops([data], "train", PATCH, max_spot_pixels=(width - 1, 99))
    assert narrow.label.sum() < every.label.sum()
    assert (narrow.label == 0).sum() == (every.label == 0).sum()
    assert none_through_a_sensor.label.sum() == narrow.label.sum()

    part = data.samples("train")
    through_sensor = tuple({**one, "way": "sensor"} for one in part.strata)
    monkeypatch.setattr(Dataset, "parts", lambda *_: iter([replace(part, strata=through_sensor)]))
    assert read_crops([data], "train", PATCH, max_spot_pixels=(width - 1, 99)).label.sum() == every.label.sum()
