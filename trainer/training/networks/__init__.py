"""Networks: each a function that returns a Keras model with two logits, found by name with `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from edge.errors import GammaboxError
from trainer.training.networks.alexnet import alexnet_edge, alexnet_paper
from trainer.training.networks.googlenet import googlenet
from trainer.training.networks.resnet import resnet
from trainer.training.networks.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "alexnet_paper": alexnet_paper,
    "alexnet_edge": alexnet_edge,
    "googlenet": googlenet,
    "resnet": resnet,
    "screen": screen,
}


class NetworkError(GammaboxError):
    """A network that does not exist, or arguments that it does not take."""


def build(name: str, crop_size: int, options: Mapping[str, Any], seed: int) -> keras.Model:
    """Return a network with weights drawn from `seed`.

    Raises
    ------
    NetworkError
        There is no network of that name, or it refuses the options.

    """
    if name not in NETWORKS:
        raise NetworkError(f"there is no network {name!r}; choose one of {', '.join(NETWORKS)}")
    keras.utils.set_random_seed(seed)
    try:
        return NETWORKS[name](crop_size, **options)
    except (TypeError, ValueError) as error:
        raise NetworkError(f"network {name} cannot be built at {crop_size} px with {dict(options)}: {error}") from error
