import numpy as np
import pytest

from trainer.scenes.generated import generate_scene
from trainer.scenes.splits import SPLITS
from trainer.scenes.sprites import smear_kernel
from trainer.scenes.textures import available_pictures, load_picture, surface


def test_generated_scene_is_the_same_in_any_order() -> None:
    scene, again = (generate_scene(3, "train", (160, 120)) for _ in range(2))
    first, second = scene.levels(0), scene.levels(5)
    assert np.array_equal(again.levels(5), second)
    assert np.array_equal(again.levels(0), first)
    assert not np.array_equal(first, second)


def test_generated_scenes_differ_by_seed_and_split() -> None:
    names = {generate_scene(seed, split, (64, 64)).name for seed in (1, 2) for split in SPLITS}
    assert len(names) == 6


def test_available_pictures_share_none_between_splits() -> None:
    pictures = [set(available_pictures(split)) for split in SPLITS]
    assert len(set().union(*pictures)) == sum(map(len, pictures))
    for name in set().union(*pictures):
        assert load_picture(name).ndim == 3


def test_generated_scene_moves() -> None:
    moving = 0
    for seed in range(4):
        scene = generate_scene(seed, "validation", (320, 240), crowd=2)
        moving += int((np.abs(scene.levels(1) - scene.levels(0)).max(axis=2) > 20).sum())
    assert moving > 500


def test_surface_is_sharp_to_the_pixel() -> None:
    rng = np.random.default_rng(2)
    sharp = [np.abs(np.diff(surface(rng, 96, 96, ())[..., 1], axis=1)).mean() for _ in range(10)]
    assert np.median(sharp) > 0.5


@pytest.mark.parametrize(("dx", "dy"), [(5.0, 0.0), (0.0, -7.5), (30.0, 12.0), (1.0, 1.0)])
def test_smear_kernel_keeps_light_and_spans_the_motion(dx: float, dy: float) -> None:
    kernel = smear_kernel(dx, dy)
    assert kernel is not None
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    rows, columns = np.nonzero(kernel)
    assert abs(columns.max() - columns.min() - abs(dx)) <= 1
    assert abs(rows.max() - rows.min() - abs(dy)) <= 1


def test_smear_kernel_of_slow_motion_is_none() -> None:
    assert smear_kernel(0.3, 0.4) is None
