"""The wheel of the box: the package `edge` alone, without models, trainer, quantiser and this package.

It is written here and not by a build backend: so its bytes depend on nothing but the sources.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

import edge
from firmware_config.archives import zip_bytes
from firmware_config.errors import FirmwareError

DISTRIBUTION = "gammabox"
_EXTRA = "edge"
_SCRIPT = "gammabox-edge = edge.commands.cli:main"
_WHEEL = "Wheel-Version: 1.0\nGenerator: gammabox-firmware\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
# What belongs to the package beside its Python files; models come with the release on their own.
_DATA = (
    *("py.typed", "detect/*.json", "pages/*.css", "review/*.json", "telemetry/schemas/*"),
    "control_room/page/static/**/*",
)


def wheel_name() -> str:
    """Return the name of the wheel's file."""
    return f"{DISTRIBUTION}-{edge.__version__}-py3-none-any.whl"


def requirements() -> list[str]:
    """Return what the software of the box needs, as pip takes it: without the extras of the other packages.

    Raises
    ------
    FirmwareError
        Gammabox is not installed here, so that its requirements are not known.

    """
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        raise FirmwareError("gammabox is not installed here; install it with: pip install -e '.[firmware]'") from None
    wanted = []
    for line in lines:
        requirement, _, marker = (part.strip() for part in line.partition(";"))
        if not marker or marker.replace('"', "'") == f"extra == '{_EXTRA}'":
            wanted.append(requirement)
    return wanted


def wheel_bytes() -> bytes:
    """Return the content of the wheel. The same sources give the same bytes.

    Source: packaging.python.org, binary distribution format.
    """
    root = Path(edge.__file__).parent
    paths = {path for pattern in ("**/*.py", *_DATA) for path in root.glob(pattern) if path.is_file()}
    files = {f"edge/{path.relative_to(root).as_posix()}": path.read_bytes() for path in sorted(paths)}
    info = f"{DISTRIBUTION}-{edge.__version__}.dist-info"
    files |= {
        f"{info}/METADATA": _metadata().encode(),
        f"{info}/WHEEL": _WHEEL.encode(),
        f"{info}/entry_points.txt": f"[console_scripts]\n{_SCRIPT}\n".encode(),
    }
    record = f"{info}/RECORD"
    lines = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    return zip_bytes({**files, record: "".join([*lines, f"{record},,\n"]).encode()})


def _metadata() -> str:
    about = metadata(DISTRIBUTION)
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {DISTRIBUTION}",
        f"Version: {edge.__version__}",
        "Summary: The software of a Gammabox camera box",
        f"License-Expression: {about['License-Expression']}",
        f"Requires-Python: {about['Requires-Python']}",
        *(f"Requires-Dist: {requirement}" for requirement in requirements()),
    ]
    return "\n".join(lines) + "\n"


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
