"""Pairs of networks, int8 in the bundle and float in the run: their models, their logits and the decisions of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.decision import Decision
from edge.detect.manifest import Bundle, InputContract, OutputContract
from edge.detect.network import Network, scores_of
from edge.statistics import log_odds, sigmoid, threshold_at_fpr
from quantize.agreement import matched_threshold
from quantize.conversion import contracts_of, convert
from quantize.errors import QuantiseError
from quantize.origin import require_origin
from trainer.training.planes import network_planes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras
    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops
    from trainer.training.run import Run

CLASSIFIER = "classifier"
SCREEN = "screen"
CASCADE = "cascade"

BATCH = 64
DEFAULT_FPR = 1e-3  # of a float network for which `evaluate` has chosen no decision
SAME_CONTRACT = ("crop_size", "planes", "scale", "offset")


@dataclass(frozen=True, slots=True, eq=False)
class TfliteNetwork:
    """A .tflite file with the contracts of its input and output."""

    model: bytes = field(repr=False)
    contract: tuple[InputContract, OutputContract]


@dataclass(frozen=True, slots=True, eq=False)
class NetworkPair:
    """A network of a bundle and the float network that it was converted from.

    Attributes
    ----------
    name : str
        classifier or screen.
    bundle : Bundle
    decision : Decision
        The bundle's for this network.
    run : Run
        The run that the network comes from.
    int8, float32 : TfliteNetwork
        The bundle's network as it is, and the run's network converted without quantisation.

    """

    name: str
    bundle: Bundle
    decision: Decision
    run: Run
    int8: TfliteNetwork
    float32: TfliteNetwork


@dataclass(frozen=True, slots=True, eq=False)
class PairedLogits:
    """The logits of both networks of a pair for the same crops, float32 arrays of shape (n, 2)."""

    pair: NetworkPair
    crops: Crops
    float32: NDArray[np.float32] = field(repr=False)
    int8: NDArray[np.float32] = field(repr=False)


def pair_networks(bundle: Bundle, run: Run, screen_run: Run | None) -> list[NetworkPair]:
    """Pair the networks of a bundle with their runs, the classifier first, and convert the runs' networks to float32.

    Raises
    ------
    QuantiseError
        A network came from another run, or its input contract is not the run's; or the bundle has a screen and its run
        is not named, or the reverse.

    """
    manifest = bundle.manifest
    contract = (manifest.input, manifest.output)
    parts = [(CLASSIFIER, TfliteNetwork(bundle.model, contract), manifest.decision, run)]
    small = manifest.screen
    if screen_run is None and small is not None:
        raise QuantiseError(str(bundle.path), "its screen's run is not named", "give --screen-reference")
    if screen_run is not None:
        if small is None or bundle.screen is None:
            raise QuantiseError(str(bundle.path), "it holds no screen", "leave out --screen-reference")
        screen = TfliteNetwork(bundle.screen, (small.input, small.output))
        parts.append((SCREEN, screen, Decision(threshold=small.threshold), screen_run))
    pairs = []
    for name, network, decision, source in parts:
        what, model = f"{bundle.path} ({name})", source.load_model()
        _require_same_contract(what, network.contract[0], source)
        require_origin(what, _noted(bundle, name).get("run", {}), source, model)
        pairs.append(NetworkPair(name, bundle, decision, source, network, float_network(source, model)))
    return pairs


def float_network(run: Run, model: keras.Model | None = None) -> TfliteNetwork:
    """Convert the network of a run, which may be loaded already, without quantising it."""
    content = convert(run.load_model() if model is None else model, "float32")
    return TfliteNetwork(content, contracts_of(content, run.manifest.input))


def float_bundle(pairs: Sequence[NetworkPair], decisions: Sequence[Decision]) -> Bundle:
    """Return a bundle of the float networks with these decisions, in memory only."""
    bundle = pairs[0].bundle
    manifest, models = bundle.manifest, []
    for pair, decision in zip(pairs, decisions, strict=True):
        models.append(pair.float32.model)
        into, out = pair.float32.contract
        if pair.name == CLASSIFIER:
            update: dict[str, object] = {"input": into, "output": out, "decision": decision}
        elif manifest.screen is not None:
            changed = {"input": into, "output": out, "threshold": decision.threshold}
            update = {"screen": manifest.screen.model_copy(update=changed)}
        manifest = manifest.model_copy(update=update)
    return Bundle(bundle.path, manifest, models[0], models[1] if len(models) > 1 else None)


def logits_of(path: Path, network: TfliteNetwork, crops: Crops) -> NDArray[np.float32]:
    """Run a network over crops on the runtime of the box and return its dequantised logits, float32 (n, 2).

    Parameters
    ----------
    path : Path
        Origin of the network, named in messages.
    network : TfliteNetwork
    crops : Crops

    Raises
    ------
    BundleError
        Contract and model disagree.

    """
    planes = network.contract[0].planes
    interpreter = Network(path, network.model, network.contract, threads=1, batch=min(BATCH, max(len(crops), 1)))
    parts = []
    for start in range(0, len(crops), BATCH * 16):
        pictures = crops.pictures[start : start + BATCH * 16]
        parts.append(interpreter.logits(network_planes(pictures, planes)))
    return np.concatenate(parts) if parts else np.zeros((0, 2), np.float32)


def paired_logits(pair: NetworkPair, datasets: Sequence[Dataset], split: Split) -> PairedLogits:
    """Read the crops of a split as the pair's networks take them, and run both networks over them."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    crops = read_crops(datasets, split, pair.int8.contract[0])
    reference = logits_of(pair.run.path, pair.float32, crops)
    return PairedLogits(pair, crops, reference, logits_of(pair.bundle.path, pair.int8, crops))


