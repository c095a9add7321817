"""The files of a release, by their SHA-256: a folder, or an archive of it."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from contextlib import suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from edge.errors import ReleaseError
from edge.files import why
from edge.installer import envelope as envelopes

if TYPE_CHECKING:
    from pathlib import Path

    from edge.installer.manifest import Manifest, ReleaseFile

FOLDER = "blobs"
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A release as it came: the signed envelope of its manifest, and where its files are."""

    path: Path
    envelope: bytes

    def checked(self, manifest: Manifest, scratch: Path) -> Path:
        """Return a folder that holds every file of a manifest under its SHA-256, all of them checked.

        Parameters
        ----------
        manifest : Manifest
            That of this release, its signature checked.
        scratch : Path
            New folder for what is in an archive; it stays unmade where the release is a folder.

        Raises
        ------
        ReleaseError
            A file is missing, or is not what the manifest names.

        """
        if self.path.is_dir():
            check_blobs(self.path / FOLDER, manifest)
            return self.path / FOLDER
        _extract(self.path, manifest, scratch)
        return scratch


def opened(path: Path) -> Source:
    """Open a release: a folder or an archive.

    Raises
    ------
    ReleaseError
        It is neither.

    """
    try:
        if path.is_dir():
            with (path / envelopes.FILE).open("rb") as file:
                return Source(path, file.read(4 << 20))
        with tarfile.open(path, "r:") as archive:
            first = archive.next()
            content = archive.extractfile(first) if first is not None and first.name == envelopes.FILE else None
            if content is None:
                raise ReleaseError(f"{path}: does not begin with {envelopes.FILE}; name a release's folder or archive")
            return Source(path, content.read(4 << 20))
    except (OSError, tarfile.TarError) as error:
        raise ReleaseError(f"{path}: is no release ({why(error)}); name a release's folder or archive") from error


def check_blobs(blobs: Path, manifest: Manifest) -> None:
    """Raise ReleaseError unless a folder holds every file of a manifest as the manifest names it."""
    for file in manifest.files:
        check_blob(blobs / file.sha256, file)


def check_blob(path: Path, file: ReleaseFile) -> None:
    """Check size and SHA-256 of a file of a release. Raise ReleaseError where they are not those of the manifest."""
    try:
        with path.open("rb") as content:
            _copy(content, None, file)
    except OSError as error:
        raise _damaged(file, why(error)) from error


def keep_blobs(blobs: Path, folder: Path, manifest: Manifest) -> None:
    """Copy the files of a release to where updates look for what is here already.

    An error of the disk ends it without a word: without these files an update fetches more, and works.
    """
    part = folder / "keeping.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in manifest.files:
            if not (folder / file.sha256).exists():
                shutil.copyfile(blobs / file.sha256, part)
                part.replace(folder / file.sha256)
    except OSError:
        with suppress(OSError):
            part.unlink()


def _extract(path: Path, manifest: Manifest, scratch: Path) -> None:
    wanted = {f"{FOLDER}/{file.sha256}": file for file in manifest.files}
    try:
        scratch.mkdir(parents=True)
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                file = wanted.get(member.name)
                content = archive.extractfile(member) if file is not None and member.isreg() else None
                if file is None or content is None:
                    continue
                with (scratch / file.sha256).open("wb") as out:
                    _copy(content, out, file)
                del wanted[member.name]
    except (OSError, tarfile.TarError) as error:
        raise ReleaseError(f"{path}: cannot be unpacked ({why(error)}); check free space, or copy it again") from error
    for file in wanted.values():
        raise _damaged(file, "it is missing")


def _copy(content: IO[bytes], out: IO[bytes] | None, file: ReleaseFile) -> None:
    """Copy a file where there is an output, and raise ReleaseError unless it is what the manifest names."""
    digest, size = hashlib.sha256(), 0
    while size <= file.size and (block := content.read(_BLOCK_BYTES)):
        size += len(block)
        digest.update(block)
        if out is not None and size <= file.size:
            out.write(block)
    if size != file.size:
        raise _damaged(file, f"it has {size if size < file.size else 'more'} bytes, and not {file.size}")
    if digest.hexdigest() != file.sha256:
        raise _damaged(file, f"its SHA-256 is {digest.hexdigest()[:12]}…, and not {file.sha256[:12]}…")


def _damaged(file: ReleaseFile, problem: str) -> ReleaseError:
    return ReleaseError(f"{file.name} of the release is damaged ({problem}); copy or fetch the release again")
