"""Where the time of training goes: arithmetic, local response normalisation, batch, and fusion, network by network."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from edge.detect.manifest import InputContract
from trainer.paper.fused import FusedPictures, draw_pairs
from trainer.training.batches import as_input
from trainer.training.networks import build
from trainer.training.networks.layers import LRN_ALPHA, LRN_BIAS, LRN_DEPTH, LocalResponseNormalisation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trainer.training.run import Precision

NETWORKS = ("alexnet_paper", "resnet", "googlenet")
_BATCHES = 3


class PowerNormalisation(LocalResponseNormalisation):
    """The same normalisation with sums of slices and a power, as it is usually written."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Normalise activations of shape (n, height, width, maps)."""
        reach, maps = LRN_DEPTH // 2, inputs.shape[-1]
        padded = keras.ops.pad(keras.ops.square(inputs), [[0, 0], [0, 0], [0, 0], [reach, reach]])
        total = sum(padded[..., shift : shift + maps] for shift in range(LRN_DEPTH))
        return inputs / keras.ops.power(LRN_BIAS + LRN_ALPHA * total, 0.75)


@dataclass(frozen=True, slots=True)
class Timed:
    """The speed of one way of training.

    Attributes
    ----------
    network : str
    way : str
    crops_s, processor_ms : float
        Crops a second by the clock, and milliseconds of processor time a crop: the least of a few batches.

    """

    network: str
    way: str
    crops_s: float
    processor_ms: float


@dataclass(frozen=True, slots=True)
class _Way:
    name: str
    precision: Precision
    batch: int
    with_power: bool = False


_PLAIN = _Way("bfloat16, batch 128", "mixed_bfloat16", 128)
WAYS: dict[str, tuple[_Way, ...]] = {
    "alexnet_paper": (
        _Way("float32, power, batch 64", "float32", 64, with_power=True),
        _Way("bfloat16, power, batch 64", "mixed_bfloat16", 64, with_power=True),
        _Way("bfloat16, batch 64", "mixed_bfloat16", 64),
        _PLAIN,
    ),
    "resnet": (_Way("float32, batch 64", "float32", 64), _PLAIN),
    "googlenet": (_Way("float32, power, batch 64", "float32", 64, with_power=True), _PLAIN),
}


def time_training(networks: Sequence[str], side: int, say: Callable[[str], object] = lambda _: None) -> list[Timed]:
    """Time every way of training some networks, and fusion."""
    rows = []
    for network in networks:
        for way in WAYS[network]:
            say(f"{network}: {way.name}")
            rows.append(_timed(network, way, side))
    return [*rows, *_fusion(side)]


def _timed(network: str, way: _Way, side: int) -> Timed:
    rng = np.random.default_rng(1)
    pictures = rng.random((way.batch, side, side, 3), np.float32)
    labels = rng.integers(0, 2, way.batch)
    keras.mixed_precision.set_dtype_policy(way.precision)
    try:
        model = build(network, InputContract(crop_size=side, planes="rgb", dtype="float32"), {}, 1)
        if way.with_power:
            model = keras.models.clone_model(model, clone_function=_with_power)
        model.compile(
            optimizer=keras.optimizers.AdamW(3e-4, global_clipnorm=5.0),
            loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        return _least(network, way.name, way.batch, lambda: model.train_on_batch(pictures, labels))
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
        keras.utils.clear_session()


def _with_power(layer: keras.layers.Layer) -> keras.layers.Layer:
    if isinstance(layer, LocalResponseNormalisation):
        return PowerNormalisation(name=layer.name)
    return layer.__class__.from_config(layer.get_config())


def _fusion(side: int) -> list[Timed]:
    """Time the fusion of a batch, and its scaling to the input of a network."""
    rng = np.random.default_rng(2)
    noise, radiation, scenes = rng.integers(0, 256, (3, 128, side, side, 3), np.uint8)
    fused = FusedPictures(noise, radiation, scenes, draw_pairs(128, 128, 128, "train", 1))
    contract = InputContract(crop_size=side, planes="rgb", dtype="float32")
    batch = fused[:]
    return [
        _least("fusion", "of 128 crops", 128, lambda: fused[:]),
        _least("fusion", "scaling of 128 crops", 128, lambda: as_input(batch, contract)),
    ]


def _least(network: str, way: str, batch: int, work: Callable[[], Any]) -> Timed:
    work()
    clock, processor = [], []
    for _ in range(_BATCHES):
        began, used = time.perf_counter(), time.process_time()
        work()
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - used)
    return Timed(network, way, batch / min(clock), 1e3 * min(processor) / batch)


def as_markdown(rows: Sequence[Timed]) -> str:
    """Return the times as a table."""
    lines = ["| network | way | crops a second | processor ms a crop |", "|---|---|---|---|"]
    lines += [f"| {row.network} | {row.way} | {row.crops_s:.3g} | {row.processor_ms:.3g} |" for row in rows]
    return "\n".join(lines)
