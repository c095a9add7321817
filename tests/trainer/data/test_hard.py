"""Hard candidates: pieces of recordings that the detector of a bundle follows, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

import trainer.data.hard
from edge.bundle import shipped_bundle_path
from trainer.data.build import training_split
from trainer.data.crops import MIN_ADDED_DN
from trainer.data.dataset import Dataset
from trainer.data.hard import MAX_A_PIECE, HardRecipe, mine_hard, piece_samples
from trainer.data.hits import hit_bank
from trainer.data.pieces import FRAMES, LEARNT_FRAMES, SIZE, draw_piece, film
from trainer.errors import DatasetError
from trainer.scenes.footage import probe

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.data.dataset import Samples, ShardEntry
    from trainer.data.pieces import FilmedFrame
    from trainer.scenes.footage import Footage

BANK = hit_bank(("Tc-99m",), 60)


def _lamps(folder: Path, seed: int) -> None:
    """Draw a street: points of two pixels that jump in each frame, as lamps on moving cars do."""
    folder.mkdir()
    rng = np.random.default_rng(seed)
    ground = cv2.GaussianBlur(rng.integers(20, 120, (240, 320, 3)).astype(np.uint8), (0, 0), 3)
    starts = rng.integers(0, (320, 240), (40, 2))
    for number in range(FRAMES + 6):
        picture = ground.copy()
        for x, y in (starts + np.array([number * 7, 0])) % (318, 238):
            picture[y : y + 2, x : x + 2] = 250
        cv2.imwrite(str(folder / f"{number:02d}.png"), picture)


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> tuple[Footage, ...]:
    place = tmp_path_factory.mktemp("street")
    for name, seed in (("a", 1), ("b", 2), ("c", 3)):
        _lamps(place / name, seed)
    found, refused = probe([place / "a", place / "b", place / "c"])
    assert not refused
    return tuple(found)


@pytest.fixture(scope="module")
def recipe(footage: tuple[Footage, ...]) -> HardRecipe:
    return HardRecipe(shipped_bundle_path(), footage, radiations=("Tc-99m",), hits_a_kind=60, seed=2)


@pytest.fixture(scope="module")
def filmed(footage: tuple[Footage, ...]) -> list[FilmedFrame]:
    rng = np.random.default_rng(2)
    return list(film(draw_piece(footage, 0.0, rng), 3.0, 48, BANK, rng))


@pytest.fixture(scope="module")
def pieces(recipe: HardRecipe) -> list[Samples]:
    return [piece_samples(recipe, number, "train") for number in range(2)]


def test_piece_is_one_window_in_all_frames(footage: tuple[Footage, ...]) -> None:
    piece = draw_piece(footage, 0.0, np.random.default_rng(3))
    assert len(piece.views) == FRAMES
    assert {(view.shape, view.dtype) for view in piece.views} == {((SIZE, SIZE, 3), np.dtype(np.float32))}
    moved = [float(np.abs(one - other).mean()) for one, other in zip(piece.views, piece.views[1:], strict=False)]
    assert min(moved) > 0, "the lamps move in every frame"
    assert max(moved) < 10, "the ground stands still"


def test_pieces_have_nuisances_in_their_share(footage: tuple[Footage, ...]) -> None:
    rng = np.random.default_rng(4)
    studios = [draw_piece(footage[:1], 0.5, rng).studio for _ in range(8)]
    assert 0 < sum(bool(studio.nuisances) for studio in studios) < 8
    assert not draw_piece(footage[:1], 0.0, rng).studio.nuisances


def test_film_strikes_no_frame_in_which_the_noise_is_learnt(filmed: list[FilmedFrame]) -> None:
    assert [struck.frame.sequence for struck in filmed] == list(range(FRAMES))
    assert not any(struck.strikes for struck in filmed[:LEARNT_FRAMES])
    assert sum(len(struck.strikes) for struck in filmed) > FRAMES


def test_film_shows_a_hit_in_its_frame_only(filmed: list[FilmedFrame]) -> None:
    shown = []
    for before, struck, after in zip(filmed, filmed[1:], filmed[2:], strict=False):
        for strike in (strike for strike in struck.strikes if strike.added_dn > 40):
            levels = [int(each.frame.grey[strike.y, strike.x]) for each in (before, struck, after)]
            shown.append(levels[1] - max(levels[0], levels[2]) > 20)
    assert len(shown) > 5
    assert np.mean(shown) > 0.9, "a lamp may come by"


def test_hard_candidates_are_near_the_decision_or_few(pieces: list[Samples], recipe: HardRecipe) -> None:
    negatives = [strata for samples in pieces for strata in samples.strata if strata["added_dn"] is None]
    assert len(negatives) > 10
    easy = [strata for strata in negatives if strata["margin"] < recipe.min_margin]
    assert len(easy) < len(negatives)
    strict = replace(recipe, min_margin=99.0)
    kept = [piece_samples(strict, number, "train") for number in range(2)]
    assert sum(int((samples.label == 0).sum()) for samples in kept) < len(negatives)


def test_hard_hits_can_be_seen(pieces: list[Samples]) -> None:
    hits = [
        strata for samples in pieces for strata, label in zip(samples.strata, samples.label, strict=True) if label == 1
    ]
    assert hits
    assert min(strata["added_dn"] for strata in hits) >= MIN_ADDED_DN
    assert {strata["nuclide"] for strata in hits} == {"Tc-99m"}


def test_no_piece_fills_a_dataset(pieces: list[Samples], recipe: HardRecipe, monkeypatch: pytest.MonkeyPatch) -> None:
    assert max(int((samples.label == 0).sum()) for samples in pieces) <= MAX_A_PIECE
    monkeypatch.setattr("trainer.data.hard.MAX_A_PIECE", 2)
    number = int(np.argmax([int((samples.label == 0).sum()) for samples in pieces]))
    few = piece_samples(recipe, number, "train")
    assert int((few.label == 0).sum()) == 2
    assert int(few.label.sum()) == int(pieces[number].label.sum())


def test_piece_gives_the_same_samples_again(pieces: list[Samples], recipe: HardRecipe) -> None:
    again = piece_samples(recipe, 1, "train")
    np.testing.assert_array_equal(again.greys, pieces[1].greys)
    assert again.strata == pieces[1].strata


def test_interrupted_dataset_is_continued_to_the_same_bytes(
    tmp_path: Path, recipe: HardRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def first_only(folder: Path, recipe: HardRecipe, shard: int) -> ShardEntry:
        if shard:
            raise KeyboardInterrupt
        return make_shard(folder, recipe, shard)

    monkeypatch.setattr("trainer.data.hard.PIECES_A_SHARD", 1)
    make_shard, told = trainer.data.hard._make_shard, []
    two = replace(recipe, pieces=2)
    whole = mine_hard(tmp_path / "whole", two, workers=1, on_shard=lambda *both: told.append(both))
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert whole.index.complete
    with monkeypatch.context() as patched:
        patched.setattr("trainer.data.hard._make_shard", first_only)
        with pytest.raises(KeyboardInterrupt):
            mine_hard(tmp_path / "cut", two, workers=1)
    assert len(Dataset.open(tmp_path / "cut").index.shards) == 1
    assert mine_hard(tmp_path / "cut", two, workers=1).sha256 == whole.sha256
    with pytest.raises(DatasetError, match="other options"):
        mine_hard(tmp_path / "cut", replace(two, hits_a_frame=1.0), workers=1)


def test_validation_has_recordings_of_its_own(recipe: HardRecipe, footage: tuple[Footage, ...]) -> None:
    train, validation = recipe.places["train"], recipe.places["validation"]
    assert {f.scene for f in train}.isdisjoint(f.scene for f in validation)
    single = replace(recipe, footage=footage[:1]).places
    assert single["train"] == single["validation"] == [footage[0]]
    assert [training_split(shard) for shard in range(4)] == ["train", "train", "train", "validation"]
