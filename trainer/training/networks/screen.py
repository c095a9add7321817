"""The screen: a network of some ten thousand weights for the patch around every candidate of the fast path."""

from __future__ import annotations

import keras
from keras import layers

from trainer.training.networks.layers import normalised_relu

SCREEN_PATCH = 25
MAPS = (12, 16, 24, 32, 48)


def screen(crop_size: int = SCREEN_PATCH, *, width: float = 1.0, dropout: float = 0.1) -> keras.Model:
    """Return the screen for patches centred on a candidate: five small convolutions, two logits.

    Every place of the last map has its own weight. So the network judges the spot in the middle, not what else the
    patch holds. A patch of 25 pixels shows where a moving bright thing was one frame before.

    Parameters
    ----------
    crop_size : int
        Side of the patch, pixels; odd, so that the spot has a middle, and at least 17.
    width : float
        Factor on the number of maps.
    dropout : float
        Share of the last map's values that is dropped in training.

    """
    maps = [max(round(count * width), 4) for count in MAPS]
    patch = keras.Input((crop_size, crop_size, 3), name="crop")
    x = patch  # 25 × 25, then 23, 11, 9, 4 and 2
    for number, (count, strides) in enumerate(zip(maps, (1, 2, 1, 2, 1), strict=True), start=1):
        padding = "same" if x.shape[1] < 3 else "valid"
        x = layers.Conv2D(count, 3, strides=strides, padding=padding, use_bias=False, name=f"conv{number}")(x)
        x = normalised_relu(x, f"conv{number}")
    x = layers.Dropout(dropout, name="dropout")(layers.Flatten(name="flatten")(x))
    return keras.Model(patch, layers.Dense(2, name="logits")(x), name="screen")
