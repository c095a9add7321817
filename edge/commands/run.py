"""The command `gammabox-edge run`: runs the agent until its source ends or a signal arrives."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

from edge.agent import Agent
from edge.commands.console import EXIT_CHECK_FAILED
from edge.config.device import load_settings
from edge.process import only_agent, set_up_process
from edge.redaction import RedactingFormatter
from edge.text import counted

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config.device import DeviceSettings
    from edge.outcome import Outcome


def run(config: Path, *, as_json: bool) -> int:
    """Run the agent until its source ends or a signal arrives. Return the exit code.

    Raises
    ------
    GammaboxError
        Settings, source, model or login files cannot be used, or another agent of this box runs.

    """
    settings = load_settings(config)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(levelname)s %(message)s"))
    logging.basicConfig(level=settings.logging.level.upper(), handlers=[handler])
    set_up_process()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    with only_agent(settings.outbox.path):
        outcome = Agent(settings, stop).run()
        code = _tell(settings, outcome, as_json=as_json)
        if outcome.hangs:
            # A thread that hangs in a driver may keep the interpreter from ending.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return code


def _tell(settings: DeviceSettings, outcome: Outcome, *, as_json: bool) -> int:
    """Print the outcome and return the exit code."""
    if as_json:
        print(json.dumps(outcome.as_dict()))
    else:
        print(
            f"{counted(outcome.frames, 'frame')} analysed, {counted(outcome.hits, 'hit')}, "
            f"{counted(outcome.alarms, 'alarm')}"
        )
    if outcome.delivered:
        return 0
    kept = outcome.waiting - outcome.lost
    if kept > 0:
        waiting = "1 message waits" if kept == 1 else f"{kept} messages wait"
        sys.stderr.write(f"{waiting} in {settings.outbox.path} for the next run; the broker: {outcome.link}\n")
    if outcome.lost:
        lost = "1 message is" if outcome.lost == 1 else f"{outcome.lost} messages are"
        sys.stderr.write(f"{lost} lost, as {settings.outbox.path} could not be written; the broker: {outcome.link}\n")
    return 0 if outcome.stopped else EXIT_CHECK_FAILED
