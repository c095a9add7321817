"""The manifest of the shipped bundle holds the card that the repository keeps."""

import json
from pathlib import Path

from edge.bundle import load_bundle, shipped_bundle_path

SCRIPTS = Path(__file__).parent.parent.parent / "scripts"


def test_manifest_holds_rights_limits_and_figures_of_the_card():
    manifest = load_bundle(shipped_bundle_path()).manifest
    card = json.loads((SCRIPTS / "model_card.json").read_text(encoding="utf-8"))
    assert manifest.provenance["rights"] == card["rights"]
    assert list(manifest.limits) == card["limits"]
    assert manifest.figures == json.loads((SCRIPTS / "model_card_figures.json").read_text(encoding="utf-8"))


def test_card_limits_hold_no_figures_of_one_network():
    card = json.loads((SCRIPTS / "model_card.json").read_text(encoding="utf-8"))
    assert not [limit for limit in card["limits"] if "0." in limit]
