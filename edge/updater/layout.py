"""Where the updater's files lie on a box, beside those of `edge.installer.layout`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edge.installer import layout as installed


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
        return installed.base_of(self.root)

    @property
    def pointer(self) -> Path:
        """The link to the slot that runs, from which the unit starts the agent."""
        return self.home / installed.LINK

    @property
    def blobs(self) -> Path:
        """The files of releases, each named by its SHA-256."""
        return self.home / installed.BLOBS

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
    def offer(self) -> Path:
        """The offer of a release that the agent has heard."""
        return self.agent / "update/offer.json"

    @property
    def heartbeat(self) -> Path:
        """What the agent says of itself every other second."""
        return self.root / "run/gammabox/heartbeat.json"

    def slot(self, slot: str) -> Path:
        """Return the folder of a slot."""
        return installed.slot_path(self.home, slot)
