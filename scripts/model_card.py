"""Writes rights, limits and figures into the card of the shipped bundle; `make model` calls it after `convert`.

    python scripts/model_card.py edge/models/alexnet_edge [--figures FIGURES.json]

Rights and limits are those of scripts/model_card.json. FIGURES holds an object whose keys say what was measured and by
which command. Without it the bundle's figures are removed, as they are those of another model.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from edge.bundle import load_bundle, save_bundle

CARD = Path(__file__).with_suffix(".json")


def main() -> None:
    """Read the card and the bundle, and write the bundle again."""
    parser = argparse.ArgumentParser(description="Write the card of the shipped bundle.")
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--figures", type=Path)
    asked = parser.parse_args()
    bundle = load_bundle(asked.bundle)
    card = json.loads(CARD.read_text(encoding="utf-8"))
    figures = json.loads(asked.figures.read_text(encoding="utf-8")) if asked.figures else {}
    manifest = bundle.manifest.model_copy(
        update={
            "provenance": {**bundle.manifest.provenance, "rights": card["rights"]},
            "figures": figures,
            "limits": card["limits"],
        }
    )
    save_bundle(asked.bundle, manifest, bundle.model, bundle.screen)


if __name__ == "__main__":
    main()
