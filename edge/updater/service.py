"""The agent as a service: stopped, started and looked at through systemd."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Protocol

from edge.installer.setup import UNIT
from edge.updater.errors import UpdaterError

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Process:
    """The process of the agent: whether somebody wants it to run, and how it has ended by itself since its start."""

    wanted: bool
    crashed: str | None = None


class Service(Protocol):
    """What the updater asks of a service."""

    def stop(self) -> None:
        """Stop the agent and wait for its end."""

    def start(self) -> None:
        """Start the agent, and do not wait until it is ready."""

    def look(self) -> Process:
        """Return whether the agent is wanted, and how it has ended by itself."""


class Systemd:
    """The service of a box.

    Raises
    ------
    UpdaterError
        systemd refuses or does not answer.

    """

    def stop(self) -> None:
        """Stop the agent and wait for its end."""
        _systemctl("stop", UNIT)

    def start(self) -> None:
        """Start the agent; a count of earlier crashes begins anew."""
        _systemctl("reset-failed", UNIT)
        _systemctl("start", "--no-block", UNIT)

    def look(self) -> Process:
        """Return whether the agent is wanted, and how it has ended by itself."""
        shown = _systemctl("show", "--property=ActiveState,SubState,NRestarts,Result,Job", UNIT)
        values = dict(line.partition("=")[::2] for line in shown.splitlines())
        active, queued = values.get("ActiveState"), values.get("Job", "0") not in {"", "0"}
        restarts = values.get("NRestarts", "0")
        if values.get("SubState") == "auto-restart" or active == "failed" or restarts != "0":
            return Process(wanted=True, crashed=values.get("Result") or "for an unknown reason")
        return Process(wanted=queued or active in {"active", "activating", "reloading"})


def _systemctl(*words: str) -> str:
    try:
        ran = subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UpdaterError(f"systemctl {words[0]}: {error}") from error
    if ran.returncode:
        raise UpdaterError(f"systemctl {' '.join(words)}: {ran.stderr.strip() or ran.returncode}")
    return ran.stdout
