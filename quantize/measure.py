"""Measures a pair of networks, and the cascade of both pairs: agreement, layers, kernels, speed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.network import stored_values
from quantize.agreement import Agreement, StratumRow, agreement_of, sqnr_db, strata_of
from quantize.graph import read_graph
from quantize.layers import LayerError, layer_errors, worst_layer
from quantize.pairing import decision_changes
from quantize.predictions import min_margin, predict, predict_cascade
from quantize.runtimes import (
    Comparison,
    ForeignRuntime,
    Partitions,
    Speed,
    compared,
    partitions,
    run_elsewhere,
    run_here,
    speed,
)
from trainer.training.planes import network_planes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.detect.decision import Decision
    from quantize.pairing import NetworkPair, PairedLogits
    from quantize.predictions import Predictions


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """All that was measured of one network of the bundle.

    Attributes
    ----------
    positives, negatives : int
    logits_sqnr_db : float
        Signal to quantisation noise of its logits over all crops.
    worst : LayerError or None
        The layer that adds most noise.

    """

    name: str
    positives: int
    negatives: int
    logits_sqnr_db: float
    agreement: Agreement
    strata: tuple[StratumRow, ...]
    layers: tuple[LayerError, ...]
    worst: LayerError | None
    operators: dict[str, int]
    float_operators: tuple[str, ...]
    min_runtime: str | None
    partitions: Partitions
    size_bytes: int
    float_size_bytes: int
    speed: Speed
    runtime: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class CascadeCheck:
    """Agreement on what the box decides: a hit passes the screen, and the classifier's score reaches its threshold.

    Attributes
    ----------
    decision_changes : tuple of str, or None
        Differences between the bundle's decisions and those that `cascade` chose for the runs; None where it did not.

    """

    positives: int
    negatives: int
    agreement: Agreement
    strata: tuple[StratumRow, ...]
    decision_changes: tuple[str, ...] | None


def measure_cascade(
    logits: Sequence[PairedLogits], references: Sequence[Decision], rng: np.random.Generator
) -> CascadeCheck:
    """Measure what screen and classifier decide together; `references` are the float networks' decisions."""
    main, label = logits[0], logits[0].crops.label
    pairs = [paired.pair for paired in logits]
    reference = _decided([paired.float32 for paired in logits], references)
    own = _decided([paired.int8 for paired in logits], [pair.decision for pair in pairs])
    changes = decision_changes(pairs)
    return CascadeCheck(
        positives=int(label.sum()),
        negatives=int((label == 0).sum()),
        agreement=agreement_of(reference, own, label, rng),
        strata=strata_of(reference, own, label, main.crops.strata),
        decision_changes=None if changes is None else tuple(changes),
    )


def _decided(logits: Sequence[NDArray[np.float32]], decisions: Sequence[Decision]) -> Predictions:
    """Return what the classifier decides behind its screen; alone where a bundle lacks it."""
    if len(logits) == 1:
        return predict(logits[0], decisions[0])
    return predict_cascade(logits[0], logits[1], (decisions[0], decisions[1]))


def measure_networks(
    logits: Sequence[PairedLogits],
    references: Sequence[Decision],
    rng: np.random.Generator,
    *,
    foreign: Sequence[ForeignRuntime] = (),
    kernel_crops: int,
) -> tuple[NetworkCheck, ...]:
    """Measure every network of a bundle, the classifier first.

    Parameters
    ----------
    logits : sequence of PairedLogits
    references : sequence of Decision
        The float networks' decisions.
    rng : Generator
    foreign : sequence of ForeignRuntime
        Other runtimes to compare with.
    kernel_crops : int
        The number of crops for layers, kernels and runtimes.

    """
    return tuple(
        _measure_network(paired, reference, margins, (rng, foreign, kernel_crops))
        for paired, reference, margins in zip(logits, references, _min_margins(logits), strict=True)
    )


def _min_margins(logits: Sequence[PairedLogits]) -> list[NDArray[np.float64]]:
    """Return for each network and crop the logit1 − logit0 of a hit; infinity where the screen stops the crop."""
    margins = [np.full(len(paired.crops), min_margin(paired.pair.decision)) for paired in logits]
    for screen in logits[1:]:
        margins[0][~predict(screen.int8, screen.pair.decision).hit] = np.inf
    return margins


def _measure_network(
    paired: PairedLogits,
    reference: Decision,
    margins: NDArray[np.float64],
    settings: tuple[np.random.Generator, Sequence[ForeignRuntime], int],
) -> NetworkCheck:
    from trainer.training.batches import as_input  # noqa: PLC0415 - imports Keras

    rng, foreign, kernel_crops = settings
    pair, crops = paired.pair, paired.crops
    contract = pair.int8.contract[0]
    # Layers and kernels are compared on crops that the fast path proposes: the box shows a network no others.
    proposed = np.flatnonzero([bool(sample.get("proposed", True)) for sample in crops.strata])
    some = np.sort(rng.permutation(proposed if len(proposed) else len(crops))[:kernel_crops])
    pictures = crops.pictures[some]
    stored = stored_values(contract)[network_planes(pictures, contract.planes)]
    layers = layer_errors(pair.float32.model, pair.int8.model, as_input(pictures, contract), stored)
    graph = read_graph(pair.int8.model)
    comparisons, runtime = _comparisons(pair, margins[some], stored, foreign)
    wanted, own = predict(paired.float32, reference), predict(paired.int8, pair.decision)
    return NetworkCheck(
        name=pair.name,
        positives=int(crops.label.sum()),
        negatives=int((crops.label == 0).sum()),
        logits_sqnr_db=sqnr_db(paired.float32, paired.int8),
        agreement=agreement_of(wanted, own, crops.label, rng),
        strata=strata_of(wanted, own, crops.label, crops.strata),
        layers=layers,
        worst=worst_layer(layers),
        operators=graph.versions(),
        float_operators=graph.float_operators(),
        min_runtime=graph.min_runtime,
        partitions=partitions(pair.int8.model),
        size_bytes=len(pair.int8.model),
        float_size_bytes=len(pair.float32.model),
        speed=speed(pair.float32.model, pair.int8.model),
        runtime=runtime,
        comparisons=comparisons,
    )


def _comparisons(
    pair: NetworkPair, margins: NDArray[np.float64], stored: NDArray[Any], foreign: Sequence[ForeignRuntime]
) -> tuple[tuple[Comparison, ...], str]:
    """Compare the int8 network on this machine's kernels with the reference kernels and with other runtimes."""
    model = pair.int8.model
    own, runtime, _ = run_here(model, stored)
    quantisation = pair.int8.contract[1].quantisation
    scale = 1.0 if quantisation is None else quantisation.scale
    others = [("reference kernels", run_here(model, stored, "reference"))]
    others += [(place.name, run_elsewhere(place, model, stored)) for place in foreign]
    return tuple(compared(name, own, other, margins / scale) for name, other in others), runtime
