"""Checks of the board: its clock, its disk, its heat."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from edge.clock import SET_SINCE
from edge.doctor.finding import fault, ok, skipped
from edge.telemetry.health import temperature_c
from edge.telemetry.login import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.doctor.finding import Finding

MIN_FREE_BYTES = 500_000_000
MIN_FREE_INODES = 1000
HOT_C = 80.0
"""Raspberry Pi 4 and 5 slow down from here on."""
THERMAL_ZONES = Path("/sys/class/thermal")
THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has on any machine
# Bits of get_throttled, https://www.raspberrypi.com/documentation/computers/os.html#get_throttled
_NOW = {0: "under-voltage", 1: "frequency capped", 2: "throttled", 3: "soft temperature limit"}
_SINCE_START = 16


def clock(utc: datetime | None = None) -> Iterator[Finding]:
    """Check that the clock is set and synchronised. Alarms carry its time."""
    now = utc if utc is not None else datetime.now(timezone.utc)
    if now < SET_SINCE:
        yield fault(
            "clock", f"it is set to {now:%Y-%m-%d}", "connect the box to a network with NTP, or fit a clock module"
        )
        return
    synchronised = is_synchronised()
    if synchronised is None:
        yield skipped("clock", f"set to {now:%Y-%m-%d %H:%M}Z; whether it is synchronised cannot be told")
    elif synchronised:
        yield ok("clock", f"{now:%Y-%m-%d %H:%M}Z, synchronised")
    else:
        yield fault(
            "clock",
            f"{now:%Y-%m-%d %H:%M}Z, not synchronised",
            "timedatectl set-ntp true; allow UDP port 123 to a time server",
        )


def is_synchronised() -> bool | None:
    """Ask the kernel whether something keeps its clock right; None where it does not tell."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        state = library.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))  # all zero: only asks
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def disk(folder: Path) -> Iterator[Finding]:
    """Check the disk of the outbox, by writing to it."""
    existing = next((place for place in (folder, *folder.parents) if place.is_dir()), Path("/"))
    usage = shutil.disk_usage(existing)
    status = os.statvfs(existing)
    free = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB free at {folder}"
    if usage.free < MIN_FREE_BYTES:
        yield fault("disk", free, "make room: messages would wait in memory only; look at recordings and logs")
    elif status.f_files > 0 and status.f_favail < MIN_FREE_INODES:
        yield fault("disk", f"{status.f_favail} files can still be made at {folder}", "remove small files")
    else:
        yield ok("disk", free)
    if existing != folder:
        yield fault("disk writable", f"{folder} is missing", "create it for the user of the agent, gammabox")
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(b"doctor")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        yield fault(
            "disk writable",
            f"{folder} cannot be written ({reason_of(error)})",
            "check its owner (gammabox), and whether the card has turned read-only: dmesg | grep -i ext4",
        )
    else:
        yield ok("disk writable", f"{folder} takes files")


def temperature(zones: Path = THERMAL_ZONES) -> Iterator[Finding]:
    """Check how hot the board is: noise and speed depend on it."""
    readings = [temperature_c(zone) for zone in sorted(zones.glob("thermal_zone*/temp"))]
    celsius = [reading for reading in readings if reading is not None]
    if not celsius:
        yield skipped("temperature", "the board does not report it")
    elif max(celsius) >= HOT_C:
        yield fault("temperature", f"{max(celsius):.0f} °C", "shade the box, add a heat sink or a fan")
    else:
        yield ok("temperature", f"{max(celsius):.0f} °C")


def throttling(file: Path = THROTTLED) -> Iterator[Finding]:
    """Check whether a Raspberry Pi had to slow down."""
    flags = throttled_flags(file)
    if flags is None:
        yield skipped("throttling", "the board does not report it")
        return
    now = [words for bit, words in _NOW.items() if flags >> bit & 1]
    since = [words for bit, words in _NOW.items() if flags >> (bit + _SINCE_START) & 1]
    if not now and not since:
        yield ok("throttling", "none since the start")
        return
    under_voltage = _NOW[0] in (*now, *since)
    when = f"now: {', '.join(now)}" if now else f"since the start: {', '.join(since)}"
    yield fault(
        "throttling", when, "use the board's own power supply and a short cable" if under_voltage else "cool the board"
    )


def throttled_flags(file: Path = THROTTLED) -> int | None:
    """Read the flags of the firmware; None on other boards."""
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):
        pass
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    ran = subprocess.run([program, "get_throttled"], capture_output=True, text=True, check=False, timeout=3)
    _, _, value = ran.stdout.strip().partition("throttled=")
    try:
        return int(value, 16)
    except ValueError:
        return None
