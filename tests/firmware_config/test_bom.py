import json
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.version import Version

from edge.bundle import load_bundle, shipped_bundle_path
from firmware_config.bom import bom_bytes
from firmware_config.targets import chosen
from firmware_config.wheels import Wheel

BOOKWORM = chosen("rpi5", "bookworm")
WHEELS = [
    (Wheel(Path("numpy.whl"), "numpy", Version("1.26.4"), (Requirement("x"),), "BSD-3-Clause", 5), "a" * 64),
    (Wheel(Path("rich.whl"), "rich", Version("13.9"), (), None, 5), "b" * 64),
]


@pytest.fixture(scope="module")
def model():
    return load_bundle(shipped_bundle_path()).manifest


def test_bom_is_valid_cyclonedx(model) -> None:
    text = bom_bytes("0.1.0-7", BOOKWORM, WHEELS, model).decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_bom_names_packages_model_and_system(model) -> None:
    bom = json.loads(bom_bytes("0.1.0-7", BOOKWORM, WHEELS, model))
    assert bom["metadata"]["component"]["version"] == "0.1.0-7"
    parts = {part["name"]: part for part in bom["components"]}
    assert parts["numpy"]["purl"] == "pkg:pypi/numpy@1.26.4"
    assert parts["numpy"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert parts["numpy"]["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert parts[model.name]["type"] == "machine-learning-model"
    assert parts[model.name]["hashes"][0]["content"] == model.sha256
    assert (parts["debian"]["type"], parts["debian"]["version"]) == ("operating-system", "12")
    assert parts["python3-picamera2"]["purl"] == "pkg:deb/debian/python3-picamera2?distro=debian-12"
    assert {"python3", "libssl3"} <= set(parts)


def test_bom_has_the_same_bytes_in_any_order(model, monkeypatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = bom_bytes("0.1.0-7", BOOKWORM, WHEELS, model)
    assert bom_bytes("0.1.0-7", BOOKWORM, WHEELS[::-1], model) == first
    assert json.loads(first)["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert bom_bytes("0.1.0-8", BOOKWORM, WHEELS, model) != first
