"""Where everything lies on a box that has two slots; the installer makes the slots and the pointer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Slot = Literal["a", "b"]


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of a box.

    Parameters
    ----------
    root : Path
        The box's own root folder, or one that stands in for it.

    """

    root: Path = Path("/")

    @property
    def home(self) -> Path:
        """The folder of the software, which belongs to root."""
        return self.root / "opt/gammabox"

    @property
    def pointer(self) -> Path:
        """The link to the slot that runs, from which the unit starts the agent."""
        return self.home / "venv"

    @property
    def blobs(self) -> Path:
        """The files of releases, each named by its SHA-256."""
        return self.home / "blobs"

    @property
    def trust(self) -> Path:
        """The keys whose releases the box takes."""
        return self.home / "trust.json"

    @property
    def authority(self) -> Path:
        """The authority of the site, which vouches for the server of the releases."""
        return self.root / "etc/gammabox/ca.crt"

    @property
    def own(self) -> Path:
        """What the updater knows, and its report to the agent."""
        return self.root / "var/lib/gammabox-updater"

    @property
    def agent(self) -> Path:
        """The state of the agent, which belongs to its user."""
        return self.root / "var/lib/gammabox"

    @property
    def announced(self) -> Path:
        """What the agent has heard of a release."""
        return self.agent / "update/announced.json"

    @property
    def heartbeat(self) -> Path:
        """What the agent says of itself every other second."""
        return self.root / "run/gammabox/heartbeat.json"

    def slot(self, slot: Slot) -> Path:
        """Return the folder of a slot."""
        return self.home / "slots" / slot
