"""The proof: a bundle held against the float model it came from, on the runtime of the edge and the same crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.classifier import scores_of
from edge.detect.crops import network_input
from edge.detect.network import stored_values
from quantize.agreement import (
    Difference,
    calibration_error,
    recall_difference,
    sqnr_db,
    strata_rows,
)
from quantize.bundling import contracts_of, logits_of
from quantize.clip import ClipCheck, check_clip
from quantize.convert import convert
from quantize.graph import read_graph
from quantize.layers import LayerError, layer_errors, worst_layer
from quantize.limits import Finding, Limits, judged, judged_clip
from quantize.runtimes import (
    Comparison,
    Foreign,
    Partitions,
    Speed,
    compared,
    partitions,
    speed,
    stored_elsewhere,
    stored_here,
)
from quantize.subjects import Subject, float_bundle, reference_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.bundle import Decision
    from trainer.data.dataset import Dataset, Split
    from trainer.feed import Crops

FALSE_POSITIVE_RATES = (1e-2, 1e-3)


@dataclass(frozen=True, slots=True)
class Operation:
    """What a model does at its own threshold."""

    threshold: float
    recall: float
    false_positives: int


@dataclass(frozen=True, slots=True)
class Agreement:
    """Float and int8 on the same crops.

    Attributes
    ----------
    labels : float
        Share of crops on which both decide alike, each at its own threshold.
    logits_sqnr_db : float
    recall : dict of str to Difference
        By false-positive rate, each model at the threshold that gives it, with paired 95 % interval of the change.
    calibration_reference, calibration_found : float
        Mean calibration error.

    """

    labels: float
    logits_sqnr_db: float
    recall: dict[str, Difference]
    decision_reference: Operation
    decision_found: Operation
    calibration_reference: float
    calibration_found: float


@dataclass(frozen=True, slots=True)
class StratumRow:
    """Agreement within one stratum, each model at its own threshold; recall is NaN without positives."""

    name: str
    crops: int
    positives: int
    labels: float
    recall_reference: float
    recall_found: float


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """All that was measured of one network of the bundle."""

    name: str
    positives: int
    negatives: int
    agreement: Agreement
    strata: tuple[StratumRow, ...]
    layers: tuple[LayerError, ...]
    worst: LayerError | None
    operators: dict[str, int]
    float_operators: tuple[str, ...]
    least_runtime: str | None
    partitions: Partitions
    size_bytes: int
    float_size_bytes: int
    speed: Speed
    runtime: str
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True)
class BundleCheck:
    """The verdict on a bundle with its evidence."""

    bundle: str
    sha256: str
    created_utc: str
    command: str
    limits: Limits
    networks: tuple[NetworkCheck, ...]
    findings: tuple[tuple[str, tuple[Finding, ...]], ...]
    clip: ClipCheck | None = None

    @property
    def failures(self) -> list[str]:
        """Every limit that was passed, in words, with the network's name."""
        return [
            f"{name}: {finding.name}: {finding.text}"
            for name, findings in self.findings
            for finding in findings
            if not finding.passed
        ]

    @property
    def passed(self) -> bool:
        """Whether int8 was harmless by all limits."""
        return not self.failures


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """How thorough a check is; the kernels' crops are also those of the layers' errors."""

    limits: Limits = field(default_factory=Limits)
    split: Split = "test"
    foreign: tuple[Foreign, ...] = ()
    kernel_crops: int = 256
    layer_crops: int = 32
    seed: int = 1


def check_bundle(
    subjects: Sequence[Subject],
    datasets: Sequence[Dataset],
    settings: CheckSettings,
    *,
    clip: Path | None = None,
    command: str = "",
) -> BundleCheck:
    """Measure every network of a bundle and judge it; with a clip, the whole pipeline too.

    Raises
    ------
    BundleError
        If the manifest and the model disagree.
    ForeignRuntimeError
        If another runtime that was asked for cannot run the model.
    QuantiseError
        If a clip is to be analysed with a bundle whose screen has no run here.

    """
    checks = tuple(check_network(subject, datasets, settings) for subject in subjects)
    bundle = subjects[0].bundle
    findings = [(check.name, judged(check, settings.limits)) for check in checks]
    seen = None
    if clip is not None:
        seen = check_clip(clip, float_bundle(subjects), bundle)
        findings.append(("clip", judged_clip(seen, settings.limits)))
    manifest = bundle.manifest
    card = (manifest.name, manifest.sha256, manifest.created_utc, command)
    return BundleCheck(*card, settings.limits, checks, tuple(findings), seen)


