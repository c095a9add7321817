"""The limits of what int8 may cost, and the findings: each figure compared with its limit.

A figure that is estimated on a sample exceeds its limit only where its whole 95 % interval lies beyond the limit. Where
the figure lies beyond and the interval reaches the limit, another sample may as well keep it: such a finding is close.
Fewer crops make wider intervals. Below `min_positives` or `min_negatives` a verdict is indicative and not binding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from edge.config.faults import faults_of
from edge.config.strict import StrictModel
from edge.statistics import wilson_interval
from edge.text import meant
from quantize.agreement import Difference
from quantize.errors import QuantiseError
from quantize.intervals import excess_reach
from quantize.pairing import CLASSIFIER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from quantize.agreement import Agreement, Interval, StratumRow
    from quantize.clip import ClipCheck
    from quantize.measure import CascadeCheck, NetworkCheck

MIN_IN_STRATUM = 200


class Limits(StrictModel):
    """The limits of `check`; each can be set with --limits NAME=VALUE."""

    min_positives: int = Field(default=5000, ge=1, description="positive crops that a binding verdict rests on")
    min_negatives: int = Field(default=20000, ge=1, description="negative crops that a binding verdict rests on")
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
    """A figure compared with its limit, in words.

    Attributes
    ----------
    passed : bool
        Whether the limit is not exceeded.
    close : bool
        Whether the figure lies beyond the limit, which its 95 % interval reaches. Such a finding passes.
    few : bool
        Whether it counts crops and there are too few for a binding verdict. Such a finding passes, too.

    """

    name: str
    passed: bool
    text: str
    close: bool = False
    few: bool = False


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
    if not clip.float_hits:
        return (Finding("hits alike", passed=False, text=text),)
    interval = wilson_interval(clip.common, clip.float_hits + clip.int8_hits - clip.common)
    text = f"{clip.alike:.4f}{_95(interval, '.4f')}, {limits.min_clip_agreement:g} wanted: {text}"
    return (_judged("hits alike", text, clip.alike, interval, minimum=limits.min_clip_agreement),)


def _cascade_findings(check: CascadeCheck, limits: Limits) -> Iterator[Finding]:
    changes = check.decision_changes
    if changes is not None:
        yield Finding(
            "decision of the runs", not changes, "; ".join(changes) or "the bundle has it, its thresholds matched"
        )
    yield from _agreement_findings(check.agreement, check.negatives, limits)
    yield from _stratum_findings(check.strata, limits)
    yield _enough("positive crops", check.positives, limits.min_positives)
    yield _enough("negative crops", check.negatives, limits.min_negatives)


def _network_findings(check: NetworkCheck, limits: Limits) -> Iterator[Finding]:
    yield Finding(
        "integer",
        not check.float_operators,
        f"float operators: {', '.join(check.float_operators) or 'none'}",
    )
    yield from _agreement_findings(check.agreement, check.negatives, limits)
    yield from _stratum_findings(check.strata, limits)
    if check.worst is not None:
        yield _maximum(f"noise added by layer {check.worst.name}, dB", check.worst.drop_db, limits.max_layer_drop_db)
    if check.layers:
        cut = max(check.layers, key=lambda row: row.saturated)
        yield _maximum(f"saturated outputs of layer {cut.name}", cut.saturated, limits.max_saturated)
    yield _maximum("XNNPACK partitions", check.partitions.count, limits.max_partitions)
    yield Finding("delegated", not check.partitions.left, f"operators left out: {len(check.partitions.left)}")
    if check.name == CLASSIFIER:  # a screen of microseconds and kilobytes has nothing to save
        yield _maximum("size against float", check.size_bytes / check.float_size_bytes, limits.max_size_share)
        yield _minimum("speed against float", check.speed.ratio, limits.min_speedup, check.speed.ratio_interval)
    for other in check.comparisons:
        interval = wilson_interval(round(other.labels * other.crops), other.crops)
        yield _minimum(f"decisions alike on {other.name}", other.labels, limits.min_kernel_agreement, interval)
        if other.name.startswith("cortex"):
            yield _maximum(f"int8 steps on {other.name}", other.max_steps, limits.max_emulated_steps)
    yield _enough("positive crops", check.positives, limits.min_positives)
    yield _enough("negative crops", check.negatives, limits.min_negatives)


def _agreement_findings(agreement: Agreement, negatives: int, limits: Limits) -> Iterator[Finding]:
    yield _minimum("label agreement", agreement.labels, limits.min_label_agreement, agreement.labels_interval)
    for rate, recall in agreement.recall.items():
        yield _within(f"recall at false-positive rate {rate}", recall, limits.max_recall_change, worse_only=-1)
    own, reference = agreement.decision_found, agreement.decision_reference
    change = Difference(reference.recall, own.recall, *agreement.decision_recall_interval)
    yield _within("recall at the threshold", change, limits.max_decision_recall_change)
    yield _false_positives(agreement, negatives, limits)
    change = Difference(agreement.calibration_reference, agreement.calibration_found, *agreement.calibration_interval)
    yield _within("mean calibration error", change, limits.max_calibration_change, worse_only=1)


def _stratum_findings(strata: Sequence[StratumRow], limits: Limits) -> Iterator[Finding]:
    """Judge the stratum whose recall is most apart; one whose interval lies beyond the limit comes first."""
    large = [row for row in strata if row.positives >= MIN_IN_STRATUM]
    if large:
        found = [
            (
                _within(
                    f"recall in {len(large)} strata, most apart where {row.name}",
                    Difference(row.recall_reference, row.recall_found, *row.recall_interval),
                    limits.max_stratum_recall_change,
                ),
                abs(row.recall_found - row.recall_reference),
            )
            for row in large
        ]
        yield max(found, key=lambda entry: (not entry[0].passed, entry[1]))[0]


def _judged(
    name: str,
    text: str,
    found: float,
    interval: Interval | None = None,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
) -> Finding:
    """Compare a figure with its limits; one without an interval is known exactly."""
    low, high = (found, found) if interval is None else interval
    inside = minimum <= found <= maximum
    reaches = low <= maximum and high >= minimum
    return Finding(name, inside or reaches, text, close=reaches and not inside)


def _minimum(name: str, found: float, limit: float, interval: Interval | None = None) -> Finding:
    text = f"{found:.6g}{_95(interval, '.6g')}, at least {limit:g} wanted"
    return _judged(name, text, found, interval, minimum=limit)


def _enough(name: str, found: int, wanted: int) -> Finding:
    return Finding(name, passed=True, text=f"{found}, a binding verdict wants {wanted}", few=found < wanted)


def _maximum(name: str, found: float, limit: float) -> Finding:
    return _judged(name, f"{found:.6g}, at most {limit:g} allowed", found, maximum=limit)


def _within(name: str, figures: Difference, limit: float, *, worse_only: int = 0) -> Finding:
    """Judge a change: with `worse_only` 1 only a rise is a harm, with −1 only a fall, with 0 either."""
    interval = (figures.low, figures.high)
    text = (
        f"{figures.found:.4f} against {figures.reference:.4f} of float: {figures.change:+.4f}{_95(interval, '+.4f')}, "
        f"{limit:g} apart allowed"
    )
    if math.isnan(figures.change):  # without positives or negatives: the counts have their own limits
        return Finding(name, passed=True, text=text)
    lowest = -math.inf if worse_only > 0 else -limit - 1e-12
    highest = math.inf if worse_only < 0 else limit + 1e-12
    return _judged(name, text, figures.change, interval, minimum=lowest, maximum=highest)


def _false_positives(agreement: Agreement, negatives: int, limits: Limits) -> Finding:
    """Judge false positives at the threshold against a multiple of float's on the same crops."""
    reference, found = agreement.decision_reference.false_positives, agreement.decision_found.false_positives
    factor = limits.max_decision_fpr_factor
    reach = excess_reach(reference, found, agreement.common_false_positives, factor)
    interval, allowed = (max(found - reach, 0), found + reach), factor * reference
    text = f"{found}{_95(interval, '.0f')} against {reference} of float in {negatives} crops, {allowed:.0f} allowed"
    return _judged("false positives at the threshold", text, found, interval, maximum=allowed)


def _95(interval: Interval | None, form: str) -> str:
    """Return an interval in words for a text; nothing for none."""
    if interval is None or math.isnan(interval[0]):
        return ""
    return f" (95 % {interval[0]:{form}} to {interval[1]:{form}})"
