"""A check as JSON and as lines for the terminal."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from edge.bundle import save_bundle
from edge.config.strict import StrictModel
from edge.files import replace_file
from quantize.pairing import CASCADE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.detect.manifest import Bundle
    from quantize.agreement import Agreement
    from quantize.checking import BundleCheck
    from quantize.clip import ClipCheck
    from quantize.measure import CascadeCheck, NetworkCheck

_GENERATOR = {"generator": "gammabox-quantize check"}
JSON_MARK = json.dumps(_GENERATOR, indent=2).removesuffix("\n}")
"""The beginning of the file that `write_json` writes."""


def as_dict(check: BundleCheck) -> dict[str, Any]:
    """Return the check as plain values for JSON; a number that is not finite becomes null."""
    whole: dict[str, Any] = plain(check)
    whole["passed"] = check.passed
    whole["binding"] = check.binding
    whole["exceeded"] = check.exceeded
    whole["close"] = check.close
    for network, measured in zip(whole["networks"], check.networks, strict=True):
        network["speed"]["ratio"] = measured.speed.ratio
    return whole


def write_json(check: BundleCheck, path: Path) -> None:
    """Write the check as JSON."""
    text = json.dumps({**_GENERATOR, **as_dict(check)}, indent=2, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text)


def record(check: BundleCheck, bundle: Bundle) -> None:
    """Write the main figures and their command into the bundle's manifest, without changing its models."""
    figures = {network.name: _figures(network) for network in check.networks}
    if check.cascade is not None:
        figures = {CASCADE: _agreed(check.cascade), **figures}
    noted = {
        "command": check.command,
        "data": check.data,
        "passed": check.passed,
        "binding": check.binding,
        "exceeded": check.exceeded,
        "close": check.close,
    }
    manifest = bundle.manifest.model_copy(
        update={"figures": {**bundle.manifest.figures, "int8_check": plain({**noted, **figures})}}
    )
    save_bundle(bundle.path, manifest, bundle.model, bundle.screen)


def _agreed(check: NetworkCheck | CascadeCheck) -> dict[str, Any]:
    agreement = check.agreement
    return {
        "positives": check.positives,
        "negatives": check.negatives,
        "decided_alike": round(agreement.labels, 5),
        "hits_alike": round(agreement.hits, 5),
        "recall": agreement.recall,
        "calibration_error": round(agreement.calibration_found, 5),
    }


def _figures(network: NetworkCheck) -> dict[str, Any]:
    return {
        **_agreed(network),
        "times_faster": round(network.speed.ratio, 2),
        "share_of_size": round(network.size_bytes / network.float_size_bytes, 4),
        "partitions": network.partitions.count,
        "runtime": network.runtime,
    }


def verdict(check: BundleCheck) -> str:
    """Return one line that says whether the bundle is within all limits, to which it is close, or which it exceeds.

    With too few crops for a binding verdict the line says so, with the interval and what it takes for a binding one.
    """
    crops = check.networks[0].positives + check.networks[0].negatives
    exceeded, close = check.exceeded, check.close
    word = ("PASSED" if not exceeded else "FAILED") + ("" if check.binding else " (indicative)")
    if not exceeded and not close:
        found = f"int8 is within all limits of float on {crops} crops"
    elif not exceeded:
        found = f"int8 exceeds no limit of float on {crops} crops; close: {close[0]}{_and_more(close)}"
    else:
        found = f"{exceeded[0]}{_and_more(exceeded)}"
    return f"{word}: {check.bundle}: {found}{'' if check.binding else _indicative(check)}"


def _and_more(texts: list[str]) -> str:
    return f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""


def _indicative(check: BundleCheck) -> str:
    """Return why a verdict is indicative, to follow it: the interval, and the crops that a binding one takes."""
    limits, (low, high) = check.limits, check.agreement.labels_interval
    crops = 2 * max(limits.min_positives, limits.min_negatives)
    return (
        f"; {100 * check.agreement.labels:.2f} % decided alike (95 % {100 * low:.2f} to {100 * high:.2f} %); binding "
        f"from {limits.min_positives:,} crops with a hit and {limits.min_negatives:,} without: "
        f"gammabox-trainer build OUT --kind test --crops {crops}"
    )


def lines(check: BundleCheck) -> Iterator[str]:
    """Yield the figures and findings, a line at a time, for the terminal."""
    measured = {network.name: network for network in check.networks}
    for name, findings in check.findings:
        if name == CASCADE and check.cascade is not None:
            yield from _cascade_lines(check.cascade)
        else:
            yield from _network_lines(measured[name]) if name in measured else _clip_lines(check.clip)
        for finding in findings:
            mark = "few" if finding.few else "close" if finding.close else "ok" if finding.passed else "FAIL"
            yield f"  {mark:5} {finding.name}: {finding.text}"


def number(value: float | None) -> str:
    """Return a number in four digits, or a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.4g}"


def _cascade_lines(cascade: CascadeCheck) -> Iterator[str]:
    agreement = cascade.agreement
    yield f"cascade, what the box decides: {cascade.positives} positive and {cascade.negatives} negative crops"
    yield from _agreement_lines(agreement)
    yield f"  of the crops that either calls a hit, {100 * agreement.hits:.1f} % are hits for both"


def _agreement_lines(agreement: Agreement) -> Iterator[str]:
    for rate, recall in agreement.recall.items():
        yield (
            f"  recall at false-positive rate {rate}: float {recall.reference:.4f}, int8 {recall.found:.4f}, "
            f"change {recall.change:+.4f} (95 % {recall.low:+.4f} to {recall.high:+.4f})"
        )


def _network_lines(network: NetworkCheck) -> Iterator[str]:
    speed = network.speed
    yield f"{network.name}: {network.positives} positive and {network.negatives} negative crops on {network.runtime}"
    yield (
        f"  speed {speed.float_ms:.3f} ms float, {speed.int8_ms:.3f} ms int8: {speed.ratio:.2f} times faster; "
        f"size {network.float_size_bytes:,} and {network.size_bytes:,} bytes: "
        f"{100 * network.size_bytes / network.float_size_bytes:.1f} %"
    )
    yield from _agreement_lines(network.agreement)
    if network.worst is not None:
        worst = network.worst
        yield (
            f"  most noise is added by {worst.name}: {worst.drop_db:.1f} dB, to {worst.sqnr_db:.1f} dB; "
            f"its range allows {worst.rounding_db:.1f} dB"
        )
    for other in network.comparisons:
        yield (
            f"  {other.name} ({other.runtime}): {100 * other.equal:.2f} % of outputs equal, at most "
            f"{other.max_steps} steps apart, {other.median_ms:.2f} ms"
        )


def _clip_lines(clip: ClipCheck | None) -> Iterator[str]:
    if clip is None:
        return
    yield f"clip: {clip.clip}, {clip.frames} frames"
    if clip.visible is not None:
        yield (
            f"  of {clip.visible} visible hits float finds {clip.float_found}, int8 {clip.int8_found}; "
            f"false hits {clip.float_false} and {clip.int8_false}"
        )


def plain(value: Any) -> Any:  # noqa: ANN401 - any value of a dataclass tree
    """Return dataclasses and models, nested ones, too, as values for JSON; a number that is not finite becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(item) for name, item in asdict(value).items()}
    if isinstance(value, StrictModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
