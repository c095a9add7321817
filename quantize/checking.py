"""Checks a bundle against the float runs it came from, on the runtime of the box and the same crops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from quantize.clip import ClipCheck, check_clip
from quantize.limits import Finding, Limits, judge_cascade, judge_clip, judge_network
from quantize.measure import CascadeCheck, NetworkCheck, measure_cascade, measure_networks
from quantize.pairing import CASCADE, float_bundle, float_decisions, paired_logits

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from quantize.agreement import Agreement
    from quantize.pairing import NetworkPair
    from quantize.runtimes import ForeignRuntime
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split


@dataclass(frozen=True, slots=True)
class BundleCheck:
    """The verdict on a bundle with its evidence; `findings` are listed by cascade, network and clip."""

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
    def exceeded(self) -> list[str]:
        """The limits that the bundle exceeds, in words, each with the network that it is about."""
        return [text for text, finding in self._named() if not finding.passed]

    @property
    def close(self) -> list[str]:
        """The limits beyond which a figure lies, but no further than chance may put it, in words like `exceeded`."""
        return [text for text, finding in self._named() if finding.close]

    @property
    def passed(self) -> bool:
        """Whether the bundle exceeds no limit."""
        return not self.exceeded

    @property
    def binding(self) -> bool:
        """Whether there are crops enough of both labels for a verdict that binds; else it is indicative."""
        return not any(finding.few for _, finding in self._named())

    @property
    def agreement(self) -> Agreement:
        """How far int8 and float decide alike: both networks together, or the classifier alone."""
        return (self.cascade or self.networks[0]).agreement

    def _named(self) -> Iterator[tuple[str, Finding]]:
        for name, findings in self.findings:
            for finding in findings:
                yield f"{name}: {finding.name}: {finding.text}", finding


@dataclass(frozen=True, slots=True)
class CheckSettings:
    """The extent of a check.

    `kernel_crops` is the number of crops on which kernels, other runtimes and the errors of layers are compared.
    """

    limits: Limits = field(default_factory=Limits)
    split: Split = "test"
    foreign: tuple[ForeignRuntime, ...] = ()
    kernel_crops: int = 256
    seed: int = 1


def check_bundle(
    pairs: Sequence[NetworkPair],
    datasets: Sequence[Dataset],
    settings: CheckSettings,
    *,
    clip: Path | None = None,
    command: str = "",
) -> BundleCheck:
    """Measure every network of a bundle and what the box decides with them, and compare the figures with the limits.

    Parameters
    ----------
    pairs : sequence of NetworkPair
        The result of `quantize.pairing.pair_networks`.
    datasets : sequence of Dataset
    settings : CheckSettings
    clip : Path, optional
        A recording on which the hits of the whole pipeline are compared, int8 against float.
    command : str
        The command line, recorded in the report.

    Raises
    ------
    BundleError
        The manifest and the model disagree.
    ForeignRuntimeError
        Another runtime that was asked for cannot run the model.

    """
    rng = np.random.default_rng(settings.seed)
    logits = [paired_logits(pair, datasets, settings.split) for pair in pairs]
    references = float_decisions(pairs, datasets)
    cascade = None
    if len(pairs) > 1 or pairs[0].run.manifest.has_decision_of_cascade:
        cascade = measure_cascade(logits, references, rng)
    networks = measure_networks(logits, references, rng, foreign=settings.foreign, kernel_crops=settings.kernel_crops)

    limits = settings.limits
    findings = [] if cascade is None else [(CASCADE, judge_cascade(cascade, limits))]
    findings += [(network.name, judge_network(network, limits)) for network in networks]
    bundle, clip_check = pairs[0].bundle, None
    if clip is not None:
        clip_check = check_clip(clip, float_bundle(pairs, references), bundle)
        findings.append(("clip", judge_clip(clip_check, limits)))
    manifest = bundle.manifest
    return BundleCheck(
        bundle=manifest.name,
        sha256=manifest.sha256,
        created_utc=manifest.created_utc,
        command=command,
        data=tuple(f"{dataset.path.name} ({dataset.sha256[:12]}…)" for dataset in datasets),
        limits=limits,
        cascade=cascade,
        networks=networks,
        findings=tuple(findings),
        clip=clip_check,
    )
