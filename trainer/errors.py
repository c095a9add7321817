"""What can go wrong in the trainer: every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path

from edge.errors import GammaboxError


class DatasetError(GammaboxError):
    """A dataset folder that cannot be read, written or continued."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"dataset {path}: {problem}; {advice}")
        self.path = Path(path)
        self._parts = (path, problem, advice)

    def __reduce__(self) -> tuple[type[DatasetError], tuple[str | Path, str, str]]:
        """Travel between processes whole: by default an exception is rebuilt from its message alone."""
        return type(self), self._parts


class SensorError(GammaboxError):
    """A radiation source, a camera parameter or a scene that the simulated camera cannot use."""


class UnknownNuclideError(SensorError):
    """A nuclide that the data do not hold; `suggestions` are the names that were perhaps meant."""

    def __init__(self, nuclide: str, suggestions: tuple[str, ...]) -> None:
        meant = f"did you mean {', '.join(suggestions)}?" if suggestions else "write it like Tc-99m or Cs-137"
        super().__init__(f"unknown nuclide {nuclide!r}: {meant}")
        self.nuclide = nuclide
        self.suggestions = suggestions


class FilmError(GammaboxError):
    """A film that cannot be written or continued, for something else is in its place."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"film {path}: {problem}; {advice}")
        self.path = Path(path)


class RunError(GammaboxError):
    """A run folder that cannot be read, or that holds another training than the one asked for."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"run {path}: {problem}; {advice}")
        self.path = Path(path)


class OptionError(GammaboxError):
    """A word on the command line that is none of the choices."""

    def __init__(self, option: str, word: str, choices: tuple[str, ...]) -> None:
        super().__init__(f"{option} {word}: no such choice; give one of {', '.join(choices)}")
