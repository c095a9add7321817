"""The limits of what int8 may cost, and the findings: each figure compared with its limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from edge.config.faults import faults_of
from edge.config.strict import StrictModel
from edge.text import meant
from quantize.errors import QuantiseError
from quantize.pairing import CLASSIFIER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quantize.agreement import Agreement, StratumRow
    from quantize.clip import ClipCheck
    from quantize.measure import CascadeCheck, NetworkCheck

MIN_IN_STRATUM = 200


class Limits(StrictModel):
    """The limits of `check`; each can be set with --limits NAME=VALUE."""

    min_positives: int = Field(default=5000, ge=1, description="positive crops that a verdict rests on")
    min_negatives: int = Field(default=20000, ge=1, description="negative crops that a verdict rests on")
    min_label_agreement: float = Field(default=0.995, ge=0, le=1, description="share of crops decided alike")
    max_recall_change: float = Field(default=0.005, ge=0, description="at false-positive rates 1e-2 and 1e-3")
    max_decision_recall_change: float = Field(default=0.005, ge=0, description="recall, each at its own threshold")
    max_decision_fpr_factor: float = Field(
        default=1.5, ge=1, description="false-positive rate against float's, each at its own threshold"
    )
    max_calibration_change: float = Field(default=0.01, ge=0, description="mean calibration error against float's")
    max_stratum_recall_change: float = Field(default=0.03, ge=0, description="in any stratum of 200 positives or more")
    min_speedup: float = Field(default=2.5, ge=0, description="float time over int8 time, same runtime and thread")
    max_size_share: float = Field(default=0.30, gt=0, description="of the float model's size")
    max_partitions: int = Field(default=1, ge=0, description="of XNNPACK")
    max_layer_drop_db: float = Field(default=25.0, gt=0, description="signal to noise that one layer may cost")
    max_saturated: float = Field(default=0.02, ge=0, le=1, description="share of a layer's outputs cut off")
    min_kernel_agreement: float = Field(
        default=0.995, ge=0, le=1, description="share of crops decided alike by reference kernels and other runtimes"
    )
    min_clip_agreement: float = Field(
        default=0.95, ge=0, le=1, description="share of the hits of either pipeline on a clip that both found"
    )
    max_emulated_steps: int = Field(default=1, ge=0, description="int8 steps between aarch64 and this machine")


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure compared with its limit, in words."""

    name: str
    passed: bool
    text: str


def parse_limits(words: Sequence[str]) -> Limits:
    """Return the default limits with those replaced that are given as NAME=VALUE.

    Raises
    ------
    QuantiseError
        A name does not exist, or a value is out of its range.

    """
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in Limits.model_fields:
            known = ", ".join(Limits.model_fields)
            near = meant(name, Limits.model_fields) if equals else ""
            raise QuantiseError(f"--limits {word}", f"it is no NAME=VALUE of a known name{near}", f"known are {known}")
        given[name] = value
    try:
        return Limits.model_validate(given)
    except ValidationError as error:
        fault = next(sentence for _, sentence in faults_of(error, Limits, given))
        raise QuantiseError("--limits", fault, "give another value") from error


def judge_network(check: NetworkCheck, limits: Limits) -> tuple[Finding, ...]:
    """Compare every figure of a network with its limit, the most important first."""
    return tuple(_network_findings(check, limits))


def judge_cascade(check: CascadeCheck, limits: Limits) -> tuple[Finding, ...]:
    """Compare the figures of what both networks decide together with their limits."""
    return tuple(_cascade_findings(check, limits))


def judge_clip(clip: ClipCheck, limits: Limits) -> tuple[Finding, ...]:
    """Compare the hits on a clip with their limit; a clip without hits does not pass."""
    text = f"{clip.common} of {clip.float_hits} float and {clip.int8_hits} int8 hits, {clip.frames} frames"
    passed = clip.float_hits > 0 and clip.alike >= limits.min_clip_agreement
    return (Finding("hits alike", passed, text),)


def _cascade_findings(check: CascadeCheck, limits: Limits) -> Iterator[Finding]:
    changes = check.decision_changes
    if changes is not None:
        yield Finding("decision of the runs", not changes, "; ".join(changes) or "the bundle has it unchanged")
    yield from _agreement_findings(check.agreement, check.negatives, limits, decides=True)
    yield from _stratum_findings(check.strata, limits)
    yield _at_least("positive crops", check.positives, limits.min_positives)
    yield _at_least("negative crops", check.negatives, limits.min_negatives)


