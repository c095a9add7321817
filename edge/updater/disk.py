"""Writing that survives a power cut: each step is on disk before the next one begins.

A file that was written and a name that was changed are on disk only when file and folder have been flushed. Every flush
goes through one of the three methods at the end, and the log names it.
"""

from __future__ import annotations

import logging
import os
import shutil
from typing import TYPE_CHECKING

from edge.files import sync_folder

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class Disk:
    """The file system. Every method raises OSError where something cannot be written."""

    def write(self, path: Path, content: bytes, mode: int = 0o644) -> None:
        """Write a file in one step: a power cut leaves the old one or the new one."""
        part = path.with_name(path.name + ".part")
        try:
            self._create(part, content, mode)
            self.flush_file(part)
            part.replace(path)
        except OSError:
            part.unlink(missing_ok=True)  # on a full disk it would keep it full
            raise
        self.flush_folder(path.parent)

    def point(self, link: Path, target: Path) -> None:
        """Let a link name another target, in one step."""
        part = link.with_name(link.name + ".part")
        part.unlink(missing_ok=True)
        part.symlink_to(target)
        part.replace(link)
        self.flush_folder(link.parent)

    def copy(self, source: Path, target: Path) -> None:
        """Copy a file with its mode and owner, in one step."""
        part = target.with_name(target.name + ".part")
        part.unlink(missing_ok=True)
        status = source.lstat()
        try:
            shutil.copyfile(source, part, follow_symlinks=False)
            part.chmod(status.st_mode & 0o777)
            if os.geteuid() == 0:
                os.chown(part, status.st_uid, status.st_gid, follow_symlinks=False)
            self.flush_file(part)
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        self.flush_folder(target.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Rename a file within its folder, or within the file system; an old target goes."""
        source.replace(target)
        self.flush_folder(target.parent)
        if source.parent != target.parent:
            self.flush_folder(source.parent)

    def make_folder(self, path: Path, mode: int = 0o755) -> None:
        """Make a folder and those above it where they are missing."""
        missing = [each for each in (path, *path.parents) if not each.is_dir()]
        for folder in reversed(missing):
            folder.mkdir(mode=mode, exist_ok=True)
            self.flush_folder(folder.parent)

    def remove(self, path: Path) -> None:
        """Remove a file or a folder with all that is in it; nothing happens where it is missing."""
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.is_symlink() or path.exists():
            path.unlink()
        else:
            return
        self.flush_folder(path.parent)

    def flush_file(self, path: Path) -> None:
        """Wait until the content of a file is on disk."""
        log.debug("flush the file %s", path)
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

    def flush_folder(self, path: Path) -> None:
        """Wait until the names in a folder are on disk."""
        log.debug("flush the folder %s", path)
        sync_folder(path)

    def flush_all(self) -> None:
        """Wait until everything is on disk."""
        log.debug("flush everything")
        os.sync()

    def _create(self, path: Path, content: bytes, mode: int) -> None:
        path.unlink(missing_ok=True)
        # A new file, so that nothing is written through a link of this name.
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with open(opened, "wb") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
