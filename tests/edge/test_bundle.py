import json
import shutil

import pytest

from edge.bundle import Decision, is_joint, load_bundle, save_bundle
from edge.errors import BundleError


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    path = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, path)
    return path


def test_a_bundle_comes_back_as_it_was_saved(tiny_manifest, tiny_models, tmp_path):
    model, screen = ((tiny_models / f"{name}.tflite").read_bytes() for name in ("int8_64", "screen_17"))
    saved = save_bundle(tmp_path / "new", tiny_manifest("int8_64", screen="screen_17"), model, screen)
    read = load_bundle(tmp_path / "new")
    assert read == saved
    assert (read.model, read.screen) == (model, screen)


@pytest.mark.parametrize("missing", ["model.tflite", "model.json"])
def test_a_missing_file_is_named(bundle, missing):
    (bundle / missing).unlink()
    with pytest.raises(BundleError, match=f"{missing} is missing"):
        load_bundle(bundle)


def test_a_missing_screen_is_named(tiny_manifest, tmp_path):
    save_bundle(tmp_path, tiny_manifest("int8_64", screen="screen_17"), b"model", b"screen")
    (tmp_path / "screen.tflite").unlink()
    with pytest.raises(BundleError, match=r"screen\.tflite is missing"):
        load_bundle(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")


def test_a_model_with_one_bit_changed_is_refused(bundle):
    model = bytearray((bundle / "model.tflite").read_bytes())
    model[100] ^= 1
    (bundle / "model.tflite").write_bytes(model)
    with pytest.raises(BundleError, match=r"SHA-256 .*damaged or from another bundle"):
        load_bundle(bundle)


def test_a_model_cut_short_is_refused(bundle):
    model = (bundle / "model.tflite").read_bytes()
    (bundle / "model.tflite").write_bytes(model[:-1])
    with pytest.raises(BundleError, match=f"has {len(model) - 1} bytes"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda manifest: manifest.update(colour="red"), "colour: Extra inputs"),
        (lambda manifest: manifest.pop("decision"), "decision: Field required"),
        (lambda manifest: manifest["decision"].update(threshold=1.5), "decision.threshold: .*1.5"),
        (lambda manifest: manifest["input"].update(planes="infrared"), "input.planes: .*infrared"),
        (lambda manifest: manifest.update(schema_version=2), "schema_version"),
    ],
)
def test_a_manifest_with_a_fault_names_its_place(bundle, change, complaint):
    manifest = json.loads((bundle / "model.json").read_text())
    change(manifest)
    (bundle / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=complaint):
        load_bundle(bundle)


@pytest.mark.parametrize("content", ["", "{", "\x00\x01", "[]"])
def test_a_manifest_that_is_no_json_object_is_refused(bundle, content):
    (bundle / "model.json").write_text(content)
    with pytest.raises(BundleError, match=r"model\.json"):
        load_bundle(bundle)


def test_a_manifest_in_another_encoding_is_refused(bundle):
    (bundle / "model.json").write_bytes(b'{"name": "\xff\xfe"}')
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(bundle)


def test_a_screen_without_its_contract_is_not_saved(tiny_manifest, tmp_path):
    with pytest.raises(ValueError, match="or neither"):
        save_bundle(tmp_path, tiny_manifest("int8_64"), b"model", b"screen")


@pytest.mark.parametrize(
    ("decision", "joint"),
    [
        (None, False),
        (Decision(threshold=0.4, temperature=2.0), False),
        (Decision(threshold=0.4, screen_weight=0.1), True),
        (Decision(threshold=0.4, motion_weight=0.1), True),
        (Decision(threshold=0.4, scene_weight=0.1), True),
        (Decision(threshold=0.4, extent_weight=0.1), True),
    ],
)
def test_a_decision_is_joint_where_it_weighs_more_than_one_network(decision, joint):
    assert is_joint(decision) is joint
