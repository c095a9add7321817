import keras
import numpy as np

from trainer.training.networks.layers import LocalResponseNormalisation, grouped


def test_local_response_normalisation_by_its_formula() -> None:
    maps = np.random.default_rng(1).normal(0, 30, (2, 3, 3, 7)).astype(np.float32)
    got = np.asarray(LocalResponseNormalisation()(maps))
    expected = np.empty_like(maps)
    for i in range(7):
        near = maps[..., max(i - 2, 0) : i + 3]
        expected[..., i] = maps[..., i] / (2 + 1e-4 * (near**2).sum(-1)) ** 0.75
    np.testing.assert_allclose(got, expected, rtol=1e-5)


def test_grouped_sees_only_its_own_half() -> None:
    image = keras.Input((5, 5, 4))
    model = keras.Model(image, grouped(image, 6, 3, "conv"))
    maps = np.random.default_rng(2).normal(0, 1, (1, 5, 5, 4)).astype(np.float32)
    other = maps.copy()
    other[..., 2:] += 1
    before, after = np.asarray(model(maps)), np.asarray(model(other))
    np.testing.assert_array_equal(before[..., :3], after[..., :3])
    assert np.abs(before[..., 3:] - after[..., 3:]).max() > 1e-3


def test_grouped_equals_the_convolution_of_keras() -> None:
    image = keras.Input((5, 5, 4))
    ours = keras.Model(image, grouped(image, 6, 3, "conv"))
    theirs = keras.layers.Conv2D(6, 3, padding="same", groups=2)
    theirs.build((None, 5, 5, 4))
    first, second = ours.get_layer("conv_a").get_weights(), ours.get_layer("conv_b").get_weights()
    theirs.set_weights([np.concatenate([a, b], axis=-1) for a, b in zip(first, second, strict=True)])
    maps = np.random.default_rng(3).normal(0, 1, (1, 5, 5, 4)).astype(np.float32)
    np.testing.assert_allclose(np.asarray(ours(maps)), np.asarray(theirs(maps)), atol=1e-5)
