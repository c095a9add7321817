"""Errors of the trainer. Every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from edge.errors import GammaboxError
from edge.text import meant


class _PathError(GammaboxError):
    """An error about a file or folder: its path, what the problem is, and what to do."""

    what: ClassVar[str]

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"{self.what} {path}: {problem}; {advice}")
        self.path = Path(path)
        self._parts = (path, problem, advice)

    def __reduce__(self) -> tuple[type[_PathError], tuple[str | Path, str, str]]:
        """Travel between processes whole: by default an exception is rebuilt from its message alone."""
        return type(self), self._parts


class DatasetError(_PathError):
    """A dataset folder that cannot be read, written or continued."""

    what = "dataset"


class FilmError(_PathError):
    """A film that cannot be written or continued, because something else is in its place."""

    what = "film"


class RunError(_PathError):
    """A run folder that cannot be read, or that holds another training than the one asked for."""

    what = "run"


class ProtocolError(_PathError):
    """A folder in which the paper's protocol cannot begin or go on."""

    what = "folder"


class SensorError(GammaboxError):
    """A radiation source, a camera parameter or a scene that the simulated camera cannot use."""


class UnknownNuclideError(SensorError):
    """A nuclide that the data do not hold; `suggestions` are the names that were perhaps meant."""

    def __init__(self, nuclide: str, suggestions: tuple[str, ...]) -> None:
        meant = f"did you mean {', '.join(suggestions)}?" if suggestions else "write it like Tc-99m or Cs-137"
        super().__init__(f"unknown nuclide {nuclide!r}: {meant}")
        self.nuclide = nuclide
        self.suggestions = suggestions


class NetworkError(GammaboxError):
    """A network that does not exist, or arguments that it does not take."""


class OptionError(GammaboxError):
    """A word on the command line that is none of the choices."""

    def __init__(self, option: str, word: str, choices: tuple[str, ...]) -> None:
        super().__init__(f"{option} {word}: no such choice{meant(word, choices)}; give one of {', '.join(choices)}")
