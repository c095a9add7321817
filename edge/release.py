"""The release that was installed on the box, as `gammabox-firmware` notes it beside the software."""

from __future__ import annotations

import sys
from pathlib import Path

FILE = "RELEASE"


def installed_release(folder: Path | None = None) -> str | None:
    """Return the first line of the file RELEASE in a folder, by default that of the environment; None without one."""
    try:
        text = ((folder or Path(sys.prefix)) / FILE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    return next((line.strip() for line in text.splitlines() if line.strip()), None)