def chosen_together(run: Run, screen: Run | None) -> bool:
    """Return whether `cascade` chose the decisions of both runs together, so that a bundle needs both.

    Raises
    ------
    QuantiseError
        `cascade` chose the run's decision, and the screen's run is not named or has no decision of `cascade`.

    """
    manifest = run.manifest
    if not manifest.has_decision_of_cascade:
        return False
    if screen is None:
        raise QuantiseError(
            str(run.path),
            f"its decision was chosen together with that of {manifest.decided_with} and no screen is named",
            "give the screen's run with --screen, or decide without one: `gammabox-trainer evaluate --decide-anew`",
        )
    if not screen.manifest.has_decision_of_cascade:
        raise QuantiseError(
            str(screen.path),
            f"its run.json has no decision of `cascade` and that of {run.path} was chosen together with a screen's",
            "choose both with `gammabox-trainer cascade`",
        )
    return True


def float_decision(run: Run, logits: NDArray[np.float32], label: NDArray[np.uint8]) -> Decision:
    """Return the decision of a run, or one of a false-positive rate of 1e-3 where `evaluate` has chosen none."""
    if run.manifest.decision is not None:
        return run.manifest.decision
    return _at_fpr(scores_of(logits), label, DEFAULT_FPR)


def float_decisions(pairs: Sequence[NetworkPair], datasets: Sequence[Dataset]) -> list[Decision]:
    """Return the decision by which each float network is judged.

    It is the run's own; or the one to which `convert` matched the bundle's threshold; or that of a false-positive rate
    of 1e-3 on the validation split.
    """
    return [_float_decision_of(pair, datasets) for pair in pairs]


def matched_decision(
    reference: Decision, float_logits: NDArray[np.float32], own_logits: NDArray[np.float32], label: NDArray[np.uint8]
) -> Decision:
    """Return the decision of a converted network that agrees best with the float network's on the same crops.

    Only the threshold differs: rounding shifts the logits a little.
    """
    wanted = scores_of(float_logits, reference.temperature)
    own = scores_of(own_logits, reference.temperature)
    threshold = matched_threshold(wanted, reference.threshold, own, label)
    return reference.model_copy(update={"threshold": threshold})


