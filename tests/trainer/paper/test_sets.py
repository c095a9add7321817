from dataclasses import replace

import numpy as np
import pytest

from trainer.data.dataset import Dataset
from trainer.data.leakage import check_leakage
from trainer.data.writer import DatasetWriter
from trainer.errors import DatasetError
from trainer.paper.places import places_of
from trainer.paper.sets import SetRecipe, make_set, samples_of


@pytest.fixture(scope="module")
def places():
    return places_of([], 4, "train")


def recipe(name, conditions, crops=20, places=()):
    return SetRecipe(name, conditions, crops, 64, 1, places)


def test_a_and_c_differ_by_hits_only(conditions) -> None:
    noise, radiation = (samples_of(recipe(name, conditions), 1) for name in ("A", "C"))
    assert not noise.label.any()
    assert radiation.label.all()
    for number in range(len(noise)):
        differs = np.abs(noise.greys[number].astype(int) - radiation.greys[number])
        assert not differs[..., 0].any()
        assert not differs[..., 2].any()
        near = np.zeros((64, 64), bool)
        for hit in radiation.strata[number]["hits"]:
            x0, y0, x1, y1 = hit["box"]
            near[max(y0 - 17, 0) : y1 + 18, max(x0 - 17, 0) : x1 + 18] = True  # a block of JPEG beyond the box
        assert differs[..., 1].max() >= 10
        assert differs[..., 1][~near].max(initial=0) <= 3
        assert noise.strata[number]["blotches"] == radiation.strata[number]["blotches"]
        assert noise.strata[number]["hits"] == []


def test_crops_of_a_hold_a_bright_blotch(conditions) -> None:
    noise = samples_of(recipe("A", conditions, 60), 0)
    bright = [
        grey[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3].max()
        for grey, (x, y) in zip(noise.greys[..., 1], noise.spot, strict=True)
    ]
    assert np.mean(np.array(bright) >= 15) > 0.9  # JPEG takes some levels


def test_natural_hits_stand_in_a_where_they_are_asked_for(conditions) -> None:
    contaminated = samples_of(recipe("A", replace(conditions, natural_share=0.5), 60), 0)
    share = np.mean([bool(known["hits"]) for known in contaminated.strata])
    assert 0.2 < share < 0.8
    assert not contaminated.label.any()


def test_unfused_test_has_half_of_each_label_at_the_same_places(conditions, places) -> None:
    test = samples_of(recipe("same-places", conditions, 40, places), 0)
    assert test.label.tolist() == [0, 1] * 20
    assert all(
        (known["added_dn"] is not None) == bool(label) for known, label in zip(test.strata, test.label, strict=True)
    )
    added = [known["added_dn"] for known in test.strata if known["added_dn"] is not None]
    assert np.median(added) > 25
    assert {known["scene"] for known in test.strata} <= {place.name for place in places}


def test_set_goes_on_with_what_is_missing(conditions, places, tmp_path) -> None:
    whole = make_set(tmp_path / "whole", recipe("B", conditions, 20, places), workers=1)
    part = tmp_path / "part"
    make_set(part, recipe("B", conditions, 20, places), workers=1)
    for shard in ("00001", "00003"):
        (part / "shards" / f"{shard}.npz").unlink()
    again = make_set(part, recipe("B", conditions, 20, places), workers=1)
    assert again.sha256 == whole.sha256
    assert [again.count(split)[0] for split in ("train", "validation", "test")] == [12, 4, 4]


def test_set_of_places_where_nobody_is_says_so(conditions) -> None:
    class Empty:
        name = "empty"

        def windows(self, *_):
            return []

    with pytest.raises(DatasetError, match="nobody moves"):
        samples_of(recipe("B", conditions, 20, (Empty(),)), 0)


def test_leakage_that_is_planted_in_a_test_is_found(conditions, places, tmp_path) -> None:
    planned = recipe("same-places", conditions, 256, places)
    writer = DatasetWriter(tmp_path / "leaking", planned.index(""))
    for shard in range(2):
        part = samples_of(planned, shard)
        part.greys[part.label == 1] //= 16  # P has coarser levels than N
        part.greys[part.label == 1] *= 16
        writer.add(shard, "test", part)
    assert check_leakage(Dataset.open(tmp_path / "leaking")).auc > 0.65
