"""The hierarchy of errors. Every message says what was found, where, and what to do."""

from __future__ import annotations

from pathlib import Path

from edge.redaction import redacted, without_login


class GammaboxError(Exception):
    """Unusable input or an unsuitable environment. Commands print the message on one line and exit with 2.

    No message holds a login: addresses in it are shown as `edge.redaction` leaves them.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(redacted(message))


class InputError(GammaboxError, TypeError, ValueError):
    """An argument of another type, shape or range than a function takes."""


class SourceError(GammaboxError):
    """A recording, stream or camera without usable frames."""

    def __init__(self, spec: str | Path, problem: str, advice: str) -> None:
        self.spec = without_login(str(spec))
        self.problem = redacted(problem)
        self.advice = redacted(advice)
        super().__init__(f"{self.spec}: {self.problem}; {self.advice}")


class RecordingError(GammaboxError):
    """A recording that cannot be written, or not continued."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"recording {without_login(str(path))}: {problem}; {advice}")
        self.path = Path(path)


class BundleError(GammaboxError):
    """A model bundle that is damaged or made for another version."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"model bundle {path}: {problem}; {advice}")
        self.path = Path(path)


class WorkerError(GammaboxError):
    """A worker process that ended before its work was done."""

    def __init__(self, problem: str = "a worker process ended before its work was done") -> None:
        super().__init__(
            f"{problem}, as when the system ends one for want of memory; "
            "free memory, and start the command again, with fewer --workers where it has them"
        )


class ReleaseError(GammaboxError):
    """A release that is damaged, not signed by a trusted key, or not for this box; or that cannot be installed."""


class OutputError(GammaboxError):
    """A place where output must not be written, because something of somebody else is there, or cannot."""

    def __init__(self, path: str | Path, problem: str, advice: str) -> None:
        super().__init__(f"{path}: {problem}; {advice}")
        self.path = Path(path)


class SettingsError(GammaboxError):
    """A settings or site file with faults. `faults` holds each of them with its place in the file."""

    def __init__(self, path: str | Path, faults: list[str]) -> None:
        self.path = Path(path)
        self.faults = [redacted(fault) for fault in faults]
        super().__init__("\n".join(self.faults))


class BrokerError(GammaboxError):
    """A broker that cannot be used: it is away, it refuses the login, or the files of the login cannot be read."""


class RuntimeMissingError(GammaboxError):
    """A package is missing that the command needs, such as the runtime of the models."""
