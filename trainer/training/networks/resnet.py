"""ResNet-18 (He et al. 2016, table 1) with two logits."""

from __future__ import annotations

import keras
from keras import layers

from trainer.training.networks.layers import BN_MOMENTUM

STAGES = (64, 128, 256, 512)  # maps; two blocks each


def resnet(crop_size: int = 224) -> keras.Model:
    """Return ResNet-18 for two classes: 11,177,538 trainable weights, two logits.

    Parameters
    ----------
    crop_size : int
        Side of the square input, pixels; 224 in the original.

    """
    image = keras.Input((crop_size, crop_size, 3), name="crop")
    x = _convolution(image, 64, 7, "conv1", strides=2)  # 112 × 112
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)  # 56 × 56
    for stage, maps in enumerate(STAGES, start=2):
        for block in (1, 2):
            x = _basic_block(x, maps, f"conv{stage}_{block}", strides=2 if block == 1 and stage > 2 else 1)
    x = layers.GlobalAveragePooling2D(name="pool5")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="resnet")


def _convolution(
    inputs: keras.KerasTensor, maps: int, kernel: int, name: str, *, strides: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(maps, kernel, strides=strides, padding="same", use_bias=False, name=name)(inputs)
    return layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_bn")(x)


def _basic_block(inputs: keras.KerasTensor, maps: int, name: str, *, strides: int) -> keras.KerasTensor:
    """Return two 3×3 convolutions plus their input, which 1×1 projects where the shape changes (option B)."""
    past = inputs
    if strides > 1 or inputs.shape[-1] != maps:
        past = _convolution(inputs, maps, 1, f"{name}_past", strides=strides)
    x = layers.ReLU(name=f"{name}_a_relu")(_convolution(inputs, maps, 3, f"{name}_a", strides=strides))
    x = _convolution(x, maps, 3, f"{name}_b")
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([x, past]))
