"""A run becomes a bundle that notes how it was made; a run that does not fit its data is refused."""

import pytest

from edge.bundle import load_bundle
from edge.detect.manifest import CandidateRules, InputContract
from edge.detect.network import Network
from edge.detect.networks import Classifier
from quantize.bundling import Settings, convert_run, datasets_of
from quantize.errors import QuantiseError
from quantize.extremes import DEFAULT_SHARE
from trainer.training.run import DataUsed


def test_bundle_runs_on_the_box(tiny):
    bundle = load_bundle(tiny.bundle.path)
    crops = tiny.dataset.samples("test", 20).greys[:, 8:25, 8:25]
    assert Classifier(bundle).scores(crops).shape == (20,)
    screen = bundle.manifest.screen
    assert Network(bundle.path, bundle.screen, (screen.input, screen.output)).logits(crops).shape == (20, 2)


def test_bundle_notes_recipe_data_tools_and_operators(tiny):
    noted = tiny.bundle.manifest.provenance
    assert noted["recipe"] == "static_wi8_ai8"
    assert noted["training"] == "PTQ"
    assert noted["representative"]["crops"] == 100
    assert noted["representative"]["strata"] > 4
    assert noted["representative"]["extremes"] == DEFAULT_SHARE
    assert noted["operators"]["CONV_2D"] >= 1
    assert {"tensorflow", "keras", "ai-edge-litert", "numpy", "python", "gammabox"} <= set(noted["tools"])
    assert noted["data"] == {tiny.dataset.path.name: tiny.dataset.sha256}
    assert noted["screen"]["recipe"] == "static_wi8_ai8"


def test_bundle_has_the_rules_by_which_build_chose_candidates(tiny):
    assert tiny.bundle.manifest.candidates == CandidateRules()


def test_bundle_names_no_folder_of_the_makers_disk(tiny):
    assert str(tiny.run.path.parent) not in tiny.bundle.manifest.model_dump_json()


def test_convert_run_makes_float_formats_for_comparison(tiny):
    converted = convert_run(tiny.run, [tiny.dataset], Settings(recipe="dynamic"))
    contract, _ = converted.network.contract
    assert (contract.dtype, contract.quantisation) == ("float32", None)
    assert converted.provenance["representative"]["extremes"] == 0


def test_bundle_threshold_is_the_int8_models_own(tiny):
    noted = tiny.bundle.manifest.provenance["threshold"]
    assert noted["of"] == "this model"
    assert noted["on"] == "validation"
    assert tiny.bundle.manifest.decision.threshold != noted["matched_to"]


def test_convert_run_refuses_a_network_of_another_shape(tiny):
    other = tiny.run.manifest.model_copy(update={"input": InputContract(crop_size=21, planes="temporal")})
    run = type(tiny.run)(tiny.run.path, other)
    with pytest.raises(QuantiseError, match=r"its network takes \(17, 17, 3\) .* run.json says \(21, 21, 3\)"):
        convert_run(run, [tiny.dataset], Settings())


def test_datasets_of_refuses_data_changed_since_training(tiny):
    used = DataUsed.model_validate({**tiny.run.manifest.data.model_dump(), "sha256": ("0" * 64,)})
    run = type(tiny.run)(tiny.run.path, tiny.run.manifest.model_copy(update={"data": used}))
    with pytest.raises(QuantiseError, match=r"it is not what .* was trained on"):
        datasets_of(run, [])
    assert [dataset.path for dataset in datasets_of(run, [tiny.dataset.path])] == [tiny.dataset.path]
