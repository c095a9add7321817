"""Archives that are the same, byte for byte, whenever and wherever they are written from the same files."""

from __future__ import annotations

import io
import os
import tarfile
import time
import zipfile
from typing import IO, TYPE_CHECKING

from firmware_config.errors import FirmwareError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

EARLIEST = 315532800
"""1980-01-01, before which no zip archive can tell the time: the time of all files without SOURCE_DATE_EPOCH."""
VARIABLE = "SOURCE_DATE_EPOCH"


def source_date() -> int:
    """Return the time that archives give their files, in seconds since 1970: that of SOURCE_DATE_EPOCH.

    Source: reproducible-builds.org/specs/source-date-epoch.

    Raises
    ------
    FirmwareError
        The variable holds no time.

    """
    given = os.environ.get(VARIABLE, "")
    if not given:
        return EARLIEST
    if not given.isdecimal() or not int(given) < 1 << 32:
        raise FirmwareError(f"{VARIABLE} is {given[:40]!r}; give whole seconds since 1970, or leave it unset")
    return max(int(given), EARLIEST)


def zip_bytes(files: Mapping[str, bytes], *, stored: Iterable[str] = ()) -> bytes:
    """Return a zip archive of files, in the order of the mapping; those of `stored` are not compressed."""
    when = time.gmtime(source_date())[:6]
    not_compressed = set(stored)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            entry = zipfile.ZipInfo(name, date_time=when)
            entry.compress_type = zipfile.ZIP_STORED if name in not_compressed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o100644 << 16
            entry.create_system = 3  # Unix, wherever this runs
            archive.writestr(entry, text)
    return content.getvalue()


def write_tar(out: IO[bytes], files: Iterable[tuple[str, Path]]) -> None:
    """Write an uncompressed tar archive of files, in their order: what is in it is compressed already."""
    when = source_date()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, path in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = path.stat().st_size, when, 0o644
            with path.open("rb") as content:
                archive.addfile(entry, content)
