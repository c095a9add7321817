"""More than one device: each holds the whole network, and `keras.distribution` shares each batch among them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

from trainer.errors import RunError
from trainer.training.request import require_even_batches

if TYPE_CHECKING:
    from pathlib import Path

    from trainer.training.batches import Crops
    from trainer.training.run import FitSettings


def share_batches(path: Path, settings: FitSettings) -> None:
    """Let the devices of the settings share each batch, with the same weights on all; on the JAX backend only.

    Raises
    ------
    RunError
        The backend cannot, there are too few devices, or the batch cannot be shared evenly.

    """
    if settings.devices == 1:
        return
    if keras.backend.backend() != "jax":
        problem = f"{settings.devices} devices were asked for on the backend {keras.backend.backend()}"
        raise RunError(path, problem, "set KERAS_BACKEND=jax, or leave out --devices")
    found = keras.distribution.list_devices()
    if len(found) < settings.devices:
        problem = f"{settings.devices} devices were asked for and there are {len(found)}"
        advice = "a CPU counts as N after XLA_FLAGS=--xla_force_host_platform_device_count=N"
        raise RunError(path, problem, advice)
    require_even_batches(path, settings)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=found[: settings.devices]))


def shareable(crops: Crops, devices: int) -> Crops:
    """Return the samples without the last few that the devices could not share evenly."""
    count = len(crops) // devices * devices
    return crops if count == len(crops) else crops.first(count)