def _network_findings(check: NetworkCheck, limits: Limits) -> Iterator[Finding]:
    yield Finding(
        "integer",
        not check.float_operators,
        f"float operators: {', '.join(check.float_operators) or 'none'}",
    )
    yield from _agreement_findings(check.agreement, check.negatives, limits, decides=check.decides)
    if check.decides:
        yield from _stratum_findings(check.strata, limits)
    if check.worst is not None:
        yield _at_most(f"noise added by layer {check.worst.name}, dB", check.worst.drop_db, limits.max_layer_drop_db)
    if check.layers:
        cut = max(check.layers, key=lambda row: row.saturated)
        yield _at_most(f"saturated outputs of layer {cut.name}", cut.saturated, limits.max_saturated)
    yield _at_most("XNNPACK partitions", check.partitions.count, limits.max_partitions)
    yield Finding("delegated", not check.partitions.left, f"operators left out: {len(check.partitions.left)}")
    if check.name == CLASSIFIER:  # a screen of microseconds and kilobytes has nothing to save
        yield _at_most("size against float", check.size_bytes / check.float_size_bytes, limits.max_size_share)
        yield _at_least("speed against float", check.speed.ratio, limits.min_speedup)
    for other in check.comparisons:
        yield _at_least(f"decisions alike on {other.name}", other.labels, limits.min_kernel_agreement)
        if other.name.startswith("cortex"):
            yield _at_most(f"int8 steps on {other.name}", other.max_steps, limits.max_emulated_steps)
    yield _at_least("positive crops", check.positives, limits.min_positives)
    yield _at_least("negative crops", check.negatives, limits.min_negatives)


def _agreement_findings(agreement: Agreement, negatives: int, limits: Limits, *, decides: bool) -> Iterator[Finding]:
    """Judge scores, and labels, too, where a threshold of their own decides."""
    if decides:
        yield _at_least("label agreement", agreement.labels, limits.min_label_agreement)
    for rate, recall in agreement.recall.items():
        name = f"recall at false-positive rate {rate}"
        yield _within(name, recall.reference, recall.found, limits.max_recall_change, worse_only=-1)
    if decides:
        own, reference = agreement.decision_found, agreement.decision_reference
        yield _within("recall at the threshold", reference.recall, own.recall, limits.max_decision_recall_change)
        yield _false_positives(reference.false_positives, own.false_positives, negatives, limits)
    yield _within(
        "mean calibration error",
        agreement.calibration_reference,
        agreement.calibration_found,
        limits.max_calibration_change,
        worse_only=1,
    )


def _stratum_findings(strata: Sequence[StratumRow], limits: Limits) -> Iterator[Finding]:
    large = [row for row in strata if row.positives >= MIN_IN_STRATUM]
    if large:
        worst = max(large, key=lambda row: abs(row.recall_found - row.recall_reference))
        name = f"recall in {len(large)} strata, most apart where {worst.name}"
        yield _within(name, worst.recall_reference, worst.recall_found, limits.max_stratum_recall_change)


def _at_least(name: str, found: float, limit: float) -> Finding:
    return Finding(name, found >= limit, f"{found:.6g}, at least {limit:g} wanted")


def _at_most(name: str, found: float, limit: float) -> Finding:
    return Finding(name, found <= limit, f"{found:.6g}, at most {limit:g} allowed")


def _within(name: str, reference: float, found: float, limit: float, *, worse_only: int = 0) -> Finding:
    """Judge a change: with `worse_only` 1 only a rise is a harm, with −1 only a fall, with 0 either."""
    change = found - reference
    harm = abs(change) if worse_only == 0 else worse_only * change
    # Without positives or negatives there is nothing to lose: the counts have their own limits.
    passed = math.isnan(change) or harm <= limit + 1e-12
    return Finding(name, passed, f"{found:.4f} against {reference:.4f} of float, {limit:g} apart allowed")


def _false_positives(reference: int, found: int, negatives: int, limits: Limits) -> Finding:
    """Judge false positives at the threshold: a factor, and three standard deviations of the float count on top."""
    allowed = limits.max_decision_fpr_factor * reference + 3 * math.sqrt(max(reference, 1))
    text = f"{found} against {reference} of float in {negatives} crops, {allowed:.0f} allowed"
    return Finding("false positives at the threshold", found <= allowed, text)
