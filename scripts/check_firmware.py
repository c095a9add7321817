"""From a site file to a box that works, in a virtual machine: image, first boot, clock, second and failed first boot.

`make check-firmware`. A Debian with cloud-init is built once (build/firmware), prepared by `gammabox-firmware image`,
and booted by QEMU with UEFI: with KVM where that works, by software emulation otherwise. The machine has no network but
the broker and the clock of this one. The commands are those of a technician; a film stands for the camera.

Needs Debian's qemu-system-x86, ovmf, mmdebstrap, fdisk, dosfstools, mtools, e2fsprogs, mosquitto, iproute2, and root or
user namespaces. Everything it does, with times, is in build/firmware/log.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_base import FILM, UnavailableError, built
from firmware_clock import TimeServer
from firmware_film import filmed
from firmware_guest import Guest, GuestError, working_accelerator

from edge.commands.console import EXIT_CHECK_FAILED, EXIT_UNUSABLE
from firmware_config.image.growing import extract_partition
from firmware_config.image.table import partitions_of

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
HOST, DEVICE, NUMBER = "192.0.2.10", "box-1", 7
INSIDE = "GAMMABOX_CHECK_INSIDE"
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
STEADY_S = 90
SYNCED_LIMIT_S = 60
SAME = (
    "find /opt/gammabox /etc/gammabox /etc/systemd/system /etc/machine-id /etc/hostname /etc/hosts /etc/ssh "
    "/etc/passwd -xdev \\( -type f -o -type l \\) -not -name '*.pyc' | sort | xargs -d '\\n' stat -c '%s %Y %a %U %N' "
    "| sha256sum"
)
UNTIL_SET_UP = (
    "for n in $(seq 1800); do systemctl is-active -q gammabox-edge && test ! -e /opt/gammabox/firstboot && break; "
    "systemctl is-failed -q gammabox-firstboot && break; sleep 2; done; systemctl is-active gammabox-edge"
)


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


class Bench:
    """The folder of a site, its commands, its broker."""

    def __init__(self, work: Path, checks: Checks) -> None:
        self.work, self.checks = work, checks
        self.broker: subprocess.Popen[bytes] | None = None

    def firmware(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run gammabox-firmware in the folder of the site."""
        program = "from firmware_config.commands import main; main()"
        command = [sys.executable, "-c", program, *words]
        began_s = time.monotonic()
        ran = subprocess.run(command, cwd=self.work, capture_output=True, text=True, check=False)
        self.checks.say(f"$ gammabox-firmware {' '.join(words)}   ({time.monotonic() - began_s:.0f} s)")
        for line in [*ran.stdout.splitlines(), *ran.stderr.splitlines()][-12:]:
            self.checks.say(f"    {line}")
        return ran

    def must(self, *words: str) -> str:
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
        self.must("image", "site.yaml", DEVICE, str(base), "--release", str(release), "--out", str(out), "--force")
        with out.open("r+b") as card:
            card.truncate(CARD_BYTES)
        return out

    def verify(self, wait_s: int) -> bool:
        """Return whether `gammabox-firmware verify` says that the box works."""
        words = ("verify", "site.yaml", DEVICE, "--release", f"0.1.0-{NUMBER}", "--wait", str(wait_s))
        return self.firmware(*words).returncode == 0


def prepared_bench(work: Path, cache: Path, checks: Checks) -> tuple[Bench, Path]:
    """Make the site, its credentials, the keys of releases and a release; what takes long is kept in the cache."""
    work.mkdir(parents=True)
    bench = Bench(work, checks)
    (work / "site.yaml").write_text(SITE, encoding="utf-8")
    bench.must("credentials", "create", "site.yaml")
    bench.must("broker", "site.yaml")
    bench.must("release", "keys")
    release = work / "release.tar"
    kind = ("--board", "pc", "--system", "bookworm", "--wheels", str(cache / "wheels"))
    bench.must("release", "make", *kind, "--number", str(NUMBER), "--out", str(release))
    return bench, release


