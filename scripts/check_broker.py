"""Connects thousands of simulated boxes by TLS to the site's broker on loopback, restarts it, and times their return.

Each box has its own certificate, subscribes to its commands, publishes its birth, and comes back as the agent does:
after half a second, then after twice as long each time, up to 30 s. All run in one process on asyncio, with the few
packets of MQTT 3.1.1 that this needs, so that the broker is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from firmware_config.broker import write_broker
from firmware_config.credentials import create
from firmware_config.site import Box, Broker, Site

FIRST_RETRY_S = 0.5
LONGEST_RETRY_S = 30.0
KEEPALIVE_S = 3600
ANSWER_S = 60.0
PUBACK = 4


@dataclass
class Fleet:
    """The state of all boxes, and how often one had to try again."""

    site: Site
    credentials: Path
    online: set[str] = field(default_factory=set)
    attempts: int = 0
    refused: dict[str, int] = field(default_factory=dict)


def text(value: str) -> bytes:
    """Return a text as MQTT holds it."""
    return len(value.encode()).to_bytes(2, "big") + value.encode()


def packet(kind: int, body: bytes) -> bytes:
    """Return a packet with its length."""
    length, left = bytearray(), len(body)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


async def read_packet(reader: asyncio.StreamReader) -> int:
    """Read a packet and return its kind."""
    kind = (await reader.readexactly(1))[0]
    length = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        length |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            break
    await reader.readexactly(length)
    return kind >> 4


async def watched(reader: asyncio.StreamReader) -> None:
    """Read until the connection is lost; the check is over before the broker misses a sign of life."""
    while True:
        await read_packet(reader)


async def session(fleet: Fleet, device: str, context: ssl.SSLContext) -> None:
    """Connect a box, publish its birth, and stay until the connection is lost."""
    broker = fleet.site.broker
    reader, writer = await asyncio.wait_for(
        asyncio.open_connection(broker.host, broker.port, ssl=context, server_hostname=broker.host), 60
    )
    try:
        topic = f"gammabox/{fleet.site.site}/{device}"
        will = text(f"{topic}/status") + text('{"state":"offline"}')
        flags = 0x02 | 0x04 | 0x08 | 0x20  # clean session, will of QoS 1, retained
        connect = text("MQTT") + bytes([4, flags]) + KEEPALIVE_S.to_bytes(2, "big") + text(device) + will
        writer.write(packet(0x10, connect))
        writer.write(packet(0x82, b"\0\1" + text(f"{topic}/cmd/#") + b"\1"))
        writer.write(packet(0x33, text(f"{topic}/status") + b"\0\2" + b'{"state":"online"}'))
        await writer.drain()
        while True:
            kind = await asyncio.wait_for(read_packet(reader), ANSWER_S)
            if kind == PUBACK:
                fleet.online.add(device)
                return await watched(reader)
    finally:
        fleet.online.discard(device)
        writer.transport.abort()


async def life(fleet: Fleet, device: str) -> None:
    """Keep a box connected, with the pauses of the agent between attempts."""
    own = fleet.credentials / "boxes" / device
    context = ssl.create_default_context(cafile=str(fleet.credentials / "ca.crt"))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    context.load_cert_chain(own / "box.crt", own / "box.key")
    pause_s = FIRST_RETRY_S
    while True:
        fleet.attempts += 1
        began_s = time.monotonic()
        try:
            await session(fleet, device, context)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            name = type(error).__name__
            fleet.refused[name] = fleet.refused.get(name, 0) + 1
        pause_s = FIRST_RETRY_S if time.monotonic() - began_s > 30 else min(2 * pause_s, LONGEST_RETRY_S)
        await asyncio.sleep(pause_s)


async def until_all_online(fleet: Fleet, count: int, limit_s: float) -> float:
    """Return how long it takes until all boxes are online."""
    began_s = time.monotonic()
    while len(fleet.online) < count:
        if time.monotonic() - began_s > limit_s:
            raise SystemExit(f"only {len(fleet.online)} of {count} boxes online after {limit_s:.0f} s: {fleet.refused}")
        await asyncio.sleep(0.05)
    return time.monotonic() - began_s


def memory_mb(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process, now and at most, in MB."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines() if ":" in line
    )
    return tuple(int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))  # type: ignore[return-value]


def broker_pid(run_sh: int) -> int:
    """Return the process of the broker that run.sh has started. Raise SystemExit where there is none."""
    for _ in range(100):
        for child in Path(f"/proc/{run_sh}/task/{run_sh}/children").read_text("ascii").split():
            if Path(f"/proc/{child}/comm").read_text("ascii").strip() == "mosquitto":
                return int(child)
        time.sleep(0.1)
    raise SystemExit("the broker does not run")


async def measured(fleet: Fleet, broker: Path, run_sh: int, limit_s: float) -> dict[str, object]:
    """Connect all boxes, restart the broker, and return the times and the memory."""
    devices = [box.device for box in fleet.site.boxes]
    slots = [asyncio.create_task(life(fleet, device)) for device in devices]
    connect_s = await until_all_online(fleet, len(devices), limit_s)
    before = memory_mb(broker_pid(run_sh))
    first_attempts, fleet.attempts = fleet.attempts, 0
    with (broker / "mosquitto.conf").open("a", encoding="utf-8") as conf:
        conf.write("# run.sh starts the broker again after a change, as after a revocation\n")
    while fleet.online:  # noqa: ASYNC110 - a time to a few hundredths is enough
        await asyncio.sleep(0.02)
    lost_s = time.monotonic()
    await until_all_online(fleet, len(devices), limit_s)
    back_s = time.monotonic() - lost_s
    after = memory_mb(broker_pid(run_sh))
    for slot in slots:
        slot.cancel()
    await asyncio.gather(*slots, return_exceptions=True)
    return {
        "boxes": len(devices),
        "connect_s": round(connect_s, 1),
        "connect_attempts": first_attempts,
        "back_after_restart_s": round(back_s, 1),
        "back_attempts": fleet.attempts,
        "broker_rss_mb": round(before[0], 1),
        "broker_peak_mb": round(max(before[1], after[1]), 1),
        "boxes_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "errors": fleet.refused,
    }


def free_port() -> int:
    """Return a port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def main() -> int:
    """Run the check and print its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=2000)
    parser.add_argument("--limit-s", type=float, default=300.0, help="longest time for each of both connections")
    given = parser.parse_args()
    wanted = given.boxes + 200
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(wanted, 1024), hard), hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        boxes = tuple(Box(device=f"box-{number:04}", board="rpi4", camera="csi") for number in range(given.boxes))
        site = Site(site="fleet", broker=Broker(host="127.0.0.1", port=free_port()), boxes=boxes)
        began_s = time.monotonic()
        create(folder / "credentials", site)
        made_s = time.monotonic() - began_s
        write_broker(folder / "broker", site, folder / "credentials")
        with (folder / "log").open("w", encoding="utf-8") as log:
            process = subprocess.Popen(["sh", str(folder / "broker" / "run.sh")], stdout=log, stderr=log)
        try:
            fleet = Fleet(site, folder / "credentials")
            figures = asyncio.run(measured(fleet, folder / "broker", process.pid, given.limit_s))
        finally:
            process.terminate()
            process.wait(30)
    print(json.dumps({"certificates_s": round(made_s, 1), **figures}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
