"""The host's side of `make check-firmware`: the site with its commands, its broker, and the results."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from firmware_base import FILM
from firmware_guest import GuestError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST, DEVICE, NUMBER = "192.0.2.10", "box-1", 1
CARD_BYTES = 3 << 30
SITE = f"""\
site: bench
broker:
  host: {HOST}
boxes:
  - device: {DEVICE}
    board: pc
    camera: {FILM}
    position: in a virtual machine
    settings:
      source: {{loop: true}}
"""
PROGRESS = re.compile(r"^waiting for |; at it: ")


class Checks:
    """The results, said as they come and kept for the end."""

    def __init__(self, log: Path) -> None:
        self.failed: list[str] = []
        self.count = 0
        self._log, self._began_s = log, time.monotonic()

    def say(self, text: str) -> None:
        """Print a line with the time since the start, and keep it."""
        line = f"{time.monotonic() - self._began_s:7.0f} s  {text}"
        print(line, flush=True)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")

    def tell(self, name: str, detail: object = "", *, passed: bool) -> None:
        """Take in a result."""
        self.count += 1
        self.failed += [] if passed else [name]
        self.say(f"{'ok    ' if passed else 'FAILED'} {name} {detail}".rstrip())

    @contextmanager
    def scenario(self, name: str) -> Iterator[None]:
        """Say at its end whether all checks of a scenario have passed; a machine that hangs fails it, and no other."""
        began_s, failed, count = time.monotonic(), len(self.failed), self.count
        self.say(f"---- {name}")
        try:
            yield
        except GuestError as error:
            self.tell(f"{name}: the machine goes on", error, passed=False)
        passed = len(self.failed) == failed
        took = f"{self.count - count} checks, {time.monotonic() - began_s:.0f} s"
        self.say(f"{'PASSED' if passed else 'FAILED'}: {name} ({took})")


class Bench:
    """The folder of a site, its commands, its broker."""

    def __init__(self, work: Path, checks: Checks) -> None:
        self.work, self.checks = work, checks
        self.broker: subprocess.Popen[bytes] | None = None

    @staticmethod
    def command(*words: object) -> list[str]:
        """Return the command gammabox-firmware of this checkout with some words."""
        return [sys.executable, "-c", "from firmware_config.commands import main; main()", *map(str, words)]

    def firmware(self, *words: object) -> subprocess.CompletedProcess[str]:
        """Run gammabox-firmware in the folder of the site."""
        began_s = time.monotonic()
        ran = subprocess.run(self.command(*words), cwd=self.work, capture_output=True, text=True, check=False)
        self.checks.say(f"$ gammabox-firmware {' '.join(map(str, words))}   ({time.monotonic() - began_s:.0f} s)")
        said = [line for line in (ran.stdout + ran.stderr).splitlines() if not PROGRESS.search(line)]
        for line in said[-14:]:
            self.checks.say(f"    {line}")
        return ran

    def must(self, *words: object) -> str:
        """Run gammabox-firmware and return what it prints; raise GuestError where it fails."""
        ran = self.firmware(*words)
        if ran.returncode:
            raise GuestError(f"gammabox-firmware {words[0]} ended with {ran.returncode}")
        return ran.stdout

    def start_broker(self) -> None:
        """Start the broker as its page says."""
        with (self.work / "broker.log").open("ab") as log:
            self.broker = subprocess.Popen(["sh", "broker/run.sh"], cwd=self.work, stdout=log, stderr=log)

    def close(self) -> None:
        """End the broker."""
        if self.broker is not None:
            self.broker.terminate()
            self.broker.wait()

    def image(self, base: Path, release: Path, name: str) -> Path:
        """Prepare an image, and make it as large as a card."""
        out = self.work / f"{name}.img"
        self.must("image", "site.yaml", DEVICE, base, "--release", release, "--out", out, "--force")
        with out.open("r+b") as card:
            card.truncate(CARD_BYTES)
        return out

    def verify(self, number: int, wait_s: int) -> bool:
        """Return whether `gammabox-firmware verify` says that the box works, with a release."""
        words = ("verify", "site.yaml", DEVICE, "--release", f"0.1.0-{number}", "--wait", wait_s)
        return self.firmware(*words).returncode == 0
