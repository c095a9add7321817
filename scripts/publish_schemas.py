"""Write the contract with subscribers into the package, and note the digest of its version."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from edge.telemetry.contract import VERSION, digest, files

FOLDER = Path(__file__).parents[1] / "edge" / "telemetry" / "schemas"
VERSIONS = FOLDER / "versions.json"


def publish(folder: Path) -> bool:
    """Write the files into a folder. Return False, and write nothing, where the version has another content there."""
    known = folder / VERSIONS.name
    versions = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    if versions.setdefault(VERSION, digest()) != digest():
        return False
    folder.mkdir(exist_ok=True)
    for name, text in {**files(), VERSIONS.name: json.dumps(versions, indent=1) + "\n"}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return True


def main() -> int:
    """Publish into the package. Return the exit code."""
    if publish(FOLDER):
        return 0
    sys.stderr.write(f"contract {VERSION} is published already: raise VERSION in edge/telemetry/contract.py\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
