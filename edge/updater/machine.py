"""The state machine of an update: fill the other slot, switch, judge, then commit or go back.

Each step is written down before it begins, so that after a power cut `recover` knows where it was. The slot that was
found good last is never written to. The update is committed by one write of the state file, and nothing after it can
take that back.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from edge.errors import GammaboxError
from edge.installer.layout import active_slot, other_slot
from edge.updater.errors import RefusedError, UpdaterError
from edge.updater.gate import Baseline, Gate, Limits, ProbeResult, baseline_of
from edge.updater.heartbeat import read_heartbeat
from edge.updater.owner import as_owner
from edge.updater.report import Report, write_report
from edge.updater.snapshot import forget_snapshot, restore_snapshot, take_snapshot
from edge.updater.state import State, Trial, load_state, save_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.updater.disk import Disk
    from edge.updater.layout import Layout
    from edge.updater.report import Step
    from edge.updater.service import Service

log = logging.getLogger(__name__)

MAX_STARTS = 3
"""Starts of a box within a trial, of which a release that takes the whole box down uses up one each."""
MAX_TRIES = 3
"""A release that cannot be installed is tried so often."""
POLL_S = 1.0
PATIENCE_S = 600.0
"""Longest wait for a broker that cannot be reached; the next run goes on."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A release that was verified, and whose files are here.

    Attributes
    ----------
    release : str
        Its name.
    sha256 : str
        Of its manifest.
    fill : callable
        Makes it a slot in a folder; raises GammaboxError or OSError.

    """

    release: str
    sha256: str
    fill: Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the machine needs of its box: clock, service, and whether a broker can be reached."""

    service: Service
    reachable: Callable[[tuple[str, int]], bool]
    now_s: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    limits: Limits = field(default_factory=Limits)
    patience_s: float = PATIENCE_S


