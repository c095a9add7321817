"""GoogLeNet (Szegedy et al. 2015, table 1) without its auxiliary classifiers, with two logits."""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import layers

from trainer.training.networks.layers import LocalResponseNormalisation


class Inception(NamedTuple):
    """Maps of one inception module, in the columns of table 1."""

    name: str
    direct: int
    before_3x3: int
    after_3x3: int
    before_5x5: int
    after_5x5: int
    after_pool: int


INCEPTION_3 = (Inception("3a", 64, 96, 128, 16, 32, 32), Inception("3b", 128, 128, 192, 32, 96, 64))
INCEPTION_4 = (
    Inception("4a", 192, 96, 208, 16, 48, 64),
    Inception("4b", 160, 112, 224, 24, 64, 64),
    Inception("4c", 128, 128, 256, 24, 64, 64),
    Inception("4d", 112, 144, 288, 32, 64, 64),
    Inception("4e", 256, 160, 320, 32, 128, 128),
)
INCEPTION_5 = (Inception("5a", 256, 160, 320, 32, 128, 128), Inception("5b", 384, 192, 384, 48, 128, 128))


def googlenet(crop_size: int = 224, *, dropout: float = 0.4) -> keras.Model:
    """Return GoogLeNet for two classes: 5,975,602 parameters, two logits.

    Parameters
    ----------
    crop_size : int
        Side of the square input, pixels; 224 in the original.
    dropout : float
        Share of the 1024 pooled maps that is dropped in training.

    """
    image = keras.Input((crop_size, crop_size, 3), name="crop")
    x = _convolution(image, 64, 7, "conv1", strides=2)  # 112 × 112
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)  # 56 × 56
    x = LocalResponseNormalisation(name="norm1")(x)
    x = _convolution(x, 64, 1, "conv2_reduce")
    x = _convolution(x, 192, 3, "conv2")
    x = LocalResponseNormalisation(name="norm2")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)  # 28 × 28
    for module in INCEPTION_3:
        x = _inception(x, module)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool3")(x)  # 14 × 14
    for module in INCEPTION_4:
        x = _inception(x, module)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool4")(x)  # 7 × 7
    for module in INCEPTION_5:
        x = _inception(x, module)
    x = layers.GlobalAveragePooling2D(name="pool5")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="googlenet")


def _convolution(
    inputs: keras.KerasTensor, maps: int, kernel: int, name: str, *, strides: int = 1
) -> keras.KerasTensor:
    # He et al. 2015: without batch norm and auxiliary classifiers, Glorot's smaller weights let the signal die away.
    start = "he_uniform"
    return layers.Conv2D(
        maps, kernel, strides=strides, padding="same", activation="relu", kernel_initializer=start, name=name
    )(inputs)


def _inception(inputs: keras.KerasTensor, module: Inception) -> keras.KerasTensor:
    """Return 1×1, 3×3 and 5×5 convolutions and a pooling of the same maps, joined."""
    name = f"inception_{module.name}"
    direct = _convolution(inputs, module.direct, 1, f"{name}_1x1")
    middle = _convolution(inputs, module.before_3x3, 1, f"{name}_3x3_reduce")
    middle = _convolution(middle, module.after_3x3, 3, f"{name}_3x3")
    wide = _convolution(inputs, module.before_5x5, 1, f"{name}_5x5_reduce")
    wide = _convolution(wide, module.after_5x5, 5, f"{name}_5x5")
    pooled = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(inputs)
    pooled = _convolution(pooled, module.after_pool, 1, f"{name}_pool_proj")
    return layers.Concatenate(name=name)([direct, middle, wide, pooled])
