"""Updates of the virtual machine of `make check-firmware`: kept, rolled back, refused, and cut off from power."""

from __future__ import annotations

import random
import subprocess
import threading
import time
from typing import TYPE_CHECKING

from firmware_bench import PROGRESS
from firmware_guest import GuestError
from update_cases import CASES, KEYS, NEVER_CONNECTS, RUNS_AFTERWARDS, make_keys, make_release

if TYPE_CHECKING:
    from pathlib import Path

    from firmware_bench import Bench
    from firmware_guest import Guest

    from firmware_config.targets import Choice

CUT_NUMBER = 6
WAIT_MIN = 180
RELEASE = "head -n 1 /opt/gammabox/venv/RELEASE"
SLOT = f"readlink /opt/gammabox/venv; {RELEASE}"
PHASE = 'sed -n \'s/.*"phase": "\\([a-z_]*\\)".*/\\1/p\' /var/lib/gammabox-updater/state.json'
JOURNAL = "journalctl -u gammabox-updater -u gammabox-updater-boot -o cat --no-pager | tail -n 25"
MOMENTS = (("preparing", 0, 90), ("trial", 0, 8), ("trial", 8, 20))
"""Power cuts: a phase of the update, and between which seconds after its begin the moment is drawn."""
IN_MACHINE = [case for case in CASES if case.number != NEVER_CONNECTS]
"""An update that never connects takes as long as a crash, and differs only for the agent: make check-update does it."""


class Releases:
    """Makes the releases of the site and rolls them out."""

    def __init__(self, bench: Bench, choice: Choice, wheels: Path, url: str) -> None:
        self._bench, self._choice, self._wheels, self._url = bench, choice, wheels, url
        make_keys(bench.work)

    def made(self, number: int, keys: str = KEYS) -> Path:
        """Make a release."""
        folder = self._bench.work
        (folder / f"release-{number}.tar").unlink(missing_ok=True)
        return make_release(self._choice, number, self._wheels, folder / keys, folder)

    def words(self, release: Path) -> tuple[object, ...]:
        """Return the command that rolls a release out, without the program."""
        where = ("--site", "site.yaml", "--url", self._url, "--publish", "web")
        return ("update", release, *where, "--wait", WAIT_MIN)


def check_updates(guest: Guest, bench: Bench, releases: Releases, limit_s: int) -> None:
    """Roll releases out to the running box: a good one, one that crashes, and one of a stranger."""
    for case in IN_MACHINE:
        with bench.checks.scenario(case.what):
            ran = bench.firmware(*releases.words(releases.made(case.number, case.keys)))
            said = ran.stdout.strip().splitlines()[-1].strip() if ran.stdout.strip() else ran.stderr[-200:]
            ended = ran.returncode == case.code and case.words in said
            bench.checks.tell("its roll-out ends as it has to", f"exit code {ran.returncode}: {said}", passed=ended)
            show_journal(guest, bench)
            slot, release = guest.ask(SLOT).split()[-2:]
            runs = release.endswith(f"-{RUNS_AFTERWARDS}")
            bench.checks.tell(f"release {RUNS_AFTERWARDS} runs afterwards", f"{release} in {slot}", passed=runs)
            works = bench.verify(RUNS_AFTERWARDS, limit_s)
            bench.checks.tell("verify says that the box works", passed=works)
            failed = guest.ask("systemctl --failed --plain --no-legend")
            bench.checks.tell("no unit failed", failed, passed=not failed)


def show_journal(guest: Guest, bench: Bench) -> None:
    """Put the end of the updater's journal into the log."""
    for line in guest.ask(JOURNAL).splitlines():
        bench.checks.say(f"    box: {line}")


class RollOut:
    """A roll-out that goes on beside this program."""

    def __init__(self, bench: Bench, words: tuple[object, ...]) -> None:
        self._checks = bench.checks
        self.last = ""
        self._process = subprocess.Popen(
            bench.command(*words), cwd=bench.work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ended(self, limit_s: float) -> int:
        """Wait for its end and return its exit code."""
        try:
            code = self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise GuestError(f"the roll-out has not ended after {limit_s:.0f} s: {self.last}") from None
        self._reader.join()
        return code

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        with self._process:
            for line in self._process.stdout or ():
                self.last = line.strip() or self.last
                if not PROGRESS.search(line):
                    self._checks.say(f"    roll-out: {line.rstrip()}")


def check_power_cuts(guest: Guest, bench: Bench, releases: Releases, seed: int, limit_s: int) -> None:
    """Cut the power within an update, again and again; each time the same disk has to start with a slot that works."""
    tell, moments = bench.checks.tell, random.Random(seed)
    release = releases.made(CUT_NUMBER)
    guest.start()
    guest.wait_until_up(limit_s)
    tell("it works before", passed=bench.verify(RUNS_AFTERWARDS, limit_s))
    rolling = RollOut(bench, releases.words(release))
    try:
        for number, (phase, first_s, last_s) in enumerate(MOMENTS, 1):
            reached = wait_for_phase(guest, phase, limit_s)
            after_s = moments.uniform(first_s, last_s)
            time.sleep(after_s)
            found = guest.ask(PHASE).split()[-1]
            guest.cut_power()
            name = f"cut {number}, {after_s:.0f} s " + (f"into {phase}" if reached else "after the update was over")
            bench.checks.say(f"    {name}: it was {found}")
            guest.start()
            guest.wait_until_up(limit_s)
            check_after_cut(guest, bench, name, limit_s)
        code = rolling.ended(limit_s)
        tell("the update is finished after all", f"exit code {code}: {rolling.last}", passed=code == 0)
    finally:
        rolling.close()
    show_journal(guest, bench)
    tell("verify says that the new release works", passed=bench.verify(CUT_NUMBER, limit_s))


def wait_for_phase(guest: Guest, phase: str, limit_s: float) -> bool:
    """Wait until the updater of the box is at a phase, and return True; or False once it has kept the new release.

    After a cut within the trial the box may have kept the release before `verify` has had its say.
    """
    over = f"{{ test \"$found\" = idle && {RELEASE} | grep -q -e '-{CUT_NUMBER}$'; }}"
    look = f'found=$({PHASE}); test "$found" = {phase} && break; {over} && found=kept && break'
    wait = f"for n in $(seq {limit_s:.0f}); do {look}; sleep 1; done; echo ${{found:-unknown}}"
    found = guest.ask(wait, limit_s + 300).split()[-1]
    if found not in {phase, "kept"}:
        raise GuestError(f"the updater is {found}, and not {phase}, after {limit_s:.0f} s")
    return found == phase


def check_after_cut(guest: Guest, bench: Bench, name: str, limit_s: int) -> None:
    """Look whether one slot works after a power cut."""
    tell = bench.checks.tell
    slot, release = guest.ask(SLOT).split()[-2:]
    number = int(release.rpartition("-")[2])
    whole = number in {RUNS_AFTERWARDS, CUT_NUMBER}
    tell(f"{name}: the link names a whole slot", f"{release} in {slot}", passed=whole)
    wait = "for n in $(seq 600); do systemctl is-active -q gammabox-edge && break; sleep 1; done"
    active = guest.ask(
        f"{wait}; systemctl is-active gammabox-edge; /opt/gammabox/venv/bin/gammabox-edge --version", limit_s
    )
    tell(f"{name}: the agent runs", active.split(), passed="active" in active.split())
    tell(f"{name}: verify says that the box works", passed=bench.verify(number, limit_s))
    errors = guest.ask("dmesg | grep 'EXT4-fs error' || true")
    tell(f"{name}: the file system is whole", errors, passed=not errors)
