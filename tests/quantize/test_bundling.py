"""A run becomes a bundle that notes how it was made and refuses what does not fit."""

import numpy as np
import pytest

from edge.bundle import Decision, InputContract, load_bundle
from edge.detect.classifier import Classifier, scores_of
from edge.detect.network import Network
from quantize.bundling import Settings, convert_run, datasets_of
from quantize.decisions import at_unit_temperature
from quantize.errors import QuantiseError
from quantize.subjects import subjects_of
from trainer.training.run import DataUsed


def test_the_agent_runs_what_convert_wrote(tiny):
    bundle = load_bundle(tiny.bundle.path)
    crops = tiny.dataset.samples("test", 20).greys[:, 8:25, 8:25]
    assert Classifier(bundle).scores(crops).shape == (20,)
    screen = bundle.manifest.screen
    assert Network(bundle.path, bundle.screen, (screen.input, screen.output)).logits(crops).shape == (20, 2)


def test_the_manifest_notes_recipe_data_tools_and_operators(tiny):
    noted = tiny.bundle.manifest.provenance
    assert noted["recipe"] == "static_wi8_ai8"
    assert noted["training"] == "PTQ"
    assert noted["representative"]["crops"] == 100
    assert noted["representative"]["strata"] > 4
    assert noted["operators"]["CONV_2D"] >= 1
    assert {"tensorflow", "keras", "ai-edge-litert", "numpy", "python", "gammabox"} <= set(noted["tools"])
    assert noted["data"] == {tiny.dataset.path.name: tiny.dataset.sha256}
    assert noted["screen"]["recipe"] == "static_wi8_ai8"


@pytest.mark.parametrize(("threshold", "temperature"), [(0.3, 2.0), (0.9, 0.5), (0.0, 1.0), (1.0, 3.0)])
def test_a_threshold_without_temperature_decides_alike(threshold, temperature):
    decision = Decision(threshold=threshold, temperature=temperature)
    logits = np.stack([np.zeros(201), np.linspace(-9.03, 9.07, 201)], axis=1).astype(np.float32)
    plain = at_unit_temperature(decision)
    wanted = scores_of(logits, temperature) >= threshold
    assert ((scores_of(logits) >= plain.threshold) == wanted).all()


def test_no_folder_of_the_makers_disk_is_in_the_manifest(tiny):
    assert str(tiny.run.path.parent) not in tiny.bundle.manifest.model_dump_json()


def test_a_float_bundle_for_comparison_can_be_made_and_run(tiny):
    made = convert_run(tiny.run, [tiny.dataset], Settings(recipe="dynamic"))
    assert (made.input.dtype, made.input.quantisation) == ("float32", None)


def test_the_threshold_is_the_int8_models_own(tiny):
    noted = tiny.bundle.manifest.provenance["threshold"]
    assert noted["of"] == "this model"
    assert noted["on"] == "validation"
    assert tiny.bundle.manifest.decision.threshold != noted["matched_to"]


def test_a_network_that_is_not_the_runs_is_refused(tiny):
    other = tiny.run.manifest.model_copy(update={"input": InputContract(crop_size=21, planes="temporal")})
    run = type(tiny.run)(tiny.run.path, other)
    with pytest.raises(QuantiseError, match=r"its network takes \(17, 17, 3\) .* run.json says \(21, 21, 3\)"):
        convert_run(run, [tiny.dataset], Settings())


@pytest.mark.parametrize(("field", "value"), [("planes", "spike"), ("scale", 1 / 127.5), ("offset", -1.0)])
def test_a_contract_that_is_not_the_runs_is_refused(tiny, field, value):
    other = tiny.run.manifest.input.model_copy(update={field: value})
    run = type(tiny.run)(tiny.run.path, tiny.run.manifest.model_copy(update={"input": other}))
    with pytest.raises(QuantiseError, match=f"its input {field} is"):
        subjects_of(tiny.bundle, run, tiny.run)


def test_a_run_for_a_screen_that_is_not_there_is_refused(tiny):
    bundle = type(tiny.bundle)(
        tiny.bundle.path, tiny.bundle.manifest.model_copy(update={"screen": None}), tiny.bundle.model
    )
    with pytest.raises(QuantiseError, match="it holds no screen"):
        subjects_of(bundle, tiny.run, tiny.run)


def test_a_bundle_is_not_judged_by_half_of_it(tiny):
    with pytest.raises(QuantiseError, match="its screen's run is not named"):
        subjects_of(tiny.bundle, tiny.run, None)


def test_data_that_changed_since_the_training_is_refused(tiny):
    used = DataUsed.model_validate({**tiny.run.manifest.data.model_dump(), "sha256": ("0" * 64,)})
    run = type(tiny.run)(tiny.run.path, tiny.run.manifest.model_copy(update={"data": used}))
    with pytest.raises(QuantiseError, match=r"it is not what .* was trained on"):
        datasets_of(run, [])
    assert [one.path for one in datasets_of(run, [tiny.dataset.path])] == [tiny.dataset.path]
