"""What can go wrong in the trainer: every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path

from edge.errors import GammaboxError


class DatasetError(GammaboxError):
    """A dataset folder that cannot be read, written or continued."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"dataset {path}: {problem}; {advice}")
        self.path = Path(path)
