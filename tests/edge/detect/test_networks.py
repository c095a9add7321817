from datetime import datetime, timezone

import numpy as np
import pytest

from edge.bundle import load_bundle
from edge.capture.frame import Frame
from edge.detect.hit import Candidate
from edge.detect.manifest import Bundle, Quantisation
from edge.detect.network import scores_of
from edge.detect.networks import Classifier, Screen
from edge.detect.view import View
from edge.errors import BundleError, RuntimeMissingError


@pytest.fixture
def model_as(tiny_models, tiny_manifest, tmp_path):
    """Make the bundle of one model under the manifest of another."""

    def make(model, manifest, **changes):
        contract = tiny_manifest(manifest)
        for part, change in changes.items():
            contract = contract.model_copy(update={part: getattr(contract, part).model_copy(update=change)})
        return Bundle(tmp_path, contract, (tiny_models / f"{model}.tflite").read_bytes())

    return make


def crops(*spikes_dn, size=64):
    made = np.full((len(spikes_dn), size, size, 3), 40, np.uint8)
    for crop, spike in zip(made, spikes_dn, strict=True):
        crop[size // 2, size // 2, 1] += spike
    return made


def test_classifier_logits_follow_the_weights(tiny_bundle):
    logits = Classifier(load_bundle(tiny_bundle)).logits(crops(0, 20, 50, 150))
    expected = 100 * (np.array([0, 20, 50, 150]) - 20) / 255
    assert logits.dtype == np.float32
    assert np.abs(logits - np.stack([-expected, expected], axis=1)).max() < 1.5


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_classifier_batch_does_not_change_logits(tiny_bundle, batch):
    bundle = load_bundle(tiny_bundle)
    many = np.random.default_rng(1).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(Classifier(bundle, batch=batch).logits(many), Classifier(bundle).logits(many))


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 23])
def test_classifier_calls_what_is_left_over_in_smaller_batches(tiny_bundle, count):
    bundle = load_bundle(tiny_bundle)
    many = np.random.default_rng(3).integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    classifier, one_by_one = Classifier(bundle), Classifier(bundle, batch=1)
    assert (classifier.batch, one_by_one.batch) == (8, 1)
    for _ in range(2):  # nothing of an earlier call is left
        np.testing.assert_array_equal(classifier.logits(many), one_by_one.logits(many))


def test_classifier_threads_do_not_change_logits(tiny_bundle):
    bundle = load_bundle(tiny_bundle)
    many = np.random.default_rng(2).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(Classifier(bundle, threads=1).logits(many), Classifier(bundle, threads=2).logits(many))


def test_classifier_int8_agrees_with_float(tiny_bundle, model_as):
    many = crops(0, 10, 30, 60, 120)
    exact = Classifier(model_as("float32_64", "float32_64")).logits(many)
    assert np.abs(Classifier(load_bundle(tiny_bundle)).logits(many) - exact).max() < 1.5


def test_classifier_names_its_runtime(tiny_bundle):
    runtime = Classifier(load_bundle(tiny_bundle)).runtime
    assert runtime.name in {"ai-edge-litert", "tflite-runtime"}
    assert str(runtime) == f"{runtime.name} {runtime.version}"


@pytest.mark.parametrize(
    ("model", "manifest", "changes", "complaint"),
    [
        ("int8_32", "int8_64", {}, r"input is \(1, 32, 32, 3\), the manifest says \(n, 64, 64, 3\)"),
        ("float32_64", "int8_64", {}, "input is float32, the manifest says int8"),
        ("int8_64", "float32_64", {}, "input is int8, the manifest says float32"),
        ("int8_64", "int8_64", {"output": {"dtype": "float32"}}, "output is int8, the manifest says float32"),
        ("int8_64", "int8_64", {"input": {"quantisation": None}}, "names no quantisation of the int8 input"),
        (
            "int8_64",
            "int8_64",
            {"output": {"quantisation": Quantisation(scale=0.5, zero_point=0)}},
            "output is quantised by scale 0.70.* and zero point 0, the manifest says 0.5 and 0",
        ),
        (
            "int8_64",
            "int8_64",
            {"input": {"quantisation": Quantisation(scale=0.003921555820852518, zero_point=0)}},
            "zero point -128, the manifest says .* and 0",
        ),
        (
            "float32_64",
            "float32_64",
            {"input": {"quantisation": Quantisation(scale=1, zero_point=0)}},
            "quantisation of the float input",
        ),
    ],
)
def test_network_refuses_model_other_than_manifest(model_as, model, manifest, changes, complaint):
    with pytest.raises(BundleError, match=complaint):
        Classifier(model_as(model, manifest, **changes))


