"""Runs a command of the control room for each new alarm and overload: a siren, a pager, a log."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from edge.errors import GammaboxError
from edge.redaction import redacted
from edge.text import one_line

if TYPE_CHECKING:
    from edge.control_room.view import View

TIMEOUT_S = 60.0
MAX_RUNNING = 8
"""Commands at a time; the rest wait in their order."""
MAX_WAITING = 1000
MAX_PROBLEMS = 20
VARIABLES = {
    "ALARM_ID": "id",
    "SITE": "site",
    "DEVICE": "device",
    "PLACE": "place",
    "STATE": "state",
    "RATE_HZ": "rate_hz",
}


class AlarmCommand:
    """Runs a command without a shell, in the background, once for each alarm or overload that it is given.

    The alarm stands in environment variables (`GAMMABOX_ALARM_ID`, `GAMMABOX_SITE`, `GAMMABOX_DEVICE`,
    `GAMMABOX_PLACE`, `GAMMABOX_STATE`, `GAMMABOX_RATE_HZ`) and as one JSON object on stdin. An overload has no id and
    no figures; its state is `OVERLOAD`. What the command prints is thrown away, as it would destroy the view.

    Parameters
    ----------
    command : str
        Program and arguments, quoted as in a shell.

    Raises
    ------
    GammaboxError
        It cannot be taken apart into words, is empty, or its program cannot be run: a siren with a wrong name would
        be noticed at the first alarm only.

    """

    def __init__(self, command: str) -> None:
        try:
            self._words = shlex.split(command)
        except ValueError as error:
            raise GammaboxError(f"--on-alarm: {one_line(str(error)).lower()}; check its quotes") from error
        if not self._words:
            raise GammaboxError("--on-alarm names no command; write a program and its arguments")
        if shutil.which(self._words[0]) is None:
            program = redacted(one_line(self._words[0]))
            raise GammaboxError(f"--on-alarm: no program {program!r} can be run; check its name, path and rights")
        self._waiting: deque[dict[str, Any]] = deque(maxlen=MAX_WAITING)
        self._problems: deque[str] = deque(maxlen=MAX_PROBLEMS)
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()

    def start(self, view: View) -> None:
        """Run the command for an alarm or an overload, soon."""
        with self._lock:
            self._waiting.append(facts_of(view))
            if len(self._threads) < MAX_RUNNING:
                thread = threading.Thread(target=self._work, daemon=True)
                self._threads.add(thread)
                thread.start()

    def problems(self) -> list[str]:
        """Return what went wrong since the last call, a sentence each."""
        return [self._problems.popleft() for _ in range(len(self._problems))]

    def wait(self, timeout_s: float) -> None:
        """Wait until the commands have ended, at most so long."""
        for thread in tuple(self._threads):
            thread.join(timeout_s)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads.discard(threading.current_thread())
                    return
                facts = self._waiting.popleft()
            problem = _run(self._words, facts)
            if problem is not None:
                what = (
                    f"alarm {facts['id']}" if facts["id"] else f"{facts['state']} of {facts['site']}/{facts['device']}"
                )
                self._problems.append(f"the command for {what} {problem}")


def facts_of(view: View) -> dict[str, Any]:
    """Return what the command is told of an alarm or an overload."""
    alarm = view.alarm
    return {
        "id": "" if alarm is None else alarm.id,
        "site": view.site,
        "device": view.device,
        "place": view.place,
        "state": view.word,
        "raised_utc": None if view.raised is None else view.raised.isoformat(),
        "rate_hz": view.rate_hz,
        "maximum_hz": None if alarm is None else alarm.maximum_hz,
        "significance_sigma": None if alarm is None else alarm.significance_sigma,
        "advice": view.advice,
        "reasons": list(view.reasons),
    }


def _run(words: list[str], facts: dict[str, Any]) -> str | None:
    """Run the command; return what went wrong, None where nothing did."""
    told = {f"GAMMABOX_{name}": "" if facts[key] is None else str(facts[key]) for name, key in VARIABLES.items()}
    try:
        ended = subprocess.run(
            words,
            input=json.dumps(facts, allow_nan=False).encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **told},
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"was ended after {TIMEOUT_S:.0f} s"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its words cannot be used"
        return one_line(redacted(f"cannot be run ({words[0]}: {reason.lower()})"))
    return None if ended.returncode == 0 else f"ended with code {ended.returncode}"
