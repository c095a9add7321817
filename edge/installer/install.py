"""Installs a release on this box: checks it, fills the slot that is not active, makes it the active one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.installer import layout
from edge.installer.blobs import keep_blobs, opened
from edge.installer.box import read_box, refusal
from edge.installer.envelope import Verified, verified
from edge.installer.setup import SETTINGS, place_file, restart_agent, set_up_box
from edge.installer.slot import install_slot, require_space
from edge.installer.trust import FILE as TRUST_FILE
from edge.installer.trust import Trust, load_trust, save_trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.installer.manifest import Manifest

_SCRATCH = "incoming"
_CSI = re.compile(r"^\s+spec:\s*[\"']?csi", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a release is installed: the root, the keys for a box that has none yet, and the box's own folder."""

    root: Path = Path("/")
    trust: Path | None = None
    box: Path | None = None

    @property
    def base(self) -> Path:
        """The folder of Gammabox."""
        return layout.base_of(self.root)


def box_trust(place: Place) -> Trust:
    """Return what the box trusts; the keys that were brought along count only where it knows none.

    Raises
    ------
    ReleaseError
        A file of keys is damaged, or there is none.

    """
    own = place.base / TRUST_FILE
    if own.exists():
        return load_trust(own)
    if place.trust is None:
        raise ReleaseError(f"{own}: this box knows no keys of releases yet; give them with --trust")
    return load_trust(place.trust)


def accepted(envelope: bytes, place: Place, *, allow_older: bool = False) -> Verified:
    """Check that a release is signed by a trusted key and is for this box.

    Raises
    ------
    ReleaseError
        It is not, with the reason.

    """
    release = verified(envelope, box_trust(place))
    reason = refusal(
        release.manifest,
        read_box(place.root),
        minimum=release.trust.minimum,
        installed=layout.installed_number(place.base),
        allow_older=allow_older,
    )
    if reason is not None:
        raise ReleaseError(reason)
    return release


def install(
    path: Path, place: Place, *, allow_older: bool = False, start: bool = True, say: Callable[[str], None]
) -> Verified:
    """Install a release, given as a folder or an archive, and make it the active one.

    Where anything fails, the active slot is as it was.

    Raises
    ------
    ReleaseError
        The release is refused, damaged, or cannot be installed.

    """
    source = opened(path)
    release = accepted(source.envelope, place, allow_older=allow_older)
    manifest, base = release.manifest, place.base
    slot = layout.other_slot(base)
    say(f"release {manifest.name}: signature and box are right; checking {len(manifest.files)} files")
    base.mkdir(parents=True, exist_ok=True)
    require_space(layout.slot_path(base, slot), manifest, sum(file.size for file in manifest.files))
    scratch = base / _SCRATCH
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        blobs = source.checked(manifest, scratch)
        install_slot(
            release,
            blobs,
            layout.slot_path(base, slot),
            python=system_python(),
            say=lambda step: say(f"slot {slot}: {step}"),
        )
        (tool,) = manifest.of_kind("tool")
        place_file(blobs / tool.sha256, base / layout.TOOL, 0o755)
        keep_blobs(blobs, base / layout.BLOBS, manifest)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if place.box is not None:
        set_up_box(place.root, place.box)
        say("settings and service of the box are in their place")
    for warning in csi_warnings(place.root, layout.slot_path(base, slot), manifest):
        say(f"warning: {warning}")
    moved = layout.switch(base, slot)
    if moved is not None:
        say(f"the environment that was installed by hand is now {moved}; remove it when all works")
    save_trust(base / TRUST_FILE, release.trust)
    if start and place.root.samefile("/"):
        restart_agent()
        say("the agent was started again")
    say(f"release {manifest.name} is installed in slot {slot}")
    return release


def csi_warnings(root: Path, slot: Path, manifest: Manifest) -> list[str]:
    """Return what a box with a CSI camera lacks: the camera's library belongs to the system, not to a release."""
    try:
        settings = (root / SETTINGS / "device.yaml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    if not manifest.system_packages or not _CSI.search(settings):
        return []
    command = [str(slot / "bin/python"), "-I", "-c", "import picamera2"]
    if subprocess.run(command, capture_output=True, check=False).returncode == 0:
        return []
    packages = " ".join(manifest.system_packages)
    return [f"its CSI camera needs packages of the system; give: sudo apt-get install {packages}"]


def shown_state(root: Path) -> str:
    """Return what is installed below a root folder, a line a slot."""
    base = layout.base_of(root)
    active = layout.active_slot(base)
    lines = []
    for slot in layout.SLOTS:
        manifest = layout.slot_manifest(layout.slot_path(base, slot))
        what = "no whole release" if manifest is None else f"release {manifest.name}, number {manifest.number}"
        lines.append(f"slot {slot}: {what}{' (active)' if slot == active else ''}")
    return "\n".join(lines)


def system_python() -> str:
    """Return the Python that environments are made from: the system's, also where an environment runs this."""
    base = Path(getattr(sys, "_base_executable", sys.executable))
    return os.fspath(base if base.exists() else sys.executable)
