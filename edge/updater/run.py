"""One run of the updater: go on where the last one was ended, then take up the offer of a release, if there is one.

A release counts only by its signature. Whatever is wrong with an offer, the running slot is untouched.
"""

from __future__ import annotations

import fcntl
import logging
import os
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import ReleaseError
from edge.installer import envelope as envelopes
from edge.installer.envelope import verified
from edge.installer.install import Place, accepted, box_trust, system_python
from edge.installer.layout import SLOTS, TOOL, other_slot, slot_manifest
from edge.installer.manifest import MAX_BYTES
from edge.installer.slot import install_slot, require_space
from edge.installer.trust import FILE as TRUST_FILE
from edge.installer.trust import trust_text
from edge.updater.download import blob_url, fetch, get, is_whole
from edge.updater.errors import RefusedError, UpdaterError
from edge.updater.machine import Candidate, Machine
from edge.updater.offer import Offer, read_offer
from edge.updater.report import Report, write_report
from edge.updater.snapshot import size_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.installer.envelope import Verified
    from edge.installer.manifest import Manifest
    from edge.updater.disk import Disk
    from edge.updater.download import Server
    from edge.updater.layout import Layout
    from edge.updater.machine import Surroundings
    from edge.updater.report import Step

log = logging.getLogger(__name__)

LOCK = "lock"
TOOL_PATIENCE_S = 60.0


class Updater:
    """The updater of a box.

    Parameters
    ----------
    layout : Layout
    disk : Disk
    around : Surroundings
    server : Server

    """

    def __init__(self, layout: Layout, disk: Disk, around: Surroundings, server: Server) -> None:
        self._layout, self._disk, self._around, self._server = layout, disk, around, server
        self._place = Place(layout.root)

    def recover(self) -> None:
        """Bring the box in order at its start, before the agent starts.

        Raises
        ------
        UpdaterError
            The box has no slots, or its state file is damaged.

        """
        with locked(self._layout, self._disk):
            Machine(self._layout, self._disk, self._around).recover()

    def run(self) -> None:
        """Do what is due.

        Raises
        ------
        UpdaterError
            The box has no slots, its state file is damaged, or systemd does not answer.

        """
        with locked(self._layout, self._disk):
            machine = Machine(self._layout, self._disk, self._around)
            machine.resume()
            offer = read_offer(self._layout.offer)
            if machine.state.phase == "idle" and offer is not None and offer.offer != machine.state.done:
                self._take_up(offer, machine)
            if machine.state.phase == "idle":
                is_done = offer is None or offer.offer == machine.state.done
                self._tidy(machine.state.active, prune=is_done)

    def _take_up(self, offer: Offer, machine: Machine) -> None:
        try:
            self._report(offer, "fetching")
            release, url = self._chosen(offer)
            running = self._running(machine.state.active)
            if running is not None and release.sha256 == running.sha256:
                machine.settle_offer(offer.offer)
                self._report(offer, "committed", "it runs already")
                return
            if offer.again:
                machine.forgive(release.sha256)
            machine.require_untried(release.sha256)
            self._fetch(release.manifest, url)
            name = release.manifest.name
            machine.update(Candidate(name, release.sha256, lambda slot: self._fill(release, slot)), offer.offer)
        except (ReleaseError, RefusedError) as error:
            log.warning("release %s is refused: %s", offer.release, error)
            self._report(offer, "refused", str(error))
            machine.settle_offer(offer.offer)
        except (UpdaterError, OSError) as error:
            if machine.state.phase != "idle":
                raise
            log.warning("release %s has to wait: %s", offer.release, error)
            self._report(offer, "waiting", str(error))

    def _chosen(self, offer: Offer) -> tuple[Verified, str]:
        """Return the first release of an offer that is for this box, and the address of its manifest."""
        refusals = []
        for url in offer.urls:
            envelope = get(url, self._server, 2 * MAX_BYTES)
            try:
                return accepted(envelope, self._place), url
            except ReleaseError as error:
                refusals.append(error)
        raise refusals[0]

    def _running(self, active: str) -> Verified | None:
        """Return the release in the active slot; None where its signature does not count any more."""
        try:
            envelope = (self._layout.slot(active) / envelopes.FILE).read_bytes()
            return verified(envelope, box_trust(self._place))
        except (OSError, ReleaseError):
            return None

    def _fetch(self, manifest: Manifest, url: str) -> None:
        """Fetch the files that are not here yet, after a look at the free space."""
        blobs = self._layout.blobs
        self._disk.make_folder(blobs)
        missing = [file for file in manifest.files if not is_whole(blobs / file.sha256, file)]
        have = sum(part.stat().st_size for file in missing if (part := blobs / f"{file.sha256}.part").exists())
        more = sum(file.size for file in missing) - have + size_of(self._layout.agent)
        require_space(self._layout.slot(other_slot(self._layout.home)), manifest, more)
        for file in missing:
            log.info("fetching %s, %d bytes", file.name, file.size)
            fetch(blob_url(url, file.sha256), blobs / file.sha256, file, self._server, self._disk)

    def _fill(self, release: Verified, slot: Path) -> None:
        install_slot(release, self._layout.blobs, slot, python=system_python(), say=lambda step: log.info("%s", step))

    def _tidy(self, active: str, *, prune: bool) -> None:
        """Let keys, tool and files follow the release that runs. What fails here is done in the next run."""
        release = self._running(active)
        try:
            if release is not None and release.trust != box_trust(self._place):
                path = self._layout.home / TRUST_FILE
                self._disk.write(path, trust_text(release.trust).encode(), 0o644)
            if prune:  # else an interrupted download goes on in the next run
                self._prune()
            if release is not None:
                self._renew_tool(release.manifest)
        except (OSError, ReleaseError) as error:
            log.warning("keys, tool or files could not follow the release (%s)", error)

    def _prune(self) -> None:
        """Remove files of releases that are in neither slot."""
        kept = {
            file.sha256
            for slot in SLOTS
            if (manifest := slot_manifest(self._layout.slot(slot))) is not None
            for file in manifest.files
        }
        if kept and self._layout.blobs.is_dir():
            for path in sorted(self._layout.blobs.iterdir()):
                if path.name not in kept:
                    self._disk.remove(path)

    def _renew_tool(self, manifest: Manifest) -> None:
        """Replace this tool by that of the release, where that one can be started. Nothing is imported afterwards."""
        (file,) = manifest.of_kind("tool")
        blob, tool = self._layout.blobs / file.sha256, self._layout.home / TOOL
        if is_whole(tool, file) or not is_whole(blob, file):
            return
        command = [system_python(), "-I", str(blob), "show", "--root", str(self._layout.root)]
        ran = subprocess.run(command, capture_output=True, check=False, timeout=TOOL_PATIENCE_S)
        if ran.returncode:
            log.warning("the tool of release %s does not start, so the old one stays", manifest.name)
            return
        self._disk.write(tool, blob.read_bytes(), 0o755)

    def _report(self, offer: Offer, step: Step, reason: str = "") -> None:
        write_report(self._disk, self._layout.own, Report(offer.offer, offer.release, step, reason))


@contextmanager
def locked(layout: Layout, disk: Disk) -> Iterator[None]:
    """Keep other updaters of this box out.

    Raises
    ------
    UpdaterError
        Another one is at work.

    """
    disk.make_folder(layout.own)
    opened = os.open(layout.own / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpdaterError(f"{layout.own}: another updater is at work; try again in some minutes") from None
        yield
    finally:
        os.close(opened)
