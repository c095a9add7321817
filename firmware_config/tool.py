"""The tool of a box: one file of Python's standard library that checks and installs releases, outside the slots."""

from __future__ import annotations

from pathlib import Path

import edge
from edge.installer.layout import TOOL
from firmware_config.archives import zip_bytes

NAME = TOOL
ROOMS = ("installer", "updater")
"""Rooms of `edge` that are packed as a whole."""
MODULES = ("__init__", "arguments", "errors", "files", "lazy", "redaction", "release", "text")
"""Modules of `edge` that they need."""
_START = "#!/usr/bin/env python3\n"
_MAIN = "from edge.updater.__main__ import main\n\nmain()\n"


def tool_bytes() -> bytes:
    """Return the content of the tool. The same sources give the same bytes."""
    root = Path(edge.__file__).parent
    paths = [root / f"{name}.py" for name in MODULES]
    paths += [path for room in ROOMS for path in (root / room).rglob("*.py")]
    files = {f"edge/{path.relative_to(root).as_posix()}": path.read_bytes() for path in sorted(paths)}
    return _START.encode() + zip_bytes({"__main__.py": _MAIN.encode(), **files})
