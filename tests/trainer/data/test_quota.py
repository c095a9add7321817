from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from synthetic_data import synthetic_samples

from trainer.data.dataset import Dataset, DatasetIndex, Samples, Strata
from trainer.data.quota import TEST_BLOTCH_SHARE, TEST_SHARES, Quota, count_shares
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError


@pytest.mark.parametrize("wanted", [1, 2, 7, 512])
def test_quota_takes_half_of_each_label(wanted: int) -> None:
    quota = Quota(wanted)
    taken = [label for label in [0, 1] * wanted if quota.takes(label, {})]
    assert quota.filled
    assert (taken.count(0), taken.count(1)) == (wanted - wanted // 2, wanted // 2)


def random_strata(rng: np.random.Generator) -> Strata:
    return {
        "struck_dn": float(rng.uniform(6, 80)),
        "motion_dn": float(rng.uniform(0, 15)),
        "blotch": bool(rng.random() < 0.1),
    }


@pytest.mark.parametrize("wanted", [40, 512])
def test_quota_keeps_the_promised_shares_in_both_labels(wanted: int) -> None:
    rng = np.random.default_rng(1)
    quota = Quota(wanted, TEST_SHARES, TEST_BLOTCH_SHARE)
    counts: Counter[tuple[int, str]] = Counter()
    while not quota.filled:
        label, strata = int(rng.random() < 0.8), random_strata(rng)
        if quota.takes(label, strata):
            counts[label, "all"] += 1
            counts[label, "visible"] += 25 <= strata["struck_dn"] < 40
            counts[label, "moves"] += strata["motion_dn"] > 10
            counts[label, "blotch"] += strata["blotch"]
    for label in (0, 1):
        assert counts[label, "all"] == wanted // 2
        for promised in ("visible", "moves", "blotch"):
            assert counts[label, promised] >= 0.3 * wanted // 2, promised


def test_quota_takes_blotches_beyond_their_share() -> None:
    quota = Quota(200, {("faint", True): 1.0}, 0.35)
    blotched = {"struck_dn": 10.0, "motion_dn": 20.0, "blotch": True}
    assert sum(quota.takes(0, blotched) for _ in range(300)) == 100


def written(folder: Path, negatives: list[Strata], positives: list[Strata]) -> Dataset:
    samples = synthetic_samples(np.random.default_rng(1), len(negatives) + len(positives), 24, "test")
    label = np.array([0] * len(negatives) + [1] * len(positives), np.uint8)
    chosen = Samples(samples.greys, samples.bgr, samples.spot, label, tuple(negatives + positives))
    index = DatasetIndex(kind="test", command="", seed=1, crop_size=24, planned_shards=1)
    DatasetWriter(folder, index).add(0, "test", chosen)
    return Dataset.open(folder)


def test_count_shares_names_what_is_missed(tmp_path: Path) -> None:
    negatives: list[Strata] = [{"blotch": i < 2, "motion_dn": 12.0 if i < 3 else 1.0} for i in range(10)]
    positives: list[Strata] = [{"added_dn": 30.0 if i < 4 else 50.0} for i in range(10)]
    shares = count_shares(written(tmp_path, negatives, positives))
    assert (shares.negatives, shares.hits) == (10, 10)
    assert shares.negatives_with_blotch == pytest.approx(0.2)
    assert shares.negatives_in_strong_motion == pytest.approx(0.3)
    assert shares.hits_of_25_to_40_dn == pytest.approx(0.4)
    assert shares.missed == ("negatives_with_blotch",)


def test_count_shares_refuses_a_damaged_shard(tmp_path: Path) -> None:
    dataset = written(tmp_path, [{}], [{}])
    (tmp_path / "shards" / "00000.npz").write_bytes(b"not a shard")
    with pytest.raises(DatasetError, match=r"00000\.npz cannot be read"):
        count_shares(dataset)