def check_first_boot(guest: Guest, bench: Bench, limit_s: int) -> None:
    """Boot a new card whose clock stands at 1970: it installs, does not crash, and is online once the time comes."""
    tell, began_s = bench.checks.tell, time.monotonic()
    guest.start(rtc="1970-01-01T00:00:00")
    guest.wait_for_shell(limit_s)
    bench.checks.say(f"    a shell after {time.monotonic() - began_s:.0f} s; clock {guest.ask('date -u')}")
    said = guest.ask(UNTIL_SET_UP, limit_s)
    tell("first boot installs offline", f"after {time.monotonic() - began_s:.0f} s", passed=said.endswith("active"))
    bench.checks.say("    " + guest.ask("cat /boot/efi/gammabox-status.txt").replace("\n", " | "))
    time.sleep(STEADY_S)
    restarts = guest.ask("systemctl show -p NRestarts --value gammabox-edge; systemctl is-active gammabox-edge")
    tell("no crash loop with a wrong clock", restarts.split(), passed=restarts.split() == ["0", "active"])
    clock = TimeServer(HOST)
    guest.ask("systemctl restart systemd-timesyncd")
    guest.ask("for n in $(seq 300); do test -e /run/systemd/timesync/synchronized && break; sleep 0.2; done", 120)
    synced_s = time.monotonic()
    works = bench.verify(limit_s)
    online = guest.ask("journalctl -u gammabox-edge -o short-unix --no-pager | grep -i -m1 'connected' || true")
    synced = guest.ask("stat -c %Y /run/systemd/timesync/synchronized")
    bench.checks.say(f"    {clock.answers} answers of the time server; synchronised at {synced}; {online}")
    clock.close()
    tell("verify says that the box works", f"{time.monotonic() - synced_s:.0f} s after the time came", passed=works)
    late_s = born_late(bench, float(synced))
    tell("online within 60 s of the time", f"{late_s:.0f} s", passed=late_s <= SYNCED_LIMIT_S)


def born_late(bench: Bench, synced_s: float) -> float:
    """Return how many seconds after the clock was set the box was born, as verify has noted its birth."""
    found = json.loads((bench.work / f"verified/{DEVICE}.json").read_text(encoding="utf-8"))["findings"]
    text = next(finding["found"] for finding in found if finding["check"] == "birth")
    stamp = text.removeprefix("online since ").removesuffix(" UTC")
    try:
        return time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S")) - time.timezone - synced_s
    except ValueError:
        return float("inf")


def check_inside(guest: Guest, bench: Bench) -> None:
    """Look at users, rights, keys and units in the running box."""
    tell = bench.checks.tell
    user = guest.ask("ps -o user= -p $(systemctl show -p MainPID --value gammabox-edge)")
    tell("the agent runs as its own user", user, passed=user == "gammabox")
    rights = guest.ask("stat -c '%a %U %G' /etc/gammabox/box.key")
    tell("the key is readable for root and the agent", rights, passed=rights == "640 root gammabox")
    left = guest.ask("ls /boot/efi; ls -d /opt/gammabox/firstboot /etc/systemd/system/gammabox-firstboot* 2>&1 || true")
    tell("nothing of the first boot is left", passed="gammabox\n" not in left and left.count("No such file") == 2)
    state = guest.ask("systemctl --failed --plain --no-legend; cloud-init status")
    tell("no unit failed", state, passed=state.endswith("status: done") and ".service" not in state)
    schema = guest.ask("cloud-init schema -c /var/lib/cloud/seed/nocloud/user-data 2>&1")
    tell("user-data passes cloud-init's schema", schema, passed="Valid" in schema)
    host = guest.ask("hostname; cat /etc/machine-id; ls /etc/ssh/ssh_host_*_key | wc -l").split()
    tell("name, machine id and host keys are its own", host, passed=host[0] == DEVICE and len(host[1]) == 32)
    size = int(guest.ask("df --output=size -B1M / | tail -1"))
    tell("the root fills the card", f"{size} MiB", passed=size > 2000)


def check_card(card: Path, bench: Bench, work: Path) -> None:
    """Look for the key on the boot partition of a card that was switched off, deleted blocks included."""
    boot = next(part for part in partitions_of(card) if part.filesystem == "fat")
    extract_partition(card, boot.offset, boot.size_bytes, work / "boot")
    content = (work / "boot").read_bytes()
    lines = (bench.work / f"credentials/boxes/{DEVICE}/box.key").read_bytes().splitlines()[1:-1]
    found = [line for line in lines if line in content]
    bench.checks.tell("no line of the key is on the boot partition", passed=not found and b"PRIVATE KEY" not in content)


