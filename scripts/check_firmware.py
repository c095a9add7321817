"""From a site file to a box that works and is updated, in a virtual machine: image, first boot, updates, power cuts.

`make check-firmware`. A Debian with cloud-init is built once (build/firmware), prepared by `gammabox-firmware image`,
and booted by QEMU with UEFI: with KVM where that works, by software emulation otherwise. The machine has no network but
the broker, the clock and the server of releases of this one. The commands are those of a technician; a film stands for
the camera. Scenarios: first boot with the clock at 1970; second boot; a good update, one that crashes, one signed by a
stranger; the power cut three times within an update, with the loss of all that the system had not flushed; a damaged
card.

Each scenario ends with a line PASSED or FAILED. The folder and the card are kept as they are before each stage, so that
`FIRMWARE_ARGS="--from updates"` goes on there. `FIRMWARE_ARGS="--machine aarch64"` does the same with a Cortex-A72,
the processor of the Raspberry Pi 4; `--to "first boot"` ends early. All that it does, with times, is in
build/firmware/log, for aarch64 in build/firmware/aarch64/log.

Needs Debian's qemu-system-x86, ovmf (for aarch64: qemu-system-arm, qemu-efi-aarch64, qemu-user-static and arch-test,
with which programs of another processor run here), nbdkit, mmdebstrap, fdisk, dosfstools, mtools, e2fsprogs, mosquitto,
iproute2, and root or user namespaces, and 8 GiB on the disk.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from firmware_base import UnavailableError, built
from firmware_bench import DEVICE, HOST, NUMBER, SITE, Bench, Checks
from firmware_clock import TimeServer
from firmware_film import filmed
from firmware_guest import Guest, GuestError, working_accelerator
from firmware_machines import MACHINES
from firmware_updates import Releases, check_power_cuts, check_updates
from update_cases import KEYS, web_server

from edge.commands.console import EXIT_CHECK_FAILED, EXIT_UNUSABLE
from firmware_config.image.growing import extract_partition
from firmware_config.image.table import partitions_of
from firmware_config.targets import chosen

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
INSIDE = "GAMMABOX_CHECK_INSIDE"
BOARD, SYSTEM = "pc", "bookworm"
RELEASE = "release.tar"
BEFORE = "files after the first boot"
STAGES = ("first boot", "second boot", "updates", "power cuts", "damaged card")
STEADY_S = 90
SYNCED_LIMIT_S = 60
UNITS = ("gammabox-edge.service", "gammabox-updater.service", "gammabox-updater-boot.service")
MAX_EXPOSURE = 2.5
SAME = (
    "find /opt/gammabox /etc/gammabox /etc/systemd/system /etc/machine-id /etc/hostname /etc/hosts /etc/ssh "
    "/etc/passwd -xdev \\( -type f -o -type l \\) -not -name '*.pyc' | sort | xargs -d '\\n' stat -c '%s %Y %a %U %N' "
    "| sha256sum"
)
UNTIL_SET_UP = (
    "for n in $(seq 1800); do systemctl is-active -q gammabox-edge && test ! -e /opt/gammabox/firstboot && break; "
    "systemctl is-failed -q gammabox-firstboot && break; sleep 2; done; systemctl is-active gammabox-edge"
)


def prepared_bench(work: Path, cache: Path, machine: str, checks: Checks) -> None:
    """Make the site, its credentials, the keys of releases and a release; what takes long is kept in the cache."""
    work.mkdir(parents=True)
    bench = Bench(work, checks)
    (work / "site.yaml").write_text(SITE, encoding="utf-8")
    bench.must("credentials", "create", "site.yaml")
    bench.must("broker", "site.yaml")
    bench.must("release", "keys", KEYS)
    kind = ("--board", BOARD, "--system", SYSTEM, "--machine", machine, "--wheels", cache / "wheels")
    bench.must("release", "make", *kind, "--number", NUMBER, "--out", RELEASE)


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
    works = bench.verify(NUMBER, limit_s)
    online = guest.ask("journalctl -u gammabox-edge -o short-unix --no-pager | grep -i -m1 'connected' || true")
    bench.checks.say(f"    first of {clock.answers} answers of the time server at {clock.first_utc_s:.0f}; {online}")
    clock.close()
    tell("verify says that the box works", f"{time.monotonic() - synced_s:.0f} s after the time came", passed=works)
    late_s = born_late(bench, clock.first_utc_s)
    tell("online within 60 s of the time", f"{late_s:.0f} s", passed=late_s <= SYNCED_LIMIT_S)


def born_late(bench: Bench, told_s: float) -> float:
    """Return how many seconds after it was told the time the box was born, as verify has noted its birth."""
    found = json.loads((bench.work / f"verified/{DEVICE}.json").read_text(encoding="utf-8"))["findings"]
    text = next(finding["found"] for finding in found if finding["check"] == "birth")
    stamp = text.removeprefix("online since ").removesuffix(" UTC")
    try:
        return time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S")) - time.timezone - told_s
    except ValueError:
        return float("inf")


def check_inside(guest: Guest, bench: Bench) -> None:
    """Look at users, rights, keys and units in the running box."""
    tell = bench.checks.tell
    processor = guest.ask("uname -m; grep -m 1 -e 'model name' -e 'CPU part' /proc/cpuinfo")
    bench.checks.say(f"    processor: {' '.join(processor.split())}")
    user = guest.ask("ps -o user= -p $(systemctl show -p MainPID --value gammabox-edge)")
    tell("the agent runs as its own user", user, passed=user == "gammabox")
    rights = guest.ask("stat -c '%a %U %G' /etc/gammabox/box.key")
    tell("the key is readable for root and the agent", rights, passed=rights == "640 root gammabox")
    left = guest.ask("ls /boot/efi; ls -d /opt/gammabox/firstboot /etc/systemd/system/gammabox-firstboot* 2>&1 || true")
    tell("nothing of the first boot is left", passed="gammabox\n" not in left and left.count("No such file") == 2)
    state = guest.ask("systemctl --failed --plain --no-legend; cloud-init status")
    tell("no unit failed", state, passed=state.endswith("status: done") and ".service" not in state)
    for unit in UNITS:
        said = guest.ask(f"systemd-analyze security --no-pager {unit} | tail -n 1", 300)
        exposure = re.search(r"level for \S+: ([0-9.]+)", said)
        level = float(exposure[1]) if exposure else float("inf")
        tell(f"{unit} is shut off as far as it may be", f"exposure {level}", passed=level <= MAX_EXPOSURE)
    schema = guest.ask("cloud-init schema -c /var/lib/cloud/seed/nocloud/user-data 2>&1")
    tell("user-data passes cloud-init's schema", schema, passed="Valid" in schema)
    host = guest.ask("hostname; cat /etc/machine-id; ls /etc/ssh/ssh_host_*_key | wc -l").split()
    tell(
        "name, machine id and host keys are its own",
        host,
        passed=host[0] == DEVICE and len(host[1]) == 32 and host[2] != "0",
    )
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
    guest.wait_until_up(limit_s)
    works = bench.verify(NUMBER, limit_s)
    bench.checks.tell("it works after the second boot", f"{time.monotonic() - began_s:.0f} s", passed=works)
    bench.checks.tell("the second boot changes nothing", passed=guest.ask(SAME) == before)


def check_failure(base: Path, release: Path, bench: Bench, guest_of: Callable[[Path], Guest], limit_s: int) -> None:
    """Boot a card whose release was damaged after it was written: its status file says so, without a secret."""
    card = bench.image(base, release, "damaged")
    content = release.read_bytes()
    # Whatever block of the file system holds this piece of the release.
    piece = content[len(content) // 2 :][:4096]
    with card.open("r+b") as file, mmap.mmap(file.fileno(), 0) as blocks:
        at = blocks.find(piece)
        blocks[at : at + len(piece)] = bytes(len(piece))
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
    parser.add_argument("--limit-s", type=int, default=1800, help="longest time for a boot and for an installation")
    parser.add_argument("--seed", type=int, default=20, help="draws the moments of the power cuts")
    parser.add_argument("--machine", choices=MACHINES, default="x86_64", help="processor of the machine")
    parser.add_argument(
        "--from", dest="first", choices=STAGES, default=STAGES[0], help="go on with what an earlier run kept"
    )
    parser.add_argument("--to", dest="last", choices=STAGES, default=STAGES[-1], help="end after a stage")
    given = parser.parse_args()
    if STAGES.index(given.last) < STAGES.index(given.first):
        parser.error(f"--to {given.last!r} comes before --from {given.first!r}: the stages are {', '.join(STAGES)}")
    given.cache = given.cache.resolve() / ("" if given.machine == "x86_64" else given.machine)
    try:
        return outside(given) if os.environ.get(INSIDE) is None else inside(given)
    except (UnavailableError, GuestError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_UNUSABLE if isinstance(error, UnavailableError) else EXIT_CHECK_FAILED


def outside(given: argparse.Namespace) -> int:
    """Build what needs a network, then go on where there is none."""
    machine, cache, work = MACHINES[given.machine], given.cache, given.cache / "work"
    lacking = [name for name in (machine.qemu, "unshare", "ip", "nbdkit") if shutil.which(name) is None]
    lacking += [str(path) for path in (machine.code, machine.variables) if not path.exists()]
    if lacking:
        raise UnavailableError(f"missing: {', '.join(lacking)}; apt-get install {machine.package} iproute2 nbdkit")
    shutil.rmtree(work, ignore_errors=True)
    (cache / "log").unlink(missing_ok=True)
    cache.mkdir(parents=True, exist_ok=True)
    checks = Checks(cache / "log")
    built(cache, machine, filmed(cache / "film.avi"), HOST)
    if given.first == STAGES[0]:
        prepared_bench(work, cache, machine.name, checks)
    else:
        checks.say(f"goes on with {given.first}; what comes before was done in an earlier run")
        copy(kept(cache, given.first), work)
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    network = f"ip link set lo up && ip address add {HOST}/32 dev lo"
    command = [*alone, "sh", "-c", f'{network} && exec "$@"', "sh", sys.executable, *sys.argv]
    return subprocess.run(command, env={**os.environ, INSIDE: "1"}, check=False).returncode


def kept(cache: Path, stage: str) -> Path:
    """Return where the folder of the site and the card are kept as they are before a stage."""
    return cache / f"before {stage}"


def copy(source: Path, target: Path) -> None:
    """Copy a folder with its cards, whose empty parts take no space."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--sparse=always", source, target], check=True)


