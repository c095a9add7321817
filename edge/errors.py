"""What can go wrong, as one hierarchy: every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path


class GammaboxError(Exception):
    """Unusable input or an environment that cannot do what was asked; commands print it on one line and exit 2."""


class SourceError(GammaboxError):
    """A recording, stream or camera that gives no usable frames."""

    def __init__(self, spec: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"{spec}: {problem}; {advice}")
        self.spec = str(spec)


class RecordingError(GammaboxError):
    """A recording that cannot be written, or not further."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"recording {path}: {problem}; {advice}")
        self.path = Path(path)


class BundleError(GammaboxError):
    """A model bundle that is damaged or not made for this agent."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"model bundle {path}: {problem}; {advice}")
        self.path = Path(path)


class SettingsError(GammaboxError):
    """A settings or site file with faults; `faults` holds each with its place."""

    def __init__(self, path: str | Path, faults: list[str]) -> None:
        super().__init__("\n".join(faults) if len(faults) > 1 else faults[0])
        self.path = Path(path)
        self.faults = faults


class BrokerError(GammaboxError):
    """A broker that refuses this client for good (login, protocol), as opposed to one that is away."""


class RuntimeMissingError(GammaboxError):
    """Neither LiteRT nor tflite-runtime can run a model here."""
