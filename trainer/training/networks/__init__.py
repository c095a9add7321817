"""Networks: each a function that returns a Keras model with two logits, found by name with `build`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from edge.arguments import takes
from edge.detect.crops import plane_count
from trainer.errors import NetworkError
from trainer.training.networks.alexnet import alexnet_edge, alexnet_paper
from trainer.training.networks.googlenet import googlenet
from trainer.training.networks.resnet import resnet
from trainer.training.networks.screen import screen
from trainer.values import COLOURS, check_network

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.detect.manifest import InputContract

NETWORKS: dict[str, Callable[..., keras.Model]] = {
    "alexnet_paper": alexnet_paper,
    "alexnet_edge": alexnet_edge,
    "googlenet": googlenet,
    "resnet": resnet,
    "screen": screen,
}


@takes(name=str)
def build(name: str, contract: InputContract, options: Mapping[str, Any], seed: int) -> keras.Model:
    """Return a network for crops of a contract, with weights drawn from `seed`.

    Raises
    ------
    NetworkError
        There is no network of that name, or it refuses the options or the number of planes.

    """
    check_network(name, options, contract.planes)
    channels = plane_count(contract.planes)
    more = {} if channels == COLOURS else {"channels": channels}
    keras.utils.set_random_seed(seed)
    try:
        return NETWORKS[name](contract.crop_size, **more, **options)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{key}={value}" for key, value in options.items()) or "no options"
        raise NetworkError(
            f"network {name} cannot be built for crops of {contract.crop_size} pixels with {given}; give larger crops"
        ) from error
