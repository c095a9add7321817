"""A file system that loses power: what was not flushed is lost, or comes in part, as a real one may do it."""

import os
import shutil
from pathlib import Path

from edge.updater.disk import Disk

POLICIES = ("nothing", "names", "everything")
"""What a cut leaves of what was not flushed: nothing; names, of files whose content is empty or old; everything."""


class PowerCutError(BaseException):
    """The power is gone. It derives from BaseException, so that no handler of the code under test goes on."""


class CuttingDisk(Disk):
    """A disk below a folder, cut off before the flush with a given number.

    It knows of each file by its inode what was flushed of it, and of each folder which names. SQLite flushes by
    itself, so the content of its files counts as flushed; their renaming does not.
    """

    def __init__(self, root: Path, cut_at: int | None = None, opaque: str = "outbox.sqlite") -> None:
        self.root = root
        self.flushes: list[str] = []
        self._cut_at = cut_at
        self._opaque = opaque
        self._contents: dict[int, tuple[bytes, int]] = {}
        self._names: dict[int, dict[str, tuple[str, int, str]]] = {}
        self._renamed: dict[Path, bytes | None] = {}
        self._held: list[int] = []
        self._note_tree()

    def flush_file(self, path: Path) -> None:
        self._before(f"file {path.relative_to(self.root)}")
        super().flush_file(path)
        self._note_file(path)

    def flush_folder(self, path: Path) -> None:
        self._before(f"folder {path.relative_to(self.root)}")
        super().flush_folder(path)
        self._note_folder(path)
        self._renamed = {name: old for name, old in self._renamed.items() if name.parent != path}

    def flush_all(self) -> None:
        self._before("everything")
        self._note_tree()
        self._renamed.clear()

    def rename(self, source: Path, target: Path) -> None:
        self._renamed[source] = source.read_bytes()
        self._renamed[target] = target.read_bytes() if target.exists() else None
        super().rename(source, target)

    def lose(self, policy: str) -> None:
        """Leave on disk what a power cut leaves."""
        if policy == "everything":
            return
        kept = self._after_cut(self.root, policy)
        for path in self.root.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        for path, (kind, content, mode) in kept.items():
            if kind == "folder":
                path.mkdir()
            elif kind == "link":
                path.symlink_to(content)
            else:
                path.write_bytes(content)
                path.chmod(mode)

    def close(self) -> None:
        for opened in self._held:
            os.close(opened)
        self._held.clear()

    def _before(self, what: str) -> None:
        if self._cut_at == len(self.flushes):
            raise PowerCutError(what)
        self.flushes.append(what)

    def _note_tree(self) -> None:
        for folder, _, files in os.walk(self.root):
            self._note_folder(Path(folder))
            for name in files:
                path = Path(folder, name)
                if not path.is_symlink():
                    self._note_file(path)

    def _note_file(self, path: Path) -> None:
        status = path.stat()
        self._hold(path, status.st_ino)
        self._contents[status.st_ino] = (path.read_bytes(), status.st_mode & 0o777)

    def _note_folder(self, path: Path) -> None:
        self._hold(path, path.stat().st_ino)
        self._names[path.stat().st_ino] = {each.name: self._entry(each) for each in path.iterdir()}

    def _entry(self, path: Path) -> tuple[str, int, str]:
        status = path.lstat()
        if path.is_symlink():
            return "link", status.st_ino, str(path.readlink())
        self._hold(path, status.st_ino)
        return ("folder" if path.is_dir() else "file"), status.st_ino, ""

    def _hold(self, path: Path, inode: int) -> None:
        # A number that is held open is not given to another file.
        if inode not in self._contents and inode not in self._names:
            self._held.append(os.open(path, os.O_PATH))

    def _after_cut(self, root: Path, policy: str) -> dict[Path, tuple[str, object, int]]:
        kept: dict[Path, tuple[str, object, int]] = {}
        waiting = [(root, root.stat().st_ino)]
        while waiting:
            folder, inode = waiting.pop(0)
            names = dict(self._names.get(inode, {}))
            if folder.is_dir() and policy == "names" and folder.stat().st_ino == inode:
                names = {each.name: self._entry(each) for each in folder.iterdir()}
            names |= self._opaque_in(folder, names)
            for name, (kind, number, target) in sorted(names.items()):
                path = folder / name
                if kind == "folder":
                    kept[path] = (kind, None, 0)
                    waiting.append((path, number))
                elif kind == "link":
                    kept[path] = (kind, target, 0)
                else:
                    self._keep_file(kept, path, number, policy)
        return kept

    def _opaque_in(self, folder: Path, names: dict[str, tuple[str, int, str]]) -> dict[str, tuple[str, int, str]]:
        for name in [name for name in names if name.startswith(self._opaque) and not (folder / name).exists()]:
            if folder / name not in self._renamed:
                del names[name]  # SQLite has removed it
        if not folder.is_dir():
            return {}
        return {each.name: self._entry(each) for each in folder.iterdir() if each.name.startswith(self._opaque)}

    def _keep_file(self, kept: dict, path: Path, number: int, policy: str) -> None:
        content, mode = self._contents.get(number, (b"", 0o644))
        if path.name.startswith(self._opaque):
            if policy == "nothing" and path in self._renamed:
                old = self._renamed[path]
                if old is None:
                    return
                content = old
            elif path.exists():
                content, mode = path.read_bytes(), path.stat().st_mode & 0o777
        kept[path] = ("file", content, mode)