def inside(given: argparse.Namespace) -> int:
    """Boot the cards, with no network but this machine's broker, clock and server of releases."""
    machine, cache, work = MACHINES[given.machine], given.cache, given.cache / "work"
    checks = Checks(cache / "log")
    bench, card, accelerator = Bench(work, checks), work / f"{DEVICE}.img", working_accelerator(machine)
    checks.say(f"{machine.name}; processor {machine.words(accelerator)[4]}; acceleration {accelerator}")

    def guest_of(disk: Path, *, forgetful: bool = False) -> Guest:
        return Guest(machine, accelerator, disk, work, cache / "console.log", forgetful=forgetful)

    base = built(cache, machine, cache / "film.avi", HOST)
    for number in range(STAGES.index(given.first), STAGES.index(given.last) + 1):
        stage = STAGES[number]
        guest = guest_of(card, forgetful=stage == "power cuts")
        server, url = web_server(work / "web", work / "credentials", HOST)
        bench.start_broker()
        try:
            releases = Releases(bench, chosen(BOARD, SYSTEM, machine.name), cache / "wheels", url)
            if stage == "first boot":
                bench.image(base, work / RELEASE, DEVICE)
                with checks.scenario("first boot"):
                    first_boot(guest, bench, work, given.limit_s)
            elif stage == "second boot":
                with checks.scenario("second boot"):
                    check_second_boot(guest, bench, (work / BEFORE).read_text(), given.limit_s)
                    guest.shut_down()
            elif stage == "updates":
                guest.start()
                guest.wait_until_up(given.limit_s)
                checks.tell("it works before", passed=bench.verify(NUMBER, given.limit_s))
                check_updates(guest, bench, releases, given.limit_s)
                guest.shut_down()
            elif stage == "power cuts":
                with checks.scenario("power cuts in an update"):
                    check_power_cuts(guest, bench, releases, given.seed, given.limit_s)
            else:
                with checks.scenario("a damaged card"):
                    check_failure(base, work / RELEASE, bench, guest_of, given.limit_s)
        finally:
            guest.cut_power()
            bench.close()
            server.shutdown()
        if checks.failed:
            break
        if stage != STAGES[-1]:
            copy(work, kept(cache, STAGES[number + 1]))
    failed = ", ".join(checks.failed)
    checks.say(f"FAILED: {failed}" if failed else f"PASSED: {checks.count} checks, acceleration {accelerator}")
    return EXIT_CHECK_FAILED if failed else 0


def first_boot(guest: Guest, bench: Bench, work: Path, limit_s: int) -> None:
    """Boot a new card, and look at it inside and from outside."""
    check_first_boot(guest, bench, limit_s)
    check_inside(guest, bench)
    (work / BEFORE).write_text(guest.ask(SAME))
    guest.shut_down()
    check_card(work / f"{DEVICE}.img", bench, work)


if __name__ == "__main__":
    sys.exit(main())
