"""The card of the shipped bundle: what stands in the manifest is what the repository says it is."""

import json
from pathlib import Path

from edge.bundle import load_bundle, shipped_bundle_path

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_the_manifest_holds_the_cards_rights_limits_and_figures():
    manifest = load_bundle(shipped_bundle_path()).manifest
    card = json.loads((SCRIPTS / "model_card.json").read_text(encoding="utf-8"))
    assert manifest.provenance["rights"] == card["rights"]
    assert list(manifest.limits) == card["limits"]
    assert manifest.figures == json.loads((SCRIPTS / "model_card_figures.json").read_text(encoding="utf-8"))


def test_limits_hold_no_figures_of_one_network():
    card = json.loads((SCRIPTS / "model_card.json").read_text(encoding="utf-8"))
    assert not [limit for limit in card["limits"] if "0." in limit]