def check_network(subject: Subject, datasets: Sequence[Dataset], settings: CheckSettings) -> NetworkCheck:
    """Measure one network of a bundle against its run; see `NetworkCheck`."""
    from trainer.feed import as_input, read_crops  # noqa: PLC0415 - imports Keras

    rng = np.random.default_rng(settings.seed)
    contract, path = subject.contract[0], subject.bundle.path
    own_crops = read_crops(datasets, settings.split, contract)
    plain = convert(subject.run.load_model(), "float32")
    float_contract = contracts_of(plain, subject.run.manifest.input)
    float_logits = logits_of(subject.run.path, plain, float_contract, own_crops)
    own_logits = logits_of(path, subject.model, subject.contract, own_crops)
    reference = reference_of(subject, plain, float_contract, datasets)

    some = np.sort(rng.permutation(len(own_crops))[: settings.kernel_crops])
    pictures = own_crops.pictures[some]
    planes = network_input(contract.planes, pictures, pictures if contract.planes == "rgb" else None)
    stored = stored_values(contract)[planes]
    few = slice(0, settings.layer_crops)
    layers = layer_errors(plain, subject.model, as_input(pictures[few], contract), stored[few])
    graph = read_graph(subject.model)
    positives = int(own_crops.label.sum())
    comparisons, runtime = _comparisons(subject, stored, settings.foreign)
    return NetworkCheck(
        name=subject.name,
        positives=positives,
        negatives=len(own_crops) - positives,
        agreement=agreement_of(float_logits, own_logits, own_crops, (reference, subject.decision), rng),
        strata=tuple(_strata(float_logits, own_logits, own_crops, (reference, subject.decision))),
        layers=layers,
        worst=worst_layer(layers),
        operators=graph.versions(),
        float_operators=graph.float_operators(),
        least_runtime=graph.min_runtime,
        partitions=partitions(subject.model),
        size_bytes=len(subject.model),
        float_size_bytes=len(plain),
        speed=speed(plain, subject.model),
        runtime=runtime,
        comparisons=comparisons,
    )


def agreement_of(
    float_logits: NDArray[np.float32],
    own_logits: NDArray[np.float32],
    crops: Crops,
    decisions: tuple[Decision, Decision],
    rng: np.random.Generator,
) -> Agreement:
    """Compare logits of the same crops under the decisions of the float and of the other model."""
    label = crops.label
    scores, hits = _decided(float_logits, own_logits, decisions)
    operations = [_operation(decision, hit, label) for decision, hit in zip(decisions, hits, strict=True)]
    return Agreement(
        labels=float((hits[0] == hits[1]).mean()),
        logits_sqnr_db=sqnr_db(float_logits, own_logits),
        recall={
            f"{rate:g}": recall_difference(scores[0], scores[1], label, rate, rng=rng) for rate in FALSE_POSITIVE_RATES
        },
        decision_reference=operations[0],
        decision_found=operations[1],
        calibration_reference=calibration_error(scores[0], label),
        calibration_found=calibration_error(scores[1], label),
    )


def _comparisons(
    subject: Subject, stored: NDArray[Any], foreign: Sequence[Foreign]
) -> tuple[tuple[Comparison, ...], str]:
    own, runtime, _ = stored_here(subject.model, stored)
    quantisation = subject.contract[1].quantisation
    scale = 1.0 if quantisation is None else quantisation.scale
    odds = subject.decision.threshold / max(1 - subject.decision.threshold, 1e-12)
    margin = float(np.log(max(odds, 1e-12))) * subject.decision.temperature / scale
    others = [("reference kernels", stored_here(subject.model, stored, "reference"))]
    others += [(one.name, stored_elsewhere(one, subject.model, stored)) for one in foreign]
    return tuple(compared(name, own, other, margin) for name, other in others), runtime


def _decided(
    float_logits: NDArray[np.float32], own_logits: NDArray[np.float32], decisions: tuple[Decision, Decision]
) -> tuple[list[NDArray[np.float64]], list[NDArray[np.bool_]]]:
    pairs = zip((float_logits, own_logits), decisions, strict=True)
    scores = [scores_of(logits, decision.temperature) for logits, decision in pairs]
    return scores, [score >= decision.threshold for score, decision in zip(scores, decisions, strict=True)]


def _operation(decision: Decision, hit: NDArray[np.bool_], label: NDArray[np.uint8]) -> Operation:
    return Operation(decision.threshold, _share(hit[label == 1]), int(hit[label == 0].sum()))


def _strata(
    float_logits: NDArray[np.float32],
    own_logits: NDArray[np.float32],
    crops: Crops,
    decisions: tuple[Decision, Decision],
) -> list[StratumRow]:
    _, (wanted, found) = _decided(float_logits, own_logits, decisions)
    positive = crops.label == 1
    return [
        StratumRow(
            name,
            int(inside.sum()),
            int((inside & positive).sum()),
            _share((wanted == found)[inside]),
            _share(wanted[inside & positive]),
            _share(found[inside & positive]),
        )
        for name, inside in strata_rows(crops.strata)
    ]


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")
