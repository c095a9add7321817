"""Reads and changes a FAT file system in a file of its own, by mtools: no mount, no root."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_config.errors import ImageError
from firmware_config.image.programs import last_line, run, with_clock

if TYPE_CHECKING:
    from collections.abc import Mapping


class Fat:
    """A FAT file system, taken out of an image into a file beside it."""

    def __init__(self, file: Path, clock_s: int) -> None:
        self._file = file
        # Without this mtools refuses file systems whose geometry is not that of an old disk.
        self._more = {"MTOOLS_SKIP_CHECK": "1", **with_clock(clock_s)}

    def read(self, name: str) -> bytes | None:
        """Return the content of a file; None where it is missing."""
        ran = run(["mtype", "-i", self._file, f"::/{name}"], more=self._more)
        return ran.stdout if ran.returncode == 0 else None

    def names(self, folder: str = "") -> list[str]:
        """Return the names in a folder; none where it is missing."""
        ran = run(["mdir", "-b", "-i", self._file, f"::/{folder}"], more=self._more)
        lines = ran.stdout.decode("utf-8", "replace").splitlines() if ran.returncode == 0 else []
        return sorted(line.rstrip("/").rpartition("/")[2] for line in lines)

    def write(self, files: Mapping[str, bytes]) -> None:
        """Write files, in place of those of the same name, and read them back.

        Raises
        ------
        ImageError
            A file cannot be written, or holds something else afterwards.

        """
        known = set(self.names())
        for folder in sorted({name.rpartition("/")[0] for name in files if "/" in name}):
            if folder not in known:
                self._execute("mmd", "-i", self._file, f"::/{folder}")
        with tempfile.TemporaryDirectory() as place:
            for name, content in files.items():
                source = Path(place) / "source"
                source.write_bytes(content)
                self._execute("mcopy", "-o", "-i", self._file, source, f"::/{name}")
        for name, content in files.items():
            if self.read(name) != content:
                raise ImageError(f"{name} was not written to the boot partition as it should be; is it full?")

    def check(self) -> None:
        """Raise ImageError unless fsck.fat finds the file system clean."""
        ran = run(["fsck.fat", "-n", self._file])
        if ran.returncode != 0:
            raise ImageError(f"fsck.fat finds the boot partition damaged ({last_line(ran.stdout)}); take another image")

    def _execute(self, *words: str | Path) -> None:
        ran = run(words, more=self._more)
        if ran.returncode != 0:
            raise ImageError(f"the boot partition cannot be written ({last_line(ran.stderr)}); is it full?")
