"""Ways to make networks small, side by side: PTQ, QAT, one scale a layer, dynamic range, float16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.bundle import Decision
from quantize.agreement import sqnr_db
from quantize.bundling import Converted, Settings, contracts_of, convert_run, logits_of, proposed_crops
from quantize.convert import convert
from quantize.decisions import at_unit_temperature, carried
from quantize.errors import QuantiseError
from quantize.limits import CASCADE, CLASSIFIER, SCREEN
from quantize.runtimes import Speed, speed
from quantize.stages import Agreement, agreement_of, decided_alone, decided_together
from trainer.judging.strata import motion_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from quantize.qat import QatSettings
    from trainer.data.dataset import Dataset
    from trainer.training.batches import Crops
    from trainer.training.run import Run

SEED = 1


@dataclass(frozen=True, slots=True)
class Variant:
    """One way, and what it comes to against the same float32 networks on the same crops.

    Attributes
    ----------
    size_bytes, float_size_bytes : int
        Of all networks.
    logits_sqnr_db : dict of str to float
        Signal to quantisation noise of each network's logits.
    speed : Speed
        Of the classifier.
    stages : dict of str to Agreement
        What each network decides alone where it has a threshold of its own, and what both decide together.

    """

    name: str
    size_bytes: int
    float_size_bytes: int
    logits_sqnr_db: dict[str, float]
    speed: Speed
    stages: dict[str, Agreement]


@dataclass(frozen=True, slots=True)
class Refused:
    """A way that gives no network for the box, and why."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """What of a run is the same for all ways."""

    run: Run
    plain: bytes
    train: Crops
    test: Crops
    logits: NDArray[np.float32]


def usual_ways(qat: QatSettings | None = None) -> dict[str, Settings]:
    """Give the ways that are worth a line; QAT among them where it is wanted, for it takes the longest."""
    ways = {
        "PTQ int8, a scale a channel": Settings(),
        "PTQ int8, a scale a layer": Settings(per_channel=False),
        "dynamic range": Settings(recipe="dynamic"),
        "float16": Settings(recipe="float16"),
    }
    return ways if qat is None else {**ways, "QAT int8, a scale a channel": Settings(qat=qat)}


def compare_recipes(
    run: Run,
    datasets: Sequence[Dataset],
    ways: Mapping[str, Settings],
    *,
    screen: Run | None = None,
    judged_on: Sequence[Dataset] = (),
    progress: Callable[[str], None] = lambda _: None,
) -> list[Variant | Refused]:
    """Convert a run, with its screen if it has one, in every way and measure each.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Training split for ranges and fine-tuning; validation split for thresholds where the runs have none together.
    ways : mapping of str to Settings
        By name; `usual_ways` gives those of the command.
    screen : Run, optional
    judged_on : sequence of Dataset
        Whose test split is measured on; `datasets` where empty.
    progress : callable
        Called with each way's name before it is tried.

    Raises
    ------
    ForeignRuntimeError
        See `quantize.bundling.convert_run`.

    """
    carry = carried(run, screen)
    progress("float32")
    known = [_known(one, datasets, judged_on or datasets) for one in (run, screen) if one is not None]
    variants: list[Variant | Refused] = []
    for name, settings in ways.items():
        progress(name)
        try:
            made = [convert_run(one.run, datasets, settings, carry=carry, train=one.train) for one in known]
        except QuantiseError as error:
            variants.append(Refused(name, str(error)))
            continue
        variants.append(_measured(name, known, made, carry=carry))
    return variants


def table(variants: Sequence[Variant | Refused]) -> Iterator[str]:
    """Yield a Markdown table, a line at a time; recall and agreement are of what the box decides in the end."""
    yield (
        "| | bytes, of float32 | ms | times faster | logits, dB | decided alike | recall at 1e-2, change (95 %) "
        "| at 1e-3, change (95 %) | calibration |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    reference = None
    for variant in variants:
        if isinstance(variant, Refused):
            yield f"| {variant.name} | refused{' |' * 8}"
            continue
        reference = found = variant.stages.get(CASCADE) or variant.stages[CLASSIFIER]
        changes = " | ".join(
            f"{one.found:.4f}, {one.change:+.4f} ({one.low:+.4f} to {one.high:+.4f})" for one in found.recall.values()
        )
        noise = " and ".join(f"{one:.1f}" for one in variant.logits_sqnr_db.values())
        yield (
            f"| {variant.name} | {variant.size_bytes:,}, {100 * variant.size_bytes / variant.float_size_bytes:.0f} % "
            f"| {variant.speed.int8_ms:.3f} | {variant.speed.ratio:.2f} | {noise} | {found.labels:.4f} | {changes} "
            f"| {found.calibration_found:.4f} |"
        )
    yield ""
    if reference is not None:
        rates = ", ".join(f"{one.reference:.4f} at {rate}" for rate, one in reference.recall.items())
        yield f"float32: recall {rates}; calibration {reference.calibration_reference:.4f}"
    for variant in variants:
        if isinstance(variant, Refused):
            yield f"{variant.name} is refused: {variant.reason}"


def _known(run: Run, datasets: Sequence[Dataset], judged_on: Sequence[Dataset]) -> _Known:
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    plain = convert(run.load_model(), "float32")
    contract = run.manifest.input
    test = read_crops(judged_on, "test", contract)
    logits = logits_of(run.path, plain, contracts_of(plain, contract), test)
    return _Known(run, plain, proposed_crops(run, datasets), test, logits)


def _measured(name: str, known: Sequence[_Known], made: Sequence[Converted], *, carry: bool) -> Variant:
    rng = np.random.default_rng(SEED)
    own = [
        logits_of(one.run.path, new.model, (new.input, new.output), one.test)
        for one, new in zip(known, made, strict=True)
    ]
    label, motion = known[0].test.label, motion_of(known[0].test.strata)
    decisions = [new.decision for new in made]
    references = [_reference(new) for new in made]
    stages = {}
    networks = (CLASSIFIER, SCREEN)[: len(known)]
    for number, network in enumerate(networks):
        if not carry or network == SCREEN:
            wanted = decided_alone(known[number].logits, references[number])
            stages[network] = agreement_of(wanted, decided_alone(own[number], decisions[number]), label, rng)
    if carry or len(known) > 1:
        pairs = [(side[0], at_unit_temperature(side[1]) if len(side) > 1 else None) for side in (references, decisions)]
        floats = [one.logits for one in known]
        together = [
            decided_together(side[0], side[1] if len(side) > 1 else None, pair, motion)
            for side, pair in zip((floats, own), pairs, strict=True)
        ]
        stages[CASCADE] = agreement_of(together[0], together[1], label, rng)
    return Variant(
        name,
        sum(len(new.model) for new in made),
        sum(len(one.plain) for one in known),
        {network: sqnr_db(one.logits, found) for network, one, found in zip(networks, known, own, strict=True)},
        speed(known[0].plain, made[0].model),
        stages,
    )


def _reference(made: Converted) -> Decision:
    """Give the float model's decision: the same, or that which the threshold was matched to."""
    matched = made.provenance["threshold"].get("matched_to")
    if matched is None:
        return made.decision
    return Decision(threshold=matched, temperature=made.decision.temperature)
