"""What int8 may cost, and the judgement: each limit held against what was measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from edge.config.strict import StrictModel
from quantize.errors import QuantiseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quantize.check import CascadeCheck, NetworkCheck
    from quantize.clip import ClipCheck
    from quantize.stages import Agreement, StratumRow


CASCADE = "cascade"
CLASSIFIER = "classifier"
SCREEN = "screen"
FEWEST_IN_STRATUM = 200


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
    """One limit held against what was measured, in words."""

    name: str
    passed: bool
    text: str


def parse_limits(words: Sequence[str]) -> Limits:
    """Read NAME=VALUE words over the defaults.

    Raises
    ------
    QuantiseError
        For a name that does not exist or a value out of its range.

    """
    given: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in Limits.model_fields:
            known = ", ".join(Limits.model_fields)
            raise QuantiseError(f"--limits {word}", "it is no NAME=VALUE of a known name", f"known are {known}")
        given[name] = value
    try:
        return Limits.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise QuantiseError(f"--limits {first['loc'][0]}", str(first["msg"]), "give another value") from error


def judged(check: NetworkCheck, limits: Limits) -> tuple[Finding, ...]:
    """Hold every figure of a network's check against its limit, the weightiest first."""
    return tuple(_network_findings(check, limits))


def judged_cascade(check: CascadeCheck, limits: Limits) -> tuple[Finding, ...]:
    """Hold what both networks decide together against the limits."""
    return tuple(_cascade_findings(check, limits))


def judged_clip(clip: ClipCheck, limits: Limits) -> tuple[Finding, ...]:
    """Hold the outcome of a clip against its limit."""
    text = f"{clip.common} of {clip.float_hits} float and {clip.int8_hits} int8 hits, {clip.frames} frames"
    # A clip without hits says nothing about them.
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
        most = max(check.layers, key=lambda row: row.saturated)
        yield _at_most(f"saturated outputs of layer {most.name}", most.saturated, limits.max_saturated)
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
    """Judge scores, and where they decide by a threshold of their own, the labels."""
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
    judged_rows = [row for row in strata if row.positives >= FEWEST_IN_STRATUM]
    if judged_rows:
        worst = max(judged_rows, key=lambda row: abs(row.recall_found - row.recall_reference))
        name = f"recall in {len(judged_rows)} strata, most apart where {worst.name}"
        yield _within(name, worst.recall_reference, worst.recall_found, limits.max_stratum_recall_change)


def _at_least(name: str, found: float, limit: float) -> Finding:
    return Finding(name, found >= limit, f"{found:.6g}, at least {limit:g} wanted")


def _at_most(name: str, found: float, limit: float) -> Finding:
    return Finding(name, found <= limit, f"{found:.6g}, at most {limit:g} allowed")


def _within(name: str, reference: float, found: float, limit: float, *, worse_only: int = 0) -> Finding:
    """Judge a change; `worse_only` 1 takes a rise, −1 a fall for the only harm, 0 either."""
    change = found - reference
    harm = abs(change) if worse_only == 0 else worse_only * change
    # Without positives or negatives there is nothing to lose: the counts have their own limits.
    passed = math.isnan(change) or harm <= limit + 1e-12
    return Finding(name, passed, f"{found:.4f} against {reference:.4f} of float, {limit:g} apart allowed")


def _false_positives(reference: int, found: int, negatives: int, limits: Limits) -> Finding:
    """Judge false positives at the threshold: a factor, with three standard deviations of a count allowed besides."""
    allowed = limits.max_decision_fpr_factor * reference + 3 * math.sqrt(max(reference, 1))
    text = f"{found} against {reference} of float in {negatives} crops, {allowed:.0f} allowed"
    return Finding("false positives at the threshold", found <= allowed, text)
