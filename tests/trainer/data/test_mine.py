from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import trainer.data.mine
from edge.detect.manifest import CandidateRules
from trainer.data.build import Recipe
from trainer.data.crops import MIN_ADDED_DN
from trainer.data.dataset import Samples
from trainer.data.mine import Deceived, mine, shard_samples

RECIPE = Recipe(kind="training", crops=24, crop_size=64, seed=3, fusion="charge", nuisance_share=0.0)


@pytest.fixture(scope="module")
def mined():
    return shard_samples(RECIPE, None, 0)


def test_mine_without_hits_has_label_0_only(mined) -> None:
    assert len(mined) == 24
    assert mined.label.sum() == 0
    assert all(strata["proposed"] and strata["added_dn"] is None for strata in mined.strata)


def test_mine_spots_are_spikes_of_the_middle_frame(mined) -> None:
    for greys, (x, y), strata in zip(mined.greys, mined.spot, mined.strata, strict=True):
        spike = int(greys[y, x, 1]) - int(max(greys[y, x, 0], greys[y, x, 2]))
        assert spike == strata["spike_dn"] >= CandidateRules().spike_dn


def test_mine_is_deterministic(mined) -> None:
    again = shard_samples(RECIPE, None, 0)
    np.testing.assert_array_equal(again.greys, mined.greys)
    assert again.strata == mined.strata


def test_mine_keeps_only_what_deceives_a_run() -> None:
    asked = []

    def bright_spots_deceive(samples: Samples) -> np.ndarray:
        asked.append(len(samples))
        return np.array([float(strata["spike_dn"] > 20) for strata in samples.strata])

    kept = shard_samples(RECIPE, Deceived(bright_spots_deceive, 0.5, ()), 0)
    assert len(kept) == 24
    assert min(strata["spike_dn"] for strata in kept.strata) > 20
    assert all(asked)


@pytest.mark.slow
def test_mine_bytes_do_not_depend_on_processes(tmp_path: Path) -> None:
    single = mine(tmp_path / "one", RECIPE, workers=1)
    two = mine(tmp_path / "two", RECIPE, workers=2)
    assert single.sha256 == two.sha256
    assert single.index.kind == "mined"


@pytest.fixture(scope="module")
def struck():
    return shard_samples(replace(RECIPE, crops=200, radiations=("Tc-99m",), hits_a_kind=60), None, 0, hits_a_shot=12.0)


def test_mine_with_hits_has_both_labels(struck) -> None:
    hits = struck.label == 1
    assert 0.05 < hits.mean() < 0.95
    assert all(
        (strata["added_dn"] is not None) == bool(label)
        for strata, label in zip(struck.strata, struck.label, strict=True)
    )
    assert min(strata["added_dn"] for strata, hit in zip(struck.strata, hits, strict=True) if hit) >= MIN_ADDED_DN


def test_mine_hits_show_at_their_spot(struck) -> None:
    spikes = []
    for greys, (x, y), strata, label in zip(struck.greys, struck.spot, struck.strata, struck.label, strict=True):
        spike = int(greys[y, x, 1]) - int(max(greys[y, x, 0], greys[y, x, 2]))
        spikes.append(spike == strata["spike_dn"])
        assert not label or strata["nuclide"] == "Tc-99m"
    assert np.mean(spikes) > 0.7, "the rest are compact spots on moving ground"


def test_mine_keeps_hits_that_do_not_deceive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer.data.mine, "MAX_SHOTS", 4)
    recipe = replace(RECIPE, crops=200, radiations=("Tc-99m",), hits_a_kind=60)
    kept = shard_samples(recipe, Deceived(lambda samples: np.zeros(len(samples)), 0.5, ()), 0, hits_a_shot=12.0)
    assert len(kept) > 0
    assert kept.label.all()
