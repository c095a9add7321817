"""Writes a folder of rendered files: only changed ones, never foreign ones, and edited ones only when forced."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.arguments import as_path, require, takes
from edge.config.faults import shown_text
from firmware_config.errors import EditedError, OutputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

MANIFEST = ".gammabox-rendered.json"
_SAFE_NAME = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+)*")


@dataclass(frozen=True, slots=True)
class Written:
    """The names of the files that were written, unchanged or removed, each list sorted."""

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    removed: tuple[str, ...]


@takes(folder=as_path)
def write_folder(
    folder: Path,
    files: Mapping[str, str],
    *,
    owner: str = "",
    private: Collection[str] = (),
    force: bool = False,
) -> Written:
    """Write rendered files into a folder and remove those of an earlier call that are not rendered any more.

    A file that has its content already is left alone and keeps its modification time. A file of an earlier call that
    was edited since is not removed. Files that no call has written stay.

    Parameters
    ----------
    folder : Path
        Folder to write, made where it is missing. If it is not empty it must hold the manifest of an earlier call.
    files : mapping of str to str
        Content by name; a name is a relative POSIX path.
    owner : str
        What the files are and of which site. A folder of another owner is refused, with `force` as well.
    private : collection of str
        Names of the files that only their owner may read, such as keys.
    force : bool
        Overwrite files that were edited since they were written.

    Raises
    ------
    OutputError
        Before anything is written, if the folder is foreign or of another owner, its manifest is damaged, files were
        edited since, or a link is in the way; while writing, if the disk is full or rights are missing. Another call
        completes the folder then.

    """
    for name, content in require(files, Mapping, "write_folder, files").items():  # type: ignore[type-abstract]
        require(content, str, f"write_folder, {name}")
    before = _read_manifest(folder, owner)
    hashes = {name: _sha256(content.encode()) for name, content in files.items()}
    on_disk = {name: _sha256_on_disk(folder, name) for name in sorted({*hashes, *before})}
    if not force:
        edited = [name for name in hashes if on_disk[name] not in {None, hashes[name], before.get(name)}]
        if edited:
            raise EditedError(folder, sorted(edited))
    to_write = sorted(name for name in hashes if on_disk[name] != hashes[name])
    # Edited files of a box that left the site stay, as their changes would be lost.
    to_remove = sorted(name for name in before if name not in hashes and on_disk[name] == before[name])
    _make_folder(folder)
    # Noted before the files are written, so that another call can complete one that was cut short.
    _write_manifest(folder, owner, {**before, **{name: before.get(name, hashes[name]) for name in hashes}})
    for name in to_write:
        _write(folder / name, files[name], private=name in private)
    for name in to_remove:
        _remove(folder, name)
    _write_manifest(folder, owner, hashes)
    return Written(tuple(to_write), tuple(sorted(set(hashes) - set(to_write))), tuple(to_remove))


def replace_files(
    folder: Path, files: Mapping[str, str], *, owner: str, private: Collection[str] = ()
) -> tuple[str, ...]:
    """Write some files into a folder that was written before, edited or not. All others stay as they are.

    Returns
    -------
    tuple of str
        Names of the files that had other content.

    Raises
    ------
    OutputError
        The folder is of another owner, its manifest is damaged, or a file cannot be written.

    """
    before = _read_manifest(folder, owner)
    hashes = {name: _sha256(content.encode()) for name, content in files.items()}
    to_write = sorted(name for name in hashes if _sha256_on_disk(folder, name) != hashes[name])
    for name in to_write:
        _write(folder / name, files[name], private=name in private)
    _write_manifest(folder, owner, {**before, **hashes})
    return tuple(to_write)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _sha256_on_disk(folder: Path, name: str) -> str | None:
    path = folder
    for part in name.split("/"):
        path /= part
        if path.is_symlink():
            raise OutputError(path, "is a symbolic link", "remove it: rendered files are never written through links")
    try:
        return _sha256(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise OutputError(
            path, f"cannot be read ({error.strerror})", "move it away or choose another folder"
        ) from error


def _read_manifest(folder: Path, owner: str) -> dict[str, str]:
    path = folder / MANIFEST
    try:
        entries = sorted(entry.name for entry in folder.iterdir())
        if not entries:
            return {}
        if MANIFEST not in entries:
            raise OutputError(
                folder,
                f"holds files of others ({', '.join(entries[:3])}{', ...' if len(entries) > 3 else ''})",
                "name a new or empty folder, or one that was rendered before",
            )
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OutputError(
            folder, f"cannot be read ({error.strerror})", "name a folder for the rendered files"
        ) from error
    except ValueError as error:
        raise _damaged(path) from error
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise _damaged(path)
    for name, digest in files.items():
        if not (_SAFE_NAME.fullmatch(name) and isinstance(digest, str)):
            raise _damaged(path)
    if manifest.get("owner") != owner:
        raise OutputError(
            folder,
            f"holds the {shown_text(manifest.get('owner'))}, and not the {owner!r}",
            "nothing was changed; name another folder",
        )
    return files


def _damaged(path: Path) -> OutputError:
    return OutputError(path, "is damaged, so it is not known which files were rendered", "render into a new folder")


def _write_manifest(folder: Path, owner: str, hashes: Mapping[str, str]) -> None:
    note = "Files that gammabox-firmware wrote here, with SHA-256; it changes and removes no others."
    content = json.dumps({"note": note, "owner": owner, "files": dict(sorted(hashes.items()))}, indent=2) + "\n"
    path = folder / MANIFEST
    if _sha256_on_disk(folder, MANIFEST) != _sha256(content.encode()):
        _write(path, content)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error


def _write(path: Path, content: str, *, private: bool = False) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A new file, so that nothing is written through a link of this name.
        part.unlink(missing_ok=True)
        mode = 0o600 if private else 0o666
        opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(opened, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink()
        raise _unwritable(path, error) from error


def _remove(folder: Path, name: str) -> None:
    path = folder / name
    try:
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or any(parent.iterdir()):
                break
            parent.rmdir()
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> OutputError:
    return OutputError(
        path, f"cannot be written ({error.strerror})", "check rights and free space, or choose another place"
    )
