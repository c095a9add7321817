import json
import shutil

import pytest

from edge.bundle import load_bundle, save_bundle
from edge.errors import BundleError


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    path = tmp_path / "bundle"
    shutil.copytree(tiny_bundle, path)
    return path


def test_bundle_comes_back_as_it_was_saved(tiny_manifest, tiny_models, tmp_path):
    model, screen = ((tiny_models / f"{name}.tflite").read_bytes() for name in ("int8_64", "screen_17"))
    saved = save_bundle(tmp_path / "new", tiny_manifest("int8_64", screen="screen_17"), model, screen)
    read = load_bundle(tmp_path / "new")
    assert read == saved
    assert (read.model, read.screen) == (model, screen)


@pytest.mark.parametrize("missing", ["model.tflite", "model.json"])
def test_load_names_a_missing_file(bundle, missing):
    (bundle / missing).unlink()
    with pytest.raises(BundleError, match=f"{missing} is missing"):
        load_bundle(bundle)


def test_load_names_a_missing_screen(tiny_manifest, tmp_path):
    save_bundle(tmp_path, tiny_manifest("int8_64", screen="screen_17"), b"model", b"screen")
    (tmp_path / "screen.tflite").unlink()
    with pytest.raises(BundleError, match=r"screen\.tflite is missing"):
        load_bundle(tmp_path)


def test_load_names_a_missing_folder(tmp_path):
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere")


def test_load_refuses_a_model_with_one_bit_changed(bundle):
    model = bytearray((bundle / "model.tflite").read_bytes())
    model[100] ^= 1
    (bundle / "model.tflite").write_bytes(model)
    with pytest.raises(BundleError, match=r"SHA-256 .*damaged or from another bundle"):
        load_bundle(bundle)


def test_load_refuses_a_model_cut_short(bundle):
    model = (bundle / "model.tflite").read_bytes()
    (bundle / "model.tflite").write_bytes(model[:-1])
    with pytest.raises(BundleError, match=f"has {len(model) - 1} bytes"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda manifest: manifest.update(colour="red"), "colour: unknown key"),
        (lambda manifest: manifest.pop("decision"), "decision: is missing"),
        (lambda manifest: manifest["decision"].update(threshold=1.5), "decision.threshold: .*1.5"),
        (lambda manifest: manifest["input"].update(planes="infrared"), "input.planes: .*infrared"),
        (lambda manifest: manifest["input"].update(planes="compensated", crop_size=22), "input: .*at least 23 pixels"),
        (lambda manifest: manifest.update(schema_version=2), "schema_version"),
    ],
)
def test_load_names_the_place_of_a_fault(bundle, change, complaint):
    manifest = json.loads((bundle / "model.json").read_text())
    change(manifest)
    (bundle / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=complaint):
        load_bundle(bundle)


@pytest.mark.parametrize("content", ["", "{", "\x00\x01", "[]"])
def test_load_refuses_what_is_no_json_object(bundle, content):
    (bundle / "model.json").write_text(content)
    with pytest.raises(BundleError, match=r"model\.json"):
        load_bundle(bundle)


def test_load_refuses_another_encoding(bundle):
    (bundle / "model.json").write_bytes(b'{"name": "\xff\xfe"}')
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(bundle)


def test_save_refuses_a_screen_without_its_contract(tiny_manifest, tmp_path):
    with pytest.raises(ValueError, match="or neither"):
        save_bundle(tmp_path, tiny_manifest("int8_64"), b"model", b"screen")