def test_network_refuses_bytes_that_are_no_model(tiny_manifest, tmp_path):
    with pytest.raises(BundleError, match="cannot read the model"):
        Classifier(Bundle(tmp_path, tiny_manifest("int8_64"), b"no flatbuffer at all, just text " * 8))


def test_network_refuses_crops_of_another_size(tiny_bundle):
    with pytest.raises(ValueError, match=r"takes uint8 \(n, 64, 64, 3\)"):
        Classifier(load_bundle(tiny_bundle)).logits(np.zeros((1, 32, 32, 3), np.uint8))


def test_runtime_error_names_both_packages(tiny_bundle, monkeypatch):
    tried = []

    def refuse(name):
        tried.append(name)
        raise ImportError(f"no module named {name}")

    monkeypatch.setattr("edge.detect.runtime.import_module", refuse)
    with pytest.raises(RuntimeMissingError, match=r"ai-edge-litert: .*; tflite-runtime: .*install ai-edge-litert"):
        Classifier(load_bundle(tiny_bundle))
    assert tried == ["ai_edge_litert.interpreter", "tflite_runtime.interpreter"]


def test_scores_of_follow_margin_and_temperature():
    logits = np.array([[0, 0], [0, np.log(3)], [500, -500], [-500, 500]], np.float32)
    assert np.allclose(scores_of(logits), [0.5, 0.75, 0, 1])
    assert np.allclose(scores_of(logits[1:2], temperature=2.0), np.sqrt(3) / (1 + np.sqrt(3)))


def candidate(x, y, spike_dn=50.0):
    return Candidate(x, y, spike_dn, 1, 0.0, 1.0)


def view(*spikes):
    """Three grey frames of 80; the middle one has spikes (x, y, height)."""
    greys = np.full((3, 96, 128), 80, np.uint8)
    for x, y, height in spikes:
        greys[1, y, x] += height
    return View(Frame(1, 0.04, datetime(2026, 1, 1, tzinfo=timezone.utc), greys[1]), tuple(greys))


@pytest.fixture
def screened_bundle(tiny_models, tiny_manifest, tmp_path):
    model, screen = ((tiny_models / f"{name}.tflite").read_bytes() for name in ("int8_64", "screen_17"))
    return Bundle(tmp_path, tiny_manifest("int8_64", "screen_17"), model, screen)


def test_screen_passes_the_likeliest_first(screened_bundle):
    spikes = [(20, 20, 5), (60, 40, 40), (100, 70, 90)]
    screened = Screen(screened_bundle).sift(view(*spikes), [candidate(x, y) for x, y, _ in spikes])
    assert [passed.x for passed in screened.candidates] == [100, 60]
    assert screened.stopped == 1
    sampled = screened.some(1)
    assert (len(sampled.candidates), sampled.stopped) == (1, 1)
    assert screened.some(2) is screened


def test_screen_of_a_bundle_without_one_passes_all(tiny_bundle):
    candidates = [candidate(20, 20), candidate(60, 40)]
    screened = Screen(load_bundle(tiny_bundle)).sift(view(), candidates)
    assert list(screened.candidates) == candidates
    assert screened.stopped == 0


@pytest.mark.parametrize("change", [{"planes": "rgb"}, {"crop_size": 16}], ids=["colour", "even size"])
def test_screen_refuses_colour_and_even_size(screened_bundle, change):
    contract = screened_bundle.manifest.screen
    changed = contract.model_copy(update={"input": contract.input.model_copy(update=change)})
    manifest = screened_bundle.manifest.model_copy(update={"screen": changed})
    with pytest.raises(BundleError, match="a screen takes grey patches"):
        Screen(Bundle(screened_bundle.path, manifest, screened_bundle.model, screened_bundle.screen))


def test_network_without_candidates_has_no_crops(tiny_bundle):
    classifier = Classifier(load_bundle(tiny_bundle))
    made = classifier.crops(view(), [])
    assert made.shape == (0, 64, 64, 3)
    assert classifier.margins(made).shape == (0,)


def test_network_crops_are_centred_on_candidates(tiny_bundle):
    made = Classifier(load_bundle(tiny_bundle)).crops(view((60, 40, 90)), [candidate(60, 40)])
    assert made.shape == (1, 64, 64, 3)
    assert made[0, 32, 32].tolist() == [80, 170, 80]
