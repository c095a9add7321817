"""Reads and changes an ext4 file system within an image, by debugfs: no mount, no root.

debugfs ends with 0 whatever happens, so all that it says on stderr counts as a failure, and what was written is read
back.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from edge.text import one_line
from firmware_config.errors import ImageError
from firmware_config.image.programs import last_line, run, with_clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BANNER = re.compile(r"debugfs \d[\w.]* \(")
_NOT_FOUND = "File not found"
_LINK = re.compile(r'^Fast link dest: "(.*)"', re.MULTILINE)
_KINDS = {"regular": "file", "directory": "folder", "symlink": "link"}


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: its path in the image, its content (or where that lies), and its rights."""

    path: str
    content: bytes | Path
    mode: int = 0o644


class Ext4:
    """An ext4 file system that begins at an offset of an image. Paths are absolute and of plain letters."""

    def __init__(self, image: Path, offset: int, clock_s: int) -> None:
        self._image = image
        self._place = f"{image}?offset={offset}"
        self._more = with_clock(clock_s)

    def kind(self, path: str) -> str | None:
        """Return `file`, `folder`, `link` or another kind; None where nothing is there. Links are not followed."""
        text = self._query(f"stat {path}")
        if text is None:
            return None
        word = re.search(r"Type: (\w+)", text)
        kind = word[1] if word else "unknown"
        return _KINDS.get(kind, kind)

    def target(self, path: str) -> str | None:
        """Return where a symbolic link points; None where there is none."""
        text = self._query(f"stat {path}")
        link = _LINK.search(text) if text is not None else None
        return link[1] if link else None

    def read(self, path: str) -> bytes | None:
        """Return the content of a file; None where it is missing or no file."""
        if self.kind(path) != "file":
            return None
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "out"
            self._execute([f"dump {path} {out}"], write=False)
            return out.read_bytes()

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder; none where it is missing."""
        text = self._query(f"ls -p {folder}")
        entries = [line.split("/") for line in (text or "").splitlines() if line.startswith("/")]
        return sorted(entry[5] for entry in entries if len(entry) > 5 and entry[5] not in {".", "..", ""})

    def free_bytes(self) -> int:
        """Return how much is free for those who are not root."""
        text = self._query("show_super_stats -h") or ""

        def number(name: str) -> int:
            line = re.search(rf"^{name}:\s+(\d+)$", text, re.MULTILINE)
            if line is None:
                raise ImageError(f"{self._image}: {name} cannot be read from its ext4; is the image damaged?")
            return int(line[1])

        return (number("Free blocks") - number("Reserved block count")) * number("Block size")

    def remove(self, paths: Iterable[str]) -> None:
        """Remove files."""
        self._execute([f"rm {path}" for path in paths])

    def make_folders(self, folders: Iterable[str]) -> None:
        """Make folders of root's, those above included, where they are missing."""
        commands = []
        known: set[str] = set()
        for folder in folders:
            for each in [*reversed(PurePosixPath(folder).parents), PurePosixPath(folder)]:
                path = str(each)
                if path != "/" and path not in known and self.kind(path) is None:
                    commands += [f"mkdir {path}", f"sif {path} mode 040755"]
                known.add(path)
        self._execute(commands)

    def write(self, files: Sequence[NewFile]) -> None:
        """Write files of root's, in place of those of the same name, and read them back.

        Raises
        ------
        ImageError
            A file cannot be written, or holds something else afterwards.

        """
        self.make_folders(str(PurePosixPath(file.path).parent) for file in files)
        with tempfile.TemporaryDirectory() as name:
            commands = []
            for number, file in enumerate(files):
                source = file.content
                if isinstance(source, bytes):
                    source = Path(name) / str(number)
                    source.write_bytes(file.content if isinstance(file.content, bytes) else b"")
                if self.kind(file.path) is not None:
                    commands.append(f"rm {file.path}")
                commands += [f'write "{source}" {file.path}', f"sif {file.path} mode 0{0o100000 | file.mode:o}"]
                commands += [f"sif {file.path} {field} 0" for field in ("uid", "gid")]
            self._execute(commands)
            for file in files:
                self._compare(file, Path(name) / "back")

    def check(self) -> None:
        """Raise ImageError unless e2fsck finds the file system clean."""
        ran = run(["e2fsck", "-f", "-n", self._place])
        if ran.returncode != 0:
            raise ImageError(
                f"{self._image}: e2fsck finds its ext4 damaged ({last_line(ran.stdout)}); take another image"
            )

    def _compare(self, file: NewFile, back: Path) -> None:
        self._execute([f"dump {file.path} {back}"], write=False)
        wanted = file.content if isinstance(file.content, bytes) else file.content.read_bytes()
        same = hashlib.sha256(back.read_bytes()).digest() == hashlib.sha256(wanted).digest()
        stat = self._query(f"stat {file.path}") or ""
        rights = re.search(r"Mode:\s+0?(\d+)", stat)
        if not same or rights is None or int(rights[1], 8) & 0o7777 != file.mode:
            raise ImageError(f"{self._image}: {file.path} was not written as it should be; is its disk full?")
        back.unlink()

    def _query(self, request: str) -> str | None:
        """Return the answer to a request; None where the path is missing."""
        ran = run(["debugfs", "-R", request, self._place])
        complaint = _complaint(ran.stderr)
        if _NOT_FOUND in complaint or "not a directory" in complaint.lower():
            return None
        if complaint:
            raise ImageError(f"{self._image}: its ext4 cannot be read ({one_line(complaint, 200)}); download it again")
        return ran.stdout.decode("utf-8", "replace")

    def _execute(self, commands: Sequence[str], *, write: bool = True) -> None:
        if not commands:
            return
        with tempfile.NamedTemporaryFile("w", suffix=".debugfs", encoding="utf-8") as script:
            script.write("\n".join(commands) + "\n")
            script.flush()
            ran = run(["debugfs", *(["-w"] if write else []), "-f", script.name, self._place], more=self._more)
        complaint = _complaint(ran.stderr)
        if complaint or ran.returncode != 0:
            raise ImageError(f"{self._image}: its ext4 cannot be changed ({one_line(complaint, 200)}); is it full?")


def _complaint(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").splitlines()
    return " ".join(line.strip() for line in lines if line.strip() and not _BANNER.match(line))
