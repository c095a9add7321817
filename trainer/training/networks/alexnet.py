"""AlexNet: `alexnet_paper` to the letter, and `alexnet_edge`, the fully convolutional variant that ships."""

from __future__ import annotations

from functools import partial
from typing import Literal

import keras
from keras import layers

from trainer.training.networks.layers import (
    LocalResponseNormalisation,
    five_convolutions,
    grouped,
    grouped_normalised_relu,
    normalised_relu,
)

Head = Literal["max", "average", "centre"]
Layout = Literal["pooled", "spot"]

PAPER_CROP = 224
START = "he_uniform"
MAPS = (96, 256, 384, 384, 256)  # of the five convolutions
SPOT_MAPS = (16, 28, 36, 48, 64)


def alexnet_paper(crop_size: int = PAPER_CROP, *, dropout: float = 0.5) -> keras.Model:
    """Return the paper's network (section 2.3): 56,876,418 parameters at 224×224×3, two logits.

    Convolution, ReLU, overlapped pooling and normalisation come in the order of the paper. Two towers, of 48 kernels
    each at first, meet before the third convolution and before the fully connected layers. The paper does not say what
    the weights begin with. Here it is He's distribution (He et al. 2015): from Glorot's the network learns later.

    Parameters
    ----------
    crop_size : int
        Side of the square input, pixels; 224 in the paper.
    dropout : float
        Share of the 4096 units that is dropped in training (Krizhevsky et al. 2012: 0.5).

    """
    image = keras.Input((crop_size, crop_size, 3), name="crop")
    padded = layers.ZeroPadding2D(((1, 2), (1, 2)), name="pad1")(image)  # 224 gives 55 only with this padding
    convolution = partial(layers.Conv2D, activation="relu", kernel_initializer=START)

    joined = []
    for group in ("a", "b"):
        x = convolution(48, 11, strides=4, name=f"conv1_{group}")(padded)  # 55 × 55 × 48
        x = layers.MaxPooling2D(3, 2, name=f"pool1_{group}")(x)  # 27 × 27 × 48
        x = LocalResponseNormalisation(name=f"norm1_{group}")(x)
        x = convolution(128, 5, padding="same", name=f"conv2_{group}")(x)
        x = layers.MaxPooling2D(3, 2, name=f"pool2_{group}")(x)  # 13 × 13 × 128
        joined.append(LocalResponseNormalisation(name=f"norm2_{group}")(x))
    x = layers.Concatenate(name="towers")(joined)

    x = convolution(384, 3, padding="same", name="conv3")(x)
    x = layers.ReLU(name="relu4")(grouped(x, 384, 3, "conv4", start=START))
    x = layers.ReLU(name="relu5")(grouped(x, 256, 3, "conv5", start=START))
    x = layers.MaxPooling2D(3, 2, name="pool5")(x)  # 6 × 6 × 256

    x = layers.Flatten(name="flatten")(x)
    for name in ("full6", "full7"):
        x = layers.Dense(4096, activation="relu", kernel_initializer=START, name=name)(x)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="alexnet_paper")


def member_prefix(member: int) -> str:
    """Return what begins the names of the layers of a member of `alexnet_edge`; nothing for the first one."""
    return f"member{member + 1}_" if member else ""


def alexnet_edge(
    crop_size: int = 64,
    *,
    head: Head = "max",
    width: float = 1.0,
    first_stride: Literal[1, 2, 4] = 4,
    first_kernel: int = 11,
    layout: Layout = "pooled",
    dropout: float = 0.1,
    members: int = 1,
    channels: int = 3,
) -> keras.Model:
    """Return the variant that ships: AlexNet's five convolutions with batch norm and a pooling head, two logits.

    Batch norm replaces local response normalisation, which has no int8 kernel; convolution, batch norm and ReLU fold
    into one int8 operation. A pooling head replaces the 54.5 M fully connected weights.

    Parameters
    ----------
    crop_size : int
        Side of the square input, pixels.
    head : {"max", "average", "centre"}
        "max" and "average" pool globally, and the network judges whether a hit lies anywhere in the crop. "centre" has
        a weight for each place of the last map, and the network judges whether the spot in the middle is a hit.
    width : float
        Factor on the number of maps. Time and size of the int8 network grow with about its square.
    first_stride : {1, 2, 4}
        Step of the first convolution, 4 in the original. With 1 the network sees how sharp a spot is, pixel by pixel.
    first_kernel : int
        Side of the first convolution's kernels: 11 in the original.
    layout : {"pooled", "spot"}
        "pooled": AlexNet's kernels, pooling and groups. "spot": five convolutions of 3×3, strides instead of pooling,
        and a weight for each place of the last map; `head`, `first_stride` and `first_kernel` are not used.
    dropout : float
        Share of the last map's values that is dropped in training; in the layout "spot" only.
    members : int
        How often the five convolutions stand side by side; in the layout "spot" only.
    channels : int
        Planes of the input.

    """
    image = keras.Input((crop_size, crop_size, channels), name="crop")
    if layout == "spot":
        maps = [round(count * width) for count in SPOT_MAPS]
        ends = [five_convolutions(image, maps, dropout, prefix=member_prefix(member)) for member in range(members)]
        # Joined before the logits: averaged after them, they would be rounded twice in an int8 network.
        x = ends[0] if members == 1 else layers.Concatenate(name="members")(ends)
        return keras.Model(image, layers.Dense(2, name="logits")(x), name="alexnet_edge")
    x = _pooled_convolutions(image, width, first_stride, first_kernel)
    if head == "max":  # the greatest of pool5's overlapping windows is the greatest of all
        x = layers.GlobalMaxPooling2D(name="pool5")(x)
    else:
        x = layers.MaxPooling2D(3, 2, padding="same", name="pool5")(x)
        x = layers.GlobalAveragePooling2D(name="head")(x) if head == "average" else layers.Flatten(name="head")(x)
    return keras.Model(image, layers.Dense(2, name="logits")(x), name="alexnet_edge")


def _pooled_convolutions(image: keras.KerasTensor, width: float, stride: int, kernel: int) -> keras.KerasTensor:
    """Return AlexNet's five convolutions with batch norm, two poolings between them."""
    maps = [max(2 * round(count * width / 2), 2) for count in MAPS]
    x = layers.Conv2D(maps[0], kernel, strides=stride, padding="same", use_bias=False, name="conv1")(image)
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(normalised_relu(x, "conv1"))
    x = grouped_normalised_relu(x, maps[1], 5, "conv2")
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool2")(x)
    x = layers.Conv2D(maps[2], 3, padding="same", use_bias=False, name="conv3")(x)
    x = normalised_relu(x, "conv3")
    x = grouped_normalised_relu(x, maps[3], 3, "conv4")
    return grouped_normalised_relu(x, maps[4], 3, "conv5")
