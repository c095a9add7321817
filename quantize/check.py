"""The proof: a bundle held against the float runs it came from, on the runtime of the edge and the same crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.bundle import is_joint
from edge.detect.crops import network_input
from edge.detect.network import stored_values
from quantize.agreement import sqnr_db
from quantize.bundling import logits_of
from quantize.clip import ClipCheck, check_clip
from quantize.graph import read_graph
from quantize.layers import LayerError, layer_errors, worst_layer
from quantize.limits import CASCADE, Finding, Limits, judged, judged_cascade, judged_clip
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
from quantize.stages import (
    Agreement,
    StratumRow,
    agreement_of,
    alone_decisions,
    decided_alone,
    decided_together,
    min_margins,
    strata_of,
)
from quantize.subjects import Original, Subject, decision_changes, float_bundle, references_of
from trainer.judging.strata import motion_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.bundle import Decision
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops


@dataclass(frozen=True, slots=True)
class NetworkCheck:
    """All that was measured of one network of the bundle.

    Attributes
    ----------
    decides : bool
        Whether it has a threshold of its own. A classifier that decides together with the screen has none; its labels
        are then compared where float has a false-positive rate of 1e-2, for information.
    positives, negatives : int
    logits_sqnr_db : float
        Signal to quantisation noise of its logits over all crops.

    """

    name: str
    decides: bool
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
    """What the box makes of a crop: it passes the screen, and the score of both networks reaches the threshold.

    Attributes
    ----------
    decision_changes : tuple of str, or None
        Where the bundle's decision is not the runs'; None where each network has a threshold of its own.

    """

    positives: int
    negatives: int
    agreement: Agreement
    strata: tuple[StratumRow, ...]
    decision_changes: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class BundleCheck:
    """The verdict on a bundle with its evidence; `findings` by what they are about, the weightiest first."""

    bundle: str
    sha256: str
    created_utc: str
    command: str
    data: tuple[str, ...]
    limits: Limits
    cascade: CascadeCheck | None
    networks: tuple[NetworkCheck, ...]
    findings: tuple[tuple[str, tuple[Finding, ...]], ...]
    clip: ClipCheck | None = None

    @property
    def failures(self) -> list[str]:
        """Every limit that was passed, in words, with what it is about."""
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
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A network's crops and what float and int8 give for them."""

    original: Original
    crops: Crops
    float_logits: NDArray[np.float32] = field(repr=False)
    own_logits: NDArray[np.float32] = field(repr=False)


def check_bundle(
    subjects: Sequence[Subject],
    datasets: Sequence[Dataset],
    settings: CheckSettings,
    *,
    clip: Path | None = None,
    command: str = "",
) -> BundleCheck:
    """Measure what a bundle decides and every network of it, and judge it; with a clip, the whole pipeline too.

    Raises
    ------
    BundleError
        If the manifest and the model disagree.
    ForeignRuntimeError
        If another runtime that was asked for cannot run the model.

    """
    rng = np.random.default_rng(settings.seed)
    seen = [_seen(Original.of(subject), datasets, settings.split) for subject in subjects]
    references = references_of([one.original for one in seen], datasets)
    own = [subject.decision for subject in subjects]
    cascade = None
    if len(subjects) > 1 or is_joint(own[0]) or is_joint(references[0]):
        cascade = _check_cascade(seen, references, rng)
    least = _min_margins(seen, own)
    alone = [
        alone_decisions(one.float_logits, one.crops.label, *pair)
        for one, *pair in zip(seen, references, own, strict=True)
    ]
    checks = tuple(_check_network(*one, settings, rng) for one in zip(seen, alone, least, strict=True))

    findings = [] if cascade is None else [(CASCADE, judged_cascade(cascade, settings.limits))]
    findings += [(check.name, judged(check, settings.limits)) for check in checks]
    bundle, watched = subjects[0].bundle, None
    if clip is not None:
        watched = check_clip(clip, float_bundle([one.original for one in seen], references), bundle)
        findings.append(("clip", judged_clip(watched, settings.limits)))
    manifest = bundle.manifest
    names = tuple(f"{dataset.path.name} ({dataset.sha256[:12]}…)" for dataset in datasets)
    card = (manifest.name, manifest.sha256, manifest.created_utc, command, names, settings.limits)
    return BundleCheck(*card, cascade, checks, tuple(findings), watched)