def at_unit_temperature(decision: Decision) -> Decision:
    """Return the same decision for scores without temperature, as the screen's are.

    The threshold becomes sigmoid(T × logit(threshold)).
    """
    if decision.temperature == 1:  # as `cascade` chooses it: not one bit changes
        return Decision(threshold=decision.threshold)
    margin = decision.temperature * log_odds(decision.threshold)
    return Decision(threshold=float(sigmoid(np.array(margin))))


def decision_changes(pairs: Sequence[NetworkPair]) -> list[str] | None:
    """List how the decisions of a bundle differ from those that `cascade` chose for its runs.

    A threshold is the same where `convert` matched it to the run's. None where `cascade` chose no decision.
    """
    main = pairs[0]
    chosen = main.run.manifest.decision
    if chosen is None or not main.run.manifest.has_decision_of_cascade:
        return None
    changes = _changes_of(main, chosen)
    if len(pairs) == 1:
        changes.append(f"no screen instead of {main.run.manifest.decided_with}")
    for screen in pairs[1:]:
        wanted = screen.run.manifest.decision
        if wanted is None:
            changes.append(f"{screen.run.path.name} names no threshold of the screen")
        else:
            changes += [f"{change} (screen)" for change in _changes_of(screen, wanted)]
    return changes


def _changes_of(pair: NetworkPair, chosen: Decision) -> list[str]:
    wanted = chosen if pair.name == CLASSIFIER else at_unit_temperature(chosen)
    noted = _noted_threshold(pair)
    if noted.get("matched_to") == chosen.threshold:
        matched = chosen.model_copy(update={"threshold": noted.get("chosen", wanted.threshold)})
        wanted = matched if pair.name == CLASSIFIER else at_unit_temperature(matched)
    return [
        f"{name} {getattr(pair.decision, name):.6g} instead of {getattr(wanted, name):.6g}"
        for name in Decision.model_fields
        if getattr(pair.decision, name) != getattr(wanted, name)
    ]


def _noted_threshold(pair: NetworkPair) -> dict[str, float]:
    """Return what `convert` noted of a threshold: the float network's, `matched_to`, and the `chosen` one."""
    noted = _noted(pair.bundle, pair.name).get("threshold", {})
    return {key: noted[key] for key in ("matched_to", "chosen") if isinstance(noted.get(key), float)}


def _noted(bundle: Bundle, name: str) -> dict[str, Any]:
    """Return what `convert` noted of one of the networks of a bundle."""
    card = bundle.manifest.provenance
    noted: dict[str, Any] = card if name == CLASSIFIER else card.get("screen", {})
    return noted


def _require_same_contract(what: str, contract: InputContract, run: Run) -> None:
    for name in SAME_CONTRACT:
        own, wanted = getattr(contract, name), getattr(run.manifest.input, name)
        if own != wanted:
            raise QuantiseError(
                what,
                f"its input {name} is {own}, that of {run.path} is {wanted}",
                "convert that run again, or name the run this bundle came from",
            )


def _float_decision_of(pair: NetworkPair, datasets: Sequence[Dataset]) -> Decision:
    """Return a float network's decision: the run's, or what `convert` noted, or that of the validation split."""
    from trainer.training.batches import read_crops  # noqa: PLC0415 - imports Keras

    chosen = pair.run.manifest.decision
    if chosen is not None:
        return chosen if pair.name == CLASSIFIER else at_unit_temperature(chosen)
    noted = _noted_threshold(pair).get("matched_to")
    if noted is not None:
        return Decision(threshold=noted, temperature=pair.decision.temperature)
    validation = read_crops(datasets, "validation", pair.float32.contract[0])
    return float_decision(pair.run, logits_of(pair.run.path, pair.float32, validation), validation.label)


def _at_fpr(scores: NDArray[np.float64], label: NDArray[np.uint8], fpr: float, temperature: float = 1.0) -> Decision:
    """Return the decision of the lowest threshold with at most this false-positive rate; 0.5 without negatives."""
    negatives = scores[label == 0]
    threshold = float(np.clip(threshold_at_fpr(negatives, fpr), 0.0, 1.0)) if len(negatives) else 0.5
    return Decision(threshold=threshold, temperature=temperature)