def check_second_boot(guest: Guest, bench: Bench, before: str, limit_s: int) -> None:
    """Boot again: nothing changes, and the box is online by itself."""
    began_s = time.monotonic()
    guest.start()
    works = bench.verify(limit_s)
    bench.checks.tell("it works after the second boot", f"{time.monotonic() - began_s:.0f} s", passed=works)
    guest.wait_for_shell(limit_s)
    bench.checks.tell("the second boot changes nothing", passed=guest.ask(SAME) == before)


def check_failure(base: Path, release: Path, bench: Bench, guest_of: Callable[[Path], Guest], limit_s: int) -> None:
    """Boot a card whose release was damaged after it was written: its status file says so, without a secret."""
    card = bench.image(base, release, "damaged")
    content = release.read_bytes()
    # Whatever block of the file system holds this piece of the release.
    piece, image = content[len(content) // 2 :][:4096], card.read_bytes()
    at = image.find(piece)
    with card.open("r+b") as file:
        file.seek(at)
        file.write(bytes(len(piece)))
    del image
    guest = guest_of(card)
    guest.start()
    guest.wait_for_shell(limit_s)
    wait = "for n in $(seq 300); do test -e /boot/efi/gammabox-status.txt && break; sleep 2; done"
    status = guest.ask(f"{wait}; cat /boot/efi/gammabox-status.txt", limit_s)
    guest.shut_down()
    said = "It failed: " in status and "damaged" in status and "PRIVATE" not in status
    bench.checks.tell("a failed first boot leaves its reason on the card", status.replace("\n", " | "), passed=said)


def main() -> int:
    """Run the check and return 0 when all has passed, 1 when not, 2 when it cannot be run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=ROOT / "build/firmware", help="where images and the log are kept")
    parser.add_argument("--limit-s", type=int, default=3600, help="longest time for a boot and for an installation")
    given = parser.parse_args()
    cache = given.cache.resolve()
    work = cache / "work"
    try:
        if os.environ.get(INSIDE) is None:
            return outside(cache, work)
        return inside(cache, work, given.limit_s)
    except (UnavailableError, GuestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE if isinstance(error, UnavailableError) else EXIT_CHECK_FAILED


def outside(cache: Path, work: Path) -> int:
    """Build what needs a network, then go on where there is none."""
    lacking = [name for name in ("qemu-system-x86_64", "unshare", "ip") if shutil.which(name) is None]
    if lacking:
        raise UnavailableError(f"missing: {', '.join(lacking)}; apt-get install qemu-system-x86 ovmf iproute2")
    shutil.rmtree(work, ignore_errors=True)
    (cache / "log").unlink(missing_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    checks = Checks(cache / "log")
    built(cache, filmed(cache / "film.avi"), HOST)
    prepared_bench(work, cache, checks)
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    network = f"ip link set lo up && ip address add {HOST}/32 dev lo"
    command = [*alone, "sh", "-c", f'{network} && exec "$@"', "sh", sys.executable, *sys.argv]
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode


def inside(cache: Path, work: Path, limit_s: int) -> int:
    """Boot the cards, with no network but this machine's broker and clock."""
    checks = Checks(cache / "log")
    base, bench, release = built(cache, cache / "film.avi", HOST), Bench(work, checks), work / "release.tar"
    accelerator = working_accelerator()
    checks.say(f"acceleration: {accelerator}")

    def guest_of(card: Path) -> Guest:
        return Guest(card, work, accelerator, cache / "console.log")

    card = bench.image(base, release, DEVICE)
    guest = guest_of(card)
    bench.start_broker()
    try:
        check_first_boot(guest, bench, limit_s)
        check_inside(guest, bench)
        before = guest.ask(SAME)
        guest.shut_down()
        check_card(card, bench, work)
        check_second_boot(guest, bench, before, limit_s)
        guest.shut_down()
        check_failure(base, release, bench, guest_of, limit_s)
    finally:
        guest.cut_power()
        bench.close()
    failed = ", ".join(checks.failed)
    checks.say(f"FAILED: {failed}" if failed else f"PASSED: {checks.count} checks, acceleration {accelerator}")
    return EXIT_CHECK_FAILED if failed else 0


if __name__ == "__main__":
    sys.exit(main())
