import cv2
import numpy as np
import pytest

from trainer.data.recordings import CUT_PX
from trainer.scenes.footage import Footage, require_footage
from trainer.studies.hit_pictures import HitPictures
from trainer.studies.real_hits import Setting, Struck, add_hit, strike_footage

GLINT_FRAME, GLINT_X, GLINT_Y = 2, 250, 200


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> list[Footage]:
    """Six frames of a soft ground with a bar that moves, and a glint in one of them."""
    folder = tmp_path_factory.mktemp("footage")
    for t in range(6):
        picture = np.full((240, 320, 3), 70, np.uint8)
        picture[100:110, 20 + 12 * t : 60 + 12 * t] = 160
        if t == GLINT_FRAME:
            picture[GLINT_Y : GLINT_Y + 3, GLINT_X : GLINT_X + 3] = 250
        cv2.imwrite(str(folder / f"{t}.png"), cv2.GaussianBlur(picture, (0, 0), 1.0))
    return require_footage([folder])


def blobs(levels: tuple[int, ...], size: int) -> HitPictures:
    made = np.zeros((len(levels), CUT_PX, CUT_PX, 3), np.uint8)
    for patch, level in zip(made, levels, strict=True):
        patch[CUT_PX // 2 : CUT_PX // 2 + size, CUT_PX // 2 : CUT_PX // 2 + size] = level // 2
        patch[CUT_PX // 2, CUT_PX // 2] = level
    return HitPictures.of(made)


@pytest.fixture(scope="module")
def struck(footage: list[Footage]) -> Struck:
    setting = Setting(triples=4, places=8, crop_size=32)
    return strike_footage(footage, blobs((60, 120, 180), 2), blobs(tuple(range(40, 220, 3)), 3), setting)


def test_add_hit_adds_in_linear_light() -> None:
    levels = np.full((40, 40, 3), 100, np.float32)
    patch = blobs((120,), 1).patches[0]
    strike = add_hit(levels, patch, 20, 10, turn=0)
    expected = 255 * (1.055 * (sum(((v / 255 + 0.055) / 1.055) ** 2.4 for v in (100, 120))) ** (1 / 2.4) - 0.055)
    assert levels[10, 20, 0] == pytest.approx(expected, abs=0.01)
    assert strike.added_dn == pytest.approx(expected - 100, abs=0.01)
    assert strike.box == (20, 10, 20, 10)
    assert strike.pixels == 1
    assert (levels != 100).sum() == 3


def test_strike_footage_pairs_hits_that_are_alike(struck: Struck) -> None:
    assert len(struck.pairs) > 12
    for pair in struck.pairs:
        (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = pair.real.box, pair.simulated.box
        assert max(ax0, bx0) <= min(ax1, bx1)
        assert max(ay0, by0) <= min(ay1, by1)
        assert (pair.real.added_dn + 1) / (pair.simulated.added_dn + 1) == pytest.approx(1, abs=0.17)


def test_strike_footage_rows_are_samples_of_the_pairs(struck: Struck) -> None:
    rows = [row for pair in struck.pairs for row in (pair.real_row, pair.simulated_row) if row is not None]
    assert len(set(rows)) == len(rows) == int(struck.samples.label.sum())
    assert (struck.samples.label[rows] == 1).all()
    bright = [pair for pair in struck.pairs if min(pair.real.added_dn, pair.simulated.added_dn) > 30]
    assert np.mean([pair.real_row is not None for pair in bright]) > 0.9
    for pair in bright:
        if pair.real_row is not None:
            x, y = struck.samples.spot[pair.real_row]
            previous, current, following = struck.samples.greys[pair.real_row, y, x].astype(int)
            assert current - max(previous, following) > 12


def test_strike_footage_is_deterministic(footage: list[Footage], struck: Struck) -> None:
    setting = Setting(triples=4, places=8, crop_size=32)
    again = strike_footage(footage, blobs((60, 120, 180), 2), blobs(tuple(range(40, 220, 3)), 3), setting)
    np.testing.assert_array_equal(again.samples.greys, struck.samples.greys)
    assert again.pairs == struck.pairs


def test_strike_footage_negatives_are_proposed_without_hits(struck: Struck) -> None:
    negatives = struck.samples.take(struck.samples.label == 0)
    rise = negatives.greys[..., 1].astype(int) - negatives.greys[..., ::2].max(axis=3)
    assert (rise.max(axis=(1, 2)) > 60).sum() == 1, "the glint in the middle of one of four triples"
    assert all(strata["motion_dn"] >= 0 for strata in negatives.strata)
