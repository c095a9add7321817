import numpy as np
import pytest

from edge.bundle import Bundle, Decision, Quantisation, load_bundle
from edge.detect.classifier import Classifier, odds_beside, scores_of
from edge.errors import BundleError, RuntimeMissingError


@pytest.fixture
def model_as(tiny_models, tiny_manifest, tmp_path):
    """Give the bundle of one model under the manifest of another."""

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


def test_logits_are_what_the_hand_set_weights_give(tiny_bundle):
    logits = Classifier(load_bundle(tiny_bundle)).logits(crops(0, 20, 50, 150))
    expected = 100 * (np.array([0, 20, 50, 150]) - 20) / 255
    assert logits.dtype == np.float32
    assert np.abs(logits - np.stack([-expected, expected], axis=1)).max() < 1.5


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_batch_gives_the_same_logits_as_single_crops(tiny_bundle, batch):
    bundle = load_bundle(tiny_bundle)
    many = np.random.default_rng(1).integers(0, 256, (10, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(Classifier(bundle, batch=batch).logits(many), Classifier(bundle).logits(many))


def test_threads_do_not_change_logits(tiny_bundle):
    bundle = load_bundle(tiny_bundle)
    many = np.random.default_rng(2).integers(0, 256, (6, 64, 64, 3), dtype=np.uint8)
    assert np.array_equal(Classifier(bundle, threads=1).logits(many), Classifier(bundle, threads=2).logits(many))


def test_float_and_int8_agree(tiny_bundle, model_as):
    many = crops(0, 10, 30, 60, 120)
    exact = Classifier(model_as("float32_64", "float32_64")).logits(many)
    assert np.abs(Classifier(load_bundle(tiny_bundle)).logits(many) - exact).max() < 1.5


def test_the_runtime_in_use_is_told(tiny_bundle):
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
def test_a_model_other_than_its_manifest_is_refused(model_as, model, manifest, changes, complaint):
    with pytest.raises(BundleError, match=complaint):
        Classifier(model_as(model, manifest, **changes))


def test_bytes_that_are_no_model_are_refused(tiny_manifest, tmp_path):
    with pytest.raises(BundleError, match="cannot read the model"):
        Classifier(Bundle(tmp_path, tiny_manifest("int8_64"), b"no flatbuffer at all, just text " * 8))


def test_crops_of_another_size_are_refused(tiny_bundle):
    with pytest.raises(ValueError, match=r"takes uint8 \(n, 64, 64, 3\)"):
        Classifier(load_bundle(tiny_bundle)).logits(np.zeros((1, 32, 32, 3), np.uint8))


def test_tflite_runtime_is_tried_after_litert_and_both_reasons_are_told(tiny_bundle, monkeypatch):
    tried = []

    def refuse(name):
        tried.append(name)
        raise ImportError(f"no module named {name}")

    monkeypatch.setattr("edge.detect.runtime.import_module", refuse)
    with pytest.raises(RuntimeMissingError, match=r"ai-edge-litert: .*; tflite-runtime: .*install ai-edge-litert"):
        Classifier(load_bundle(tiny_bundle))
    assert tried == ["ai_edge_litert.interpreter", "tflite_runtime.interpreter"]


def test_scores_follow_margin_and_temperature_without_overflow():
    logits = np.array([[0, 0], [0, np.log(3)], [500, -500], [-500, 500]], np.float32)
    assert np.allclose(scores_of(logits), [0.5, 0.75, 0, 1])
    assert np.allclose(scores_of(logits[1:2], temperature=2.0), np.sqrt(3) / (1 + np.sqrt(3)))


def test_the_prior_falls_with_motion_and_with_what_the_scene_proposes_in_vain():
    decision = Decision(threshold=0.5, screen_weight=1.0, motion_weight=2.0, scene_weight=1.5)
    screened, still = np.array([1.0, 1.0]), np.zeros(2)
    assert odds_beside(decision, screened, still) == pytest.approx([1, 1])
    assert odds_beside(decision, screened, np.array([0.0, 9.0])) == pytest.approx([1, 1 - 2 * np.log(10)])
    crowded, empty = (odds_beside(decision, screened, still, doubted) for doubted in (430.0, 0.0))
    assert crowded == pytest.approx(1 - 1.5 * np.log(4))
    assert empty == pytest.approx(1 + 1.5 * np.log(11))
    entering = np.array([True, False])
    assert odds_beside(decision, screened, still, entering=entering) == pytest.approx([1, 1])
    doubting = decision.model_copy(update={"border_weight": 2.5})
    assert odds_beside(doubting, screened, still, entering=entering) == pytest.approx([-1.5, 1])
    assert odds_beside(doubting, screened, still) == pytest.approx([1, 1])
