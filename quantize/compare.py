"""The ways of quantisation side by side: PTQ, QAT, one scale a layer, dynamic range, float16."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.decision import Decision
from quantize.agreement import Agreement, agreement_of, sqnr_db
from quantize.bundling import Converted, Settings, convert_run, training_crops
from quantize.errors import QuantiseError
from quantize.pairing import (
    CASCADE,
    CLASSIFIER,
    SCREEN,
    TfliteNetwork,
    at_unit_temperature,
    chosen_together,
    float_network,
    logits_of,
)
from quantize.predictions import predict, predict_cascade
from quantize.runtimes import Speed, speed

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
    """The figures of one way against the same float32 networks on the same crops.

    Attributes
    ----------
    size_bytes, float_size_bytes : int
        Bytes of all networks together, int8 and float32.
    logits_sqnr_db : dict of str to float
        Signal to quantisation noise ratio of each network's logits.
    speed : Speed
        Speed of the classifier.
    agreement : dict of str to Agreement
        Agreement of each network alone, and of the cascade of both.

    """

    name: str
    size_bytes: int
    float_size_bytes: int
    logits_sqnr_db: dict[str, float]
    speed: Speed
    agreement: dict[str, Agreement]


@dataclass(frozen=True, slots=True)
class Refused:
    """A way that yields no network for the box, and the reason."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class _Original:
    """The float network of a run and its crops and logits, which are the same for all ways."""

    run: Run
    network: TfliteNetwork
    train: Crops
    test: Crops
    logits: NDArray[np.float32]


def usual_ways(qat: QatSettings | None = None) -> dict[str, Settings]:
    """Return the ways that the command compares; QAT is among them where settings are given, as it takes longest."""
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
    """Convert a run, and its screen's run if there is one, in every way and measure each way.

    Parameters
    ----------
    run : Run
    datasets : sequence of Dataset
        Training split for ranges and fine-tuning; validation split for thresholds.
    ways : mapping of str to Settings
        Settings of each way by its name; `usual_ways` returns those of the command.
    screen : Run, optional
    judged_on : sequence of Dataset
        The datasets whose test split is measured on; `datasets` where empty.
    progress : callable
        Called with the name of each way before the conversion.

    Raises
    ------
    ForeignRuntimeError
        See `quantize.bundling.convert_run`.

    """
    chosen_together(run, screen)
    progress("float32")
    runs = [run] if screen is None else [run, screen]
    originals = [_original(source, datasets, judged_on or datasets) for source in runs]
    variants: list[Variant | Refused] = []
    for name, settings in ways.items():
        progress(name)
        try:
            converted = [convert_run(original.run, datasets, settings, train=original.train) for original in originals]
        except QuantiseError as error:
            variants.append(Refused(name, str(error)))
            continue
        variants.append(_measured(name, originals, converted))
    return variants


def table(variants: Sequence[Variant | Refused]) -> Iterator[str]:
    """Yield a Markdown table, a line at a time; recall and agreement are those of what the box decides."""
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
        reference = agreement = variant.agreement.get(CASCADE) or variant.agreement[CLASSIFIER]
        changes = " | ".join(
            f"{recall.found:.4f}, {recall.change:+.4f} ({recall.low:+.4f} to {recall.high:+.4f})"
            for recall in agreement.recall.values()
        )
        noise = " and ".join(f"{ratio:.1f}" for ratio in variant.logits_sqnr_db.values())
        yield (
            f"| {variant.name} | {variant.size_bytes:,}, {100 * variant.size_bytes / variant.float_size_bytes:.0f} % "
            f"| {variant.speed.int8_ms:.3f} | {variant.speed.ratio:.2f} | {noise} | {agreement.labels:.4f} "
            f"| {changes} | {agreement.calibration_found:.4f} |"
        )
    yield ""
    if reference is not None:
        rates = ", ".join(f"{recall.reference:.4f} at {rate}" for rate, recall in reference.recall.items())
        yield f"float32: recall {rates}; calibration {reference.calibration_reference:.4f}"
    for variant in variants:
        if isinstance(variant, Refused):
            yield f"{variant.name} is refused: {variant.reason}"


def _original(run: Run, datasets: Sequence[Dataset], judged_on: Sequence[Dataset]) -> _Original:
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    network = float_network(run)
    test = read_crops(judged_on, "test", run.manifest.input)
    return _Original(run, network, training_crops(run, datasets), test, logits_of(run.path, network, test))


def _measured(name: str, originals: Sequence[_Original], converted: Sequence[Converted]) -> Variant:
    rng = np.random.default_rng(SEED)
    floats = [original.logits for original in originals]
    own = [
        logits_of(original.run.path, new.network, original.test)
        for original, new in zip(originals, converted, strict=True)
    ]
    label = originals[0].test.label
    decisions = [new.decision for new in converted]
    references = [_reference(new) for new in converted]
    agreement = {}
    networks = (CLASSIFIER, SCREEN)[: len(originals)]
    for number, network in enumerate(networks):
        wanted = predict(floats[number], references[number])
        agreement[network] = agreement_of(wanted, predict(own[number], decisions[number]), label, rng)
    if len(originals) > 1:
        reference, found = (
            predict_cascade(logits[0], logits[1], (side[0], at_unit_temperature(side[1])))
            for logits, side in ((floats, references), (own, decisions))
        )
        agreement[CASCADE] = agreement_of(reference, found, label, rng)
    return Variant(
        name,
        sum(len(new.network.model) for new in converted),
        sum(len(original.network.model) for original in originals),
        {network: sqnr_db(wanted, found) for network, wanted, found in zip(networks, floats, own, strict=True)},
        speed(originals[0].network.model, converted[0].network.model),
        agreement,
    )


def _reference(converted: Converted) -> Decision:
    """Return the float model's decision: the same, or the one to which the threshold was matched."""
    matched = converted.provenance["threshold"].get("matched_to")
    if matched is None:
        return converted.decision
    return Decision(threshold=matched, temperature=converted.decision.temperature)
