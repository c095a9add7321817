"""The screen: a network of some ten thousand weights for the patch around every candidate of the fast path."""

from __future__ import annotations

import keras
from keras import layers

from trainer.training.networks.layers import five_convolutions

SCREEN_PATCH = 25
MAPS = (12, 16, 24, 32, 48)


def screen(
    crop_size: int = SCREEN_PATCH, *, width: float = 1.0, dropout: float = 0.1, channels: int = 3
) -> keras.Model:
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
    channels : int
        Planes of the patch.

    """
    maps = [max(round(count * width), 4) for count in MAPS]
    patch = keras.Input((crop_size, crop_size, channels), name="crop")  # 25 × 25, then 23, 11, 9, 4 and 2
    x = five_convolutions(patch, maps, dropout)
    return keras.Model(patch, layers.Dense(2, name="logits")(x), name="screen")
