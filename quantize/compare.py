"""Ways to make a network small, side by side: PTQ, QAT, one scale a layer, dynamic range, float16."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from quantize.bundling import Settings, bundle_run
from quantize.check import CheckSettings, NetworkCheck, check_network
from quantize.subjects import subjects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from quantize.qat import QatSettings
    from trainer.data.dataset import Dataset
    from trainer.run import Run


@dataclass(frozen=True, slots=True)
class Variant:
    """One way, and what it comes to against the same float32 model on the same crops."""

    name: str
    check: NetworkCheck


def compare_recipes(
    run: Run,
    datasets: Sequence[Dataset],
    qat: QatSettings | None = None,
    *,
    judged_on: Sequence[Dataset] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Variant]:
    """Convert a run in every way and measure each.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Training split for ranges and fine-tuning, validation split for thresholds.
    qat : QatSettings, optional
        Without it there is no QAT in the table; it takes as long as a training.
    judged_on : sequence of Dataset
        Whose test split is measured on; `datasets` where empty.
    progress : callable
        Called with each way's name before it is tried.

    Raises
    ------
    QuantiseError, ForeignRuntimeError
        See `quantize.bundling.convert_run`.

    """
    ways = {
        "PTQ int8, a scale a channel": Settings(),
        "PTQ int8, a scale a layer": Settings(per_channel=False),
        "dynamic range": Settings(recipe="dynamic"),
        "float16": Settings(recipe="float16"),
        "float32": Settings(recipe="float32"),
    }
    if qat is not None:
        ways["QAT int8, a scale a channel"] = Settings(qat=qat)
    variants = []
    with tempfile.TemporaryDirectory(prefix="gammabox-compare-") as folder:
        for number, (name, settings) in enumerate(ways.items()):
            progress(name)
            bundle = bundle_run(run, Path(folder) / str(number), datasets, settings)
            (subject,) = subjects_of(bundle, run, None)
            variants.append(Variant(name, check_network(subject, judged_on or datasets, CheckSettings())))
    return variants


def table(variants: Sequence[Variant]) -> Iterator[str]:
    """Yield a Markdown table, a line at a time."""
    yield "| | bytes | ms | times faster | decided alike | recall at 1e-3 (float32) | change, 95 % | calibration |"
    yield "|---|---|---|---|---|---|---|---|"
    for variant in variants:
        check = variant.check
        recall = check.agreement.recall["0.001"]
        yield (
            f"| {variant.name} | {check.size_bytes:,} | {check.speed.int8_ms:.3f} | {check.speed.ratio:.2f} "
            f"| {check.agreement.labels:.4f} | {recall.found:.4f} ({recall.reference:.4f}) "
            f"| {recall.change:+.4f}, {recall.low:+.4f} to {recall.high:+.4f} "
            f"| {check.agreement.calibration_found:.4f} |"
        )
