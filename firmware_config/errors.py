"""The errors of this package, below those of edge.errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import GammaboxError

if TYPE_CHECKING:
    from pathlib import Path


class FirmwareError(GammaboxError):
    """The base of this package's errors."""


class OutputError(FirmwareError):
    """A file or folder that cannot or must not be written."""

    def __init__(self, path: Path, problem: str, advice: str) -> None:
        super().__init__(f"{path}: {problem}; {advice}")
        self.path = path


class CredentialsError(FirmwareError):
    """Certificates or keys that are missing, damaged, of another site, or refused."""
