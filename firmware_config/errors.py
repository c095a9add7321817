"""The errors of this package, below those of edge.errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import GammaboxError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class FirmwareError(GammaboxError):
    """The base of this package's errors."""


class OutputError(FirmwareError):
    """A file or folder that cannot or must not be written."""

    def __init__(self, path: Path, problem: str, advice: str) -> None:
        super().__init__(f"{path}: {problem}; {advice}")
        self.path = path


class EditedError(OutputError):
    """Files that were edited since they were written, and were not overwritten."""

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        super().__init__(
            path,
            f"{', '.join(names)} changed since rendering",
            "put the change into the site file, or overwrite with --force to lose it",
        )
        self.names = tuple(names)


class CredentialsError(FirmwareError):
    """Certificates or keys that are missing, damaged, of another site, or refused."""


class FlashError(FirmwareError):
    """An image or a card that cannot be used, or must not."""


class ImageError(FirmwareError):
    """An image that cannot be prepared for a box."""
