"""The site file to start from: valid as it is, with a comment for everything that a technician has to decide."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from firmware_config.errors import OutputError

if TYPE_CHECKING:
    from pathlib import Path


def start_text() -> str:
    """Give the commented site file that ships with the package."""
    return (files("firmware_config") / "templates" / "site.yaml").read_text(encoding="utf-8")


def write_start(path: Path, *, force: bool = False) -> None:
    """Write the file to start from.

    Raises
    ------
    OutputError
        The file is there and `force` is not given, or it cannot be written.

    """
    try:
        with path.open("w" if force else "x", encoding="utf-8", newline="\n") as file:
            file.write(start_text())
    except FileExistsError:
        raise OutputError(path, "is there already", "choose another name, or --force to overwrite it") from None
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror})", "check the folder and its rights") from error
