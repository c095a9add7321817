"""A sound bundle passes the check, and planted faults of a conversion do not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.bundle import load_bundle, save_bundle
from edge.detect.manifest import Bundle
from edge.errors import BundleError
from quantize.bundling import Settings, bundle_run
from quantize.checking import CheckSettings, check_bundle
from quantize.conversion import INT8_RECIPE, contracts_of, convert
from quantize.graph import read_graph, replace_weights
from quantize.layers import worst_layer
from quantize.pairing import TfliteNetwork, float_network, logits_of, matched_decision, pair_networks
from quantize.representative import span_range

if TYPE_CHECKING:
    from pathlib import Path

    from quantize.measure import NetworkCheck


def remade(tiny: Any, path: Path, model: bytes, **update: Any) -> Bundle:
    """Write a bundle like the tiny one around another model, without its screen."""
    taken, given = contracts_of(model, tiny.run.manifest.input)
    manifest = tiny.bundle.manifest.model_copy(
        update={"input": taken, "output": given, "screen": None, **update},
    )
    save_bundle(path, manifest, model)
    return load_bundle(path)


def checked(tiny: Any, bundle: Bundle, limits: Any) -> tuple[NetworkCheck, set[str]]:
    """Check the classifier; return its figures and the names of the limits that are exceeded."""
    pairs = pair_networks(bundle, tiny.run, None)
    check = check_bundle(pairs, [tiny.dataset], CheckSettings(limits=limits, kernel_crops=64))
    ((_, findings),) = check.findings
    return check.networks[0], {finding.name for finding in findings if not finding.passed}


def representative(tiny: Any) -> np.ndarray[Any, Any]:
    from trainer.training.batches import as_input, read_crops

    crops = read_crops([tiny.dataset], "train", tiny.run.manifest.input)
    return as_input(span_range(crops.pictures[:100]), tiny.run.manifest.input)


def biased(model: bytes, logit_shift: float) -> bytes:
    """Shift the second logit, as a conversion with a skewed range does."""
    graph = read_graph(model)
    last = [operator for operator in graph.operators if operator.name == "FULLY_CONNECTED"][-1]
    bias = graph.tensors[last.inputs[2]]
    content = bias.data.copy()
    content[1] += round(logit_shift / float(bias.scale[-1]))
    return replace_weights(model, {bias.index: content})


def test_check_passes_a_sound_bundle_with_its_screen(tiny: Any, small_limits: Any) -> None:
    pairs = pair_networks(tiny.bundle, tiny.run, tiny.run)
    check = check_bundle(pairs, [tiny.dataset], CheckSettings(limits=small_limits, kernel_crops=64))
    assert check.exceeded == []
    assert [network.name for network in check.networks] == ["classifier", "screen"]


def test_check_finds_ranges_of_black_pictures(tiny: Any, small_limits: Any, tmp_path: Path) -> None:
    black = span_range(np.zeros((20, 17, 17, 3), np.uint8)).astype(np.float32) / 255
    model = convert(tiny.run.load_model(), INT8_RECIPE, black)
    _, failed = checked(tiny, remade(tiny, tmp_path, model), small_limits)
    # Its labels may survive, for the synthetic hits are plain; its ranges cannot.
    assert any(name.startswith("saturated outputs") for name in failed)


def test_check_finds_swapped_channels(tiny: Any, small_limits: Any, tmp_path: Path) -> None:
    network = tiny.run.load_model()
    kernel = network.get_layer("conv1").get_weights()[0]
    network.get_layer("conv1").set_weights([np.roll(kernel, 1, axis=2)])
    model = convert(network, INT8_RECIPE, representative(tiny))
    check, failed = checked(tiny, remade(tiny, tmp_path, model), small_limits)
    assert "label agreement" in failed
    assert check.worst is not None
    assert check.worst.name == "conv1_relu"


def test_check_refuses_a_wrong_scale_in_the_manifest(tiny: Any, tmp_path: Path) -> None:
    contract = tiny.bundle.manifest.input
    wrong = contract.model_copy(update={"quantisation": contract.quantisation.model_copy(update={"scale": 1 / 127})})
    bundle = remade(tiny, tmp_path, tiny.bundle.model, input=wrong)
    pairs = pair_networks(bundle, tiny.run, None)
    with pytest.raises(BundleError, match=r"quantised by scale 0\.0039.* the manifest says 0\.0078"):
        check_bundle(pairs, [tiny.dataset], CheckSettings())


def test_check_finds_float_layers(tiny: Any, small_limits: Any, tmp_path: Path) -> None:
    model = convert(tiny.run.load_model(), "dynamic")
    check, failed = checked(tiny, remade(tiny, tmp_path, model), small_limits)
    assert "integer" in failed
    assert "CONV_2D" in check.float_operators


def test_check_names_the_layer_of_corrupted_weights(tiny: Any, small_limits: Any, tmp_path: Path) -> None:
    graph = read_graph(tiny.bundle.model)
    weights = list(graph.weights().values())[1]
    noise = np.random.default_rng(1).integers(-127, 128, weights.data.shape).astype(np.int8)
    broken = replace_weights(tiny.bundle.model, {weights.index: noise})
    check, failed = checked(tiny, remade(tiny, tmp_path, broken), small_limits)
    assert "label agreement" in failed
    assert worst_layer(check.layers).name == "conv2_relu"
    assert check.layers[1].weights_db < 3
    assert check.layers[0].weights_db > 25


@pytest.fixture(scope="module")
def cascade(tiny: Any, tmp_path_factory: Any) -> tuple[Any, Any, Bundle]:
    """Runs for which `cascade` has decided, and their bundle."""
    from edge.detect.decision import Decision

    folder = tmp_path_factory.mktemp("cascade")
    chosen = Decision(threshold=0.6, temperature=1 / 0.43)
    runs = [
        type(tiny.run)(
            folder / name, tiny.run.manifest.model_copy(update={"decision": decision, "decided_with": other})
        )
        for name, decision, other in (("main", chosen, "screen"), ("screen", Decision(threshold=0.1), "main"))
    ]
    for run in runs:
        run.path.symlink_to(tiny.run.path)
    bundle = bundle_run(runs[0], folder / "bundle", [tiny.dataset], Settings(representative=100), screen=runs[1])
    return runs[0], runs[1], bundle


def checked_cascade(tiny: Any, cascade: Any, bundle: Bundle, limits: Any) -> tuple[Any, set[str]]:
    check = check_bundle(
        pair_networks(bundle, cascade[0], cascade[1]), [tiny.dataset], CheckSettings(limits=limits, kernel_crops=32)
    )
    (found,) = [findings for name, findings in check.findings if name == "cascade"]
    return check, {finding.name for finding in found if not finding.passed}


def test_check_passes_decisions_matched_to_the_runs(tiny: Any, cascade: Any, small_limits: Any) -> None:
    main, screen, bundle = cascade
    assert bundle.manifest.provenance["threshold"]["matched_to"] == main.manifest.decision.threshold
    assert bundle.manifest.provenance["screen"]["threshold"]["matched_to"] == screen.manifest.decision.threshold
    check, failed = checked_cascade(tiny, cascade, bundle, small_limits)
    assert failed == set()
    assert check.passed
    agreement = check.cascade.agreement
    assert agreement.decision_reference.threshold == 0.6
    assert agreement.decision_reference.recall > 0.5


def test_check_finds_a_decision_set_by_hand(tiny: Any, cascade: Any, small_limits: Any) -> None:
    manifest = cascade[2].manifest
    other = manifest.decision.model_copy(update={"threshold": 0.97})
    bundle = Bundle(
        cascade[2].path, manifest.model_copy(update={"decision": other}), cascade[2].model, cascade[2].screen
    )
    check, failed = checked_cascade(tiny, cascade, bundle, small_limits)
    assert failed >= {"decision of the runs", "label agreement"}
    assert check.cascade.decision_changes == (f"threshold 0.97 instead of {manifest.decision.threshold:.6g}",)


def test_check_finds_a_kept_threshold_of_shifted_logits(
    tiny: Any, cascade: Any, small_limits: Any, tmp_path: Path
) -> None:
    bundle = cascade[2]
    # The decision is the runs' own to the last bit, but the conversion shifted the logits it is about.
    shifted = save_bundle(tmp_path, bundle.manifest, biased(bundle.model, 3.0), bundle.screen)
    check, failed = checked_cascade(tiny, cascade, shifted, small_limits)
    assert "label agreement" in failed
    assert "decision of the runs" not in failed
    assert check.networks[0].agreement.labels < 0.995


def test_check_finds_a_threshold_left_at_the_float_models(tiny: Any, small_limits: Any, tmp_path: Path) -> None:
    from edge.detect.decision import Decision
    from trainer.training.batches import read_crops

    shifted = biased(tiny.bundle.model, 3.0)
    contract = tiny.run.manifest.input
    crops = read_crops([tiny.dataset], "validation", contract)
    logits = logits_of(tmp_path, float_network(tiny.run), crops)
    reference = Decision(threshold=tiny.bundle.manifest.provenance["threshold"]["matched_to"])

    _, failed = checked(tiny, remade(tiny, tmp_path / "left", shifted, decision=reference), small_limits)
    assert "label agreement" in failed
    own = logits_of(tmp_path, TfliteNetwork(shifted, contracts_of(shifted, contract)), crops)
    again = matched_decision(reference, logits, own, crops.label)
    _, failed = checked(tiny, remade(tiny, tmp_path / "again", shifted, decision=again), small_limits)
    assert "label agreement" not in failed
    assert "false positives at the threshold" not in failed