def _seen(original: Original, datasets: Sequence[Dataset], split: Split) -> _Seen:
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    subject = original.subject
    crops = read_crops(datasets, split, subject.contract[0])
    float_logits = logits_of(subject.run.path, original.model, original.contract, crops)
    return _Seen(original, crops, float_logits, logits_of(subject.bundle.path, subject.model, subject.contract, crops))


def _check_cascade(seen: Sequence[_Seen], references: Sequence[Decision], rng: np.random.Generator) -> CascadeCheck:
    subjects = [one.original.subject for one in seen]
    own = [subject.decision for subject in subjects]
    main, screen = seen[0], seen[1] if len(seen) > 1 else None
    motion = motion_of(main.crops.strata)
    label = main.crops.label
    sides = [
        decided_together(
            main.float_logits, screen.float_logits if screen else None, (references[0], _second(references)), motion
        ),
        decided_together(main.own_logits, screen.own_logits if screen else None, (own[0], _second(own)), motion),
    ]
    changes = decision_changes(subjects)
    return CascadeCheck(
        positives=int(label.sum()),
        negatives=int((label == 0).sum()),
        agreement=agreement_of(sides[0], sides[1], label, rng),
        strata=strata_of(sides[0], sides[1], label, main.crops.strata),
        decision_changes=None if changes is None else tuple(changes),
    )


def _second(decisions: Sequence[Decision]) -> Decision | None:
    return decisions[1] if len(decisions) > 1 else None


def _min_margins(seen: Sequence[_Seen], own: Sequence[Decision]) -> list[NDArray[np.float64]]:
    """Give for each network the logit1 − logit0 from which a crop counts, of the screen or of both together."""
    motions = [motion_of(one.crops.strata) for one in seen]
    if len(seen) == 1:
        return [min_margins(decision, motion) for decision, motion in zip(own, motions, strict=True)]
    return [min_margins(own[0], motions[0], seen[1].own_logits, own[1]), min_margins(own[1], motions[1])]


def _check_network(
    seen: _Seen,
    alone: tuple[Decision, Decision, bool],
    least: NDArray[np.float64],
    settings: CheckSettings,
    rng: np.random.Generator,
) -> NetworkCheck:
    from trainer.training.batches import as_input  # noqa: PLC0415 - imports Keras

    subject, plain, crops = seen.original.subject, seen.original.model, seen.crops
    contract = subject.contract[0]
    # Layers and kernels on what a network is really shown.
    proposed = np.flatnonzero([bool(one.get("proposed", True)) for one in crops.strata])
    some = np.sort(rng.permutation(proposed if len(proposed) else len(crops))[: settings.kernel_crops])
    pictures = crops.pictures[some]
    planes = network_input(contract.planes, pictures, pictures if contract.planes == "rgb" else None)
    stored = stored_values(contract)[planes]
    layers = layer_errors(plain, subject.model, as_input(pictures, contract), stored)
    graph = read_graph(subject.model)
    comparisons, runtime = _comparisons(subject, least[some], stored, settings.foreign)
    reference, own = decided_alone(seen.float_logits, alone[0]), decided_alone(seen.own_logits, alone[1])
    return NetworkCheck(
        name=subject.name,
        decides=alone[2],
        positives=int(crops.label.sum()),
        negatives=int((crops.label == 0).sum()),
        logits_sqnr_db=sqnr_db(seen.float_logits, seen.own_logits),
        agreement=agreement_of(reference, own, crops.label, rng),
        strata=strata_of(reference, own, crops.label, crops.strata),
        layers=layers,
        worst=worst_layer(layers),
        operators=graph.versions(),
        float_operators=graph.float_operators(),
        min_runtime=graph.min_runtime,
        partitions=partitions(subject.model),
        size_bytes=len(subject.model),
        float_size_bytes=len(plain),
        speed=speed(plain, subject.model),
        runtime=runtime,
        comparisons=comparisons,
    )


def _comparisons(
    subject: Subject, least: NDArray[np.float64], stored: NDArray[Any], foreign: Sequence[Foreign]
) -> tuple[tuple[Comparison, ...], str]:
    own, runtime, _ = stored_here(subject.model, stored)
    quantisation = subject.contract[1].quantisation
    scale = 1.0 if quantisation is None else quantisation.scale
    others = [("reference kernels", stored_here(subject.model, stored, "reference"))]
    others += [(one.name, stored_elsewhere(one, subject.model, stored)) for one in foreign]
    return tuple(compared(name, own, other, least / scale) for name, other in others), runtime
