"""The screen: a few thousand weights that judge the 17×17 patch around every candidate of the fast path."""

from __future__ import annotations

import keras
from keras import layers

from trainer.models.layers import normalised_relu

SCREEN_PATCH = 17


def screen(crop_size: int = SCREEN_PATCH, *, width: float = 1.0) -> keras.Model:
    """Build the screen for patches centred on a candidate: three convolutions, two logits.

    Every place of the last map keeps its own weight, so the network judges the spot in the middle, not whatever
    else the patch holds.

    Parameters
    ----------
    crop_size : int
        Side of the patch, pixels; odd, so that the spot has a middle.
    width : float
        Factor on the number of maps.

    """
    maps = [max(round(count * width), 4) for count in (12, 16, 24)]
    patch = keras.Input((crop_size, crop_size, 3), name="crop")
    x = layers.Conv2D(maps[0], 3, use_bias=False, name="conv1")(patch)  # 15 × 15
    x = normalised_relu(x, "conv1")
    x = layers.Conv2D(maps[1], 3, strides=2, use_bias=False, name="conv2")(x)  # 7 × 7
    x = normalised_relu(x, "conv2")
    x = layers.Conv2D(maps[2], 3, strides=2, use_bias=False, name="conv3")(x)  # 3 × 3
    x = normalised_relu(x, "conv3")
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(patch, layers.Dense(2, name="logits")(x), name="screen")