class Machine:
    """The updates of one box. Only one process may use it at a time.

    Parameters
    ----------
    layout : Layout
    disk : Disk
    around : Surroundings

    Raises
    ------
    UpdaterError
        The box has no slots, or its state file is damaged.

    """

    def __init__(self, layout: Layout, disk: Disk, around: Surroundings) -> None:
        self._layout, self._disk, self._around = layout, disk, around
        pointed = active_slot(layout.home)
        known = load_state(layout.own)
        if known is None and pointed is None:
            raise UpdaterError(
                f"{layout.pointer}: is no link to a slot; set the box up with: gammabox-firmware install"
            )
        if known is None:
            known = State(active=pointed or "a")
        elif known.phase == "idle" and pointed is not None:
            known = replace(known, active=pointed)  # somebody may have installed another release by hand
        self._state = known

    @property
    def state(self) -> State:
        """The state as it was last saved."""
        return self._state

    def recover(self) -> None:
        """Bring pointer and state in order before the agent starts, at the start of the box."""
        trial = self._state.trial
        if trial is None or self._state.phase in {"preparing", "stopping"}:
            self._save(replace(self._state, phase="idle", trial=None))
            self._point(self._state.active)
        elif self._state.phase == "rolling_back":
            self._go_back(trial)
            self._finish_going_back(trial)
        elif self._state.phase == "trial" and trial.starts >= MAX_STARTS:
            trial = self._give_up(trial, f"it was not found good within {MAX_STARTS} starts of the box")
            self._go_back(trial)
            self._finish_going_back(trial)
        else:
            self._save(replace(self._state, trial=replace(trial, starts=trial.starts + 1)))
            self._point(trial.slot)

    def resume(self) -> None:
        """Go on where an updater was ended, while the box went on."""
        trial, service = self._state.trial, self._around.service
        if trial is None:
            return
        if self._state.phase in {"preparing", "stopping"}:
            if self._state.phase == "stopping":
                service.start()
            self._save(replace(self._state, phase="idle", trial=None))
        elif self._state.phase == "rolling_back":
            self._roll_back(trial)
        else:
            self._point(trial.slot)
            if not service.look().wanted:
                service.start()
            self._judge(trial)

    def update(self, candidate: Candidate, offer: str) -> None:
        """Install a release in the other slot, try it, and commit it or go back.

        Raises
        ------
        RefusedError
            It is bad: it was tried before, or it could not be installed too often. The running slot is untouched.
        UpdaterError
            It cannot be installed now. The running slot is untouched.

        """
        self.require_untried(candidate.sha256)
        trial = Trial(other_slot(self._layout.home), candidate.release, candidate.sha256, offer)
        self._report(trial, "installing")
        self._save(replace(self._state, phase="preparing", trial=trial))
        try:
            candidate.fill(self._layout.slot(trial.slot))
            self._disk.flush_all()
            self._require_running()
        except (OSError, GammaboxError) as error:
            self._fail(trial, error)
        self._switch(trial)

    def require_untried(self, sha256: str) -> None:
        """Raise RefusedError where a release was found bad before."""
        reason = self._state.bad.get(sha256)
        if reason is not None:
            raise RefusedError(f"it was tried before, and is not tried again by itself: {reason}")

    def settle_offer(self, offer: str) -> None:
        """Note that an announcement needs nothing more."""
        self._save(replace(self._state, done=offer))

    def forgive(self, sha256: str) -> None:
        """Let a bad release be tried again, as somebody wants that."""
        without = {key: reason for key, reason in self._state.bad.items() if key != sha256}
        tries = {key: count for key, count in self._state.tries.items() if key != sha256}
        if (without, tries) != (self._state.bad, self._state.tries):
            self._save(replace(self._state, bad=without, tries=tries))

    def _fail(self, trial: Trial, error: Exception) -> NoReturn:
        """Count a failed installation and raise UpdaterError; after the last try, note it as bad: RefusedError."""
        tries = self._state.tries.get(trial.sha256, 0) + 1
        state = replace(self._state, phase="idle", trial=None, tries={trial.sha256: tries})
        if tries < MAX_TRIES:
            self._save(state)
            raise UpdaterError(f"it could not be installed: {error}") from error
        reason = f"it could not be installed {tries} times: {error}"
        self._save(state.with_bad(trial.sha256, reason))
        raise RefusedError(reason) from error

    def _require_running(self) -> None:
        if not self._around.service.look().wanted:
            raise UpdaterError("the agent was stopped by somebody; start it, and the update goes on")

    def _switch(self, trial: Trial) -> None:
        service = self._around.service
        baseline = self._baseline()
        trial = replace(trial, worked=asdict(baseline), starts=1)
        self._save(replace(self._state, phase="stopping", trial=trial))
        service.stop()
        try:
            as_owner(self._layout.agent, lambda: take_snapshot(self._disk, self._layout.agent))
        except (OSError, UpdaterError, sqlite3.Error) as error:
            service.start()
            self._fail(trial, error)
        self._report(trial, "trial")
        self._save(replace(self._state, phase="trial", trial=trial))
        self._point(trial.slot)
        service.start()
        self._judge(trial)

    def _baseline(self) -> Baseline:
        heartbeat = read_heartbeat(self._layout.heartbeat)
        reachable = heartbeat is not None and self._around.reachable(heartbeat.broker)
        return baseline_of(heartbeat, self._around.now_s(), reachable=reachable)

    def _judge(self, trial: Trial) -> None:
        """Probe the agent until its release is found good or bad, or only the broker is missing and out of reach."""
        around, baseline = self._around, _baseline_in(trial)
        began_s = around.now_s()
        gate = Gate(baseline, began_s, around.limits)
        while True:
            around.sleep(POLL_S)
            reachable = baseline.broker is not None and around.reachable(baseline.broker)
            crashed = around.service.look().crashed
            probe = ProbeResult(around.now_s(), crashed, read_heartbeat(self._layout.heartbeat), reachable)
            verdict = gate.judge(probe)
            if verdict.word == "good":
                return self._commit(trial)
            if verdict.word == "bad":
                return self._roll_back(self._give_up(trial, verdict.reason))
            if verdict.word == "away":
                if self._state.phase != "proven":
                    self._save(replace(self._state, phase="proven"))
                if around.now_s() - began_s > around.patience_s:
                    return self._report(trial, "trial", "all works but the broker, which cannot be reached")

    def _commit(self, trial: Trial) -> None:
        self._save(replace(self._state, active=trial.slot, phase="idle", trial=None, done=trial.offer, tries={}))
        log.info("release %s is committed", trial.release)
        self._report(trial, "committed")
        self._forget()

    def _give_up(self, trial: Trial, reason: str) -> Trial:
        log.warning("release %s is rolled back: %s", trial.release, reason)
        given_up = replace(trial, reason=reason)
        self._save(replace(self._state, phase="rolling_back", trial=given_up))
        return given_up

    def _roll_back(self, trial: Trial) -> None:
        self._around.service.stop()
        self._go_back(trial)
        self._around.service.start()
        self._finish_going_back(trial)

    def _go_back(self, trial: Trial) -> None:
        """Let the pointer name the good slot, and give its release the state it can read."""
        try:
            as_owner(self._layout.agent, lambda: restore_snapshot(self._disk, self._layout.agent))
        except (OSError, UpdaterError, sqlite3.Error) as error:
            # A box without its old state is better than one without an agent.
            log.warning("the state before release %s cannot be put back (%s)", trial.release, error)
        self._point(self._state.active)

    def _finish_going_back(self, trial: Trial) -> None:
        state = replace(self._state, phase="idle", trial=None, done=trial.offer)
        self._save(state.with_bad(trial.sha256, trial.reason or "it was given up"))
        self._report(trial, "rolled_back", trial.reason or "")
        self._forget()

    def _forget(self) -> None:
        try:
            as_owner(self._layout.agent, lambda: forget_snapshot(self._disk, self._layout.agent))
        except (OSError, UpdaterError) as error:
            log.warning("the copy of the agent's state cannot be removed (%s)", error)

    def _point(self, slot: str) -> None:
        if active_slot(self._layout.home) != slot:
            self._disk.point(self._layout.pointer, Path("slots") / slot)

    def _save(self, state: State) -> None:
        if state != self._state or load_state(self._layout.own) is None:
            self._disk.make_folder(self._layout.own)
            save_state(self._disk, self._layout.own, state)
        self._state = state

    def _report(self, trial: Trial, step: Step, reason: str = "") -> None:
        write_report(self._disk, self._layout.own, Report(trial.offer, trial.release, step, reason))


def _baseline_in(trial: Trial) -> Baseline:
    worked = dict(trial.worked)
    broker = worked.get("broker")
    return Baseline(**{**worked, "broker": (broker[0], broker[1]) if broker else None})
