"""Building blocks that the networks share: local response normalisation, two-group convolutions, folded triplets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import layers, ops

if TYPE_CHECKING:
    from collections.abc import Sequence

SPOT_STRIDES = (1, 2, 1, 2, 1)
LRN_DEPTH = 5  # adjacent maps, Krizhevsky et al. 2012, section 3.3
LRN_ALPHA = 1e-4
LRN_BIAS = 2.0

BN_MOMENTUM = 0.95  # trainings here take thousands of steps, not millions


@keras.saving.register_keras_serializable("gammabox")
class LocalResponseNormalisation(layers.Layer):  # type: ignore[misc]
    """Divide each activation by (2 + 1e-4 Σ a²)^0.75 over five adjacent maps (Krizhevsky et al. 2012, section 3.3)."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Normalise activations of shape (n, height, width, maps)."""
        number = np.arange(inputs.shape[-1])
        adjacent = np.abs(number[:, None] - number) <= LRN_DEPTH // 2
        squares = ops.square(inputs)
        # As a convolution of 1×1 the sum takes hardly any time; with two roots for the power, neither does the rest.
        total = ops.conv(squares, ops.cast(adjacent[None, None], squares.dtype), padding="valid")
        root = ops.rsqrt(LRN_BIAS + LRN_ALPHA * total)
        return inputs * root * ops.sqrt(root)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return input_shape


def grouped(
    inputs: keras.KerasTensor, filters: int, kernel: int, name: str, *, start: str = "glorot_uniform"
) -> keras.KerasTensor:
    """Return a convolution of two groups, stride 1, same padding: each half of the maps is convolved on its own.

    As two convolutions it trains six times faster on a CPU than `Conv2D(groups=2)` and stays clear of the slow kernel
    that tflite-runtime has for groups.
    """
    half = inputs.shape[-1] // 2
    parts = [
        layers.Conv2D(filters // 2, kernel, padding="same", kernel_initializer=start, name=f"{name}_{group}")(maps)
        for group, maps in (("a", inputs[..., :half]), ("b", inputs[..., half:]))
    ]
    return layers.Concatenate(name=name)(parts)


def grouped_normalised_relu(inputs: keras.KerasTensor, filters: int, kernel: int, name: str) -> keras.KerasTensor:
    """Return a convolution of two groups, each half normalised and rectified before both are joined.

    The result is that of normalising the joined maps. But batch norm folds only into a convolution directly before it;
    after the concatenation it stays in the int8 network as a multiplication and an addition with their own roundings.
    """
    half = inputs.shape[-1] // 2
    parts = []
    for group, maps in (("a", inputs[..., :half]), ("b", inputs[..., half:])):
        part = f"{name}_{group}"
        convolved = layers.Conv2D(filters // 2, kernel, padding="same", use_bias=False, name=part)(maps)
        parts.append(normalised_relu(convolved, part))
    return layers.Concatenate(name=name)(parts)


def normalised_relu(inputs: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Return batch normalisation and ReLU of maps; both fold into the convolution before them in an int8 network."""
    normalised = layers.BatchNormalization(momentum=BN_MOMENTUM, name=f"{name}_bn")(inputs)
    return layers.ReLU(name=f"{name}_relu")(normalised)


def five_convolutions(
    inputs: keras.KerasTensor, maps: Sequence[int], dropout: float, *, prefix: str = ""
) -> keras.KerasTensor:
    """Return five convolutions of 3×3 without padding, and the last map flattened, so that each place has its weight.

    The network judges the spot in the middle, not what else the patch holds. A map of less than three pixels is padded.
    The prefix begins the names of the layers.
    """
    x = inputs
    for number, (count, step) in enumerate(zip(maps, SPOT_STRIDES, strict=True), start=1):
        padding = "same" if x.shape[1] < 3 else "valid"
        x = layers.Conv2D(count, 3, strides=step, padding=padding, use_bias=False, name=f"{prefix}conv{number}")(x)
        x = normalised_relu(x, f"{prefix}conv{number}")
    return layers.Dropout(dropout, name=f"{prefix}dropout")(layers.Flatten(name=f"{prefix}flatten")(x))
