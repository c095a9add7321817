"""The release that was installed on the box: its name and its model, which lie beside the software."""

from __future__ import annotations

import sys
from pathlib import Path

FILE = "RELEASE"
MODEL_FOLDER = "model"
"""Where a release puts its model bundle, within its environment."""


def installed_release(folder: Path | None = None) -> str | None:
    """Return the first line of the file RELEASE in a folder, by default that of the environment; None without one."""
    try:
        text = ((folder or Path(sys.prefix)) / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return next((line.strip() for line in text.splitlines() if line.strip()), None)


def installed_model(folder: Path | None = None) -> Path | None:
    """Return the folder of the model bundle that a release has put beside the software; None without one."""
    model = (folder or Path(sys.prefix)) / MODEL_FOLDER
    return model if (model / "model.json").is_file() else None
