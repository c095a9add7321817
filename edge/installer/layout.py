"""Where everything lies on a box: two slots, of which a link names the active one.

/opt/gammabox/slots/a, b     each a virtual environment at its final place, with model/, release.json and RELEASE
/opt/gammabox/venv           the link to the active slot, which units and people use
/opt/gammabox/trust.json     keys of releases
/opt/gammabox/blobs          files of the releases in the slots, so that an update fetches only what is new
/opt/gammabox/gammabox-box.pyz   this tool, outside the slots
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.files import sync_folder
from edge.installer import envelope as envelopes
from edge.installer.manifest import Manifest, parse_manifest
from edge.release import FILE as RELEASE_FILE

if TYPE_CHECKING:
    from pathlib import Path

BASE = "opt/gammabox"
SLOTS = ("a", "b")
LINK = "venv"
BY_HAND = "venv.by-hand"
TOOL = "gammabox-box.pyz"
BLOBS = "blobs"


def base_of(root: Path) -> Path:
    """Return the folder of Gammabox below a root."""
    return root / BASE


def slot_path(base: Path, slot: str) -> Path:
    """Return the folder of a slot."""
    return base / "slots" / slot


def active_slot(base: Path) -> str | None:
    """Return the slot that the link names; None where there is none, or a folder that was made by hand."""
    try:
        target = (base / LINK).readlink().as_posix()
    except OSError:
        return None
    return next((slot for slot in SLOTS if target == f"slots/{slot}"), None)


def other_slot(base: Path) -> str:
    """Return the slot that is not active, in which a release is installed."""
    return "b" if active_slot(base) == "a" else "a"


def slot_manifest(slot: Path) -> Manifest | None:
    """Return the manifest of the release in a slot; None where no release is there as a whole."""
    try:
        if not (slot / RELEASE_FILE).stat().st_size:
            return None
        return parse_manifest(envelopes.unverified_payload((slot / envelopes.FILE).read_bytes()))
    except (OSError, ReleaseError):
        return None


def installed_number(base: Path) -> int | None:
    """Return the number of the release in the active slot; None without one."""
    slot = active_slot(base)
    manifest = None if slot is None else slot_manifest(slot_path(base, slot))
    return None if manifest is None else manifest.number


def switch(base: Path, slot: str) -> Path | None:
    """Make a slot the active one, in one step. The agent has to be started again.

    Returns
    -------
    Path or None
        Where an environment that was made by hand has been moved to; None where there was none.

    Raises
    ------
    ReleaseError
        No release is in the slot as a whole; nothing was changed.
    OSError
        The link cannot be written; the old one is untouched.

    """
    if slot_manifest(slot_path(base, slot)) is None:
        raise ReleaseError(f"slot {slot} holds no whole release, so it cannot become the active one; install one there")
    link, part, moved = base / LINK, base / f"{LINK}.part", None
    part.unlink(missing_ok=True)
    part.symlink_to(f"slots/{slot}")
    if link.is_dir() and not link.is_symlink():
        moved = next(path for path in _places(base) if not path.exists())
        link.rename(moved)
    part.replace(link)
    sync_folder(base)
    return moved


def _places(base: Path) -> list[Path]:
    return [base / BY_HAND, *(base / f"{BY_HAND}-{number}" for number in range(2, 100))]
