"""The hierarchy of errors. Every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class GammaboxError(Exception):
    """Unusable input or an unsuitable environment. Commands print the message on one line and exit with 2."""


class SourceError(GammaboxError):
    """A recording, stream or camera without usable frames."""

    def __init__(self, spec: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"{spec}: {problem}; {advice}")
        self.spec = str(spec)
        self.problem = problem
        self.advice = advice


class RecordingError(GammaboxError):
    """A recording that cannot be written, or not continued."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"recording {path}: {problem}; {advice}")
        self.path = Path(path)


class BundleError(GammaboxError):
    """A model bundle that is damaged or made for another version."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"model bundle {path}: {problem}; {advice}")
        self.path = Path(path)


class SettingsError(GammaboxError):
    """A settings or site file with faults. `faults` holds each of them with its place in the file."""

    def __init__(self, path: str | Path, faults: list[str]) -> None:
        super().__init__("\n".join(faults) if len(faults) > 1 else faults[0])
        self.path = Path(path)
        self.faults = faults


class BrokerError(GammaboxError):
    """A broker that cannot be used: it is away, it refuses the login, or the files of the login cannot be read."""


class RuntimeMissingError(GammaboxError):
    """A package is missing that the command needs, such as the runtime of the models."""
