"""Releases on a web server: copied into its folder, and looked at from outside as the boxes see them."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from edge.files import why
from edge.installer.blobs import FOLDER, opened
from edge.installer.envelope import unverified_payload
from edge.installer.manifest import MAX_BYTES, Manifest, parse_manifest
from edge.updater.download import Server, blob_url, get, size_at
from firmware_config.errors import FirmwareError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from firmware_config.site import Box


@dataclass(frozen=True, slots=True)
class Published:
    """A release, its envelope, and the address of that."""

    path: Path
    manifest: Manifest
    envelope: bytes
    url: str

    @property
    def file_name(self) -> str:
        """The name of the envelope on the server."""
        return self.url.rpartition("/")[2]


def read_releases(paths: Sequence[Path], base_url: str) -> list[Published]:
    """Read the releases of a roll-out: one number, for one or more kinds of boxes.

    Raises
    ------
    ReleaseError
        One is no release.
    FirmwareError
        They have different numbers, or the address is no HTTPS one.

    """
    if not base_url.startswith("https://"):
        raise FirmwareError(f"{base_url}: expected an address that begins with https://")
    base = base_url if base_url.endswith("/") else f"{base_url}/"
    found = []
    for path in paths:
        source = opened(path)
        manifest = parse_manifest(unverified_payload(source.envelope))
        name = path.absolute().name.removesuffix(".tar")
        found.append(Published(path, manifest, source.envelope, urljoin(base, f"{name}.json")))
    names = sorted({each.manifest.name for each in found})
    if len(names) > 1:
        raise FirmwareError(f"found the releases {' and '.join(names)}; roll out one at a time")
    return found


def urls_of(box: Box, published: Sequence[Published]) -> list[str]:
    """Return the addresses of the releases for a box's board; the box itself knows its system and Python."""
    return [each.url for each in published if box.board in each.manifest.target.boards]


def publish(published: Published, folder: Path) -> int:
    """Copy a release into the folder of a web server, its envelope last. Return how many files were new.

    Raises
    ------
    ReleaseError
        A file of the release is damaged.
    OutputError
        The folder cannot be written.

    """
    source, manifest = opened(published.path), published.manifest
    try:
        (folder / FOLDER).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".incoming-") as scratch:
            blobs = source.checked(manifest, Path(scratch) / "blobs")
            new = {file.sha256 for file in manifest.files if not (folder / FOLDER / file.sha256).exists()}
            for sha256 in sorted(new):
                part = Path(scratch) / sha256
                shutil.copyfile(blobs / sha256, part)
                part.chmod(0o644)
                part.replace(folder / FOLDER / sha256)
            part = Path(scratch) / published.file_name
            part.write_bytes(published.envelope)
            part.chmod(0o644)
            part.replace(folder / published.file_name)
    except OSError as error:
        raise OutputError(folder, f"cannot be written ({why(error)})", "check rights and free space") from error
    return len(new)


def require_served(published: Published, server: Server) -> None:
    """Raise FirmwareError unless a server gives a release out as it is here, looked at as a box does."""
    served = get(published.url, server, 2 * MAX_BYTES)
    if served != published.envelope:
        raise FirmwareError(f"{published.url}: is another release than {published.path}; publish it with --publish")
    for file in published.manifest.files:
        url = blob_url(published.url, file.sha256)
        size = size_at(url, server)
        if size != file.size:
            raise FirmwareError(
                f"{url}: has {size} bytes, and {file.name} has {file.size}; publish the release with --publish"
            )
