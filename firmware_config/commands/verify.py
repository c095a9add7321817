"""The command gammabox-firmware verify: waits for boxes and says whether each works, or the first broken link."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge.bundle import load_bundle, shipped_bundle_path
from edge.control_room.subscriber import Subscriber
from edge.doctor.finding import Finding
from firmware_config.box_doctor import findings_there
from firmware_config.connection import control_room_settings
from firmware_config.keyring import ledger_of
from firmware_config.path_to_broker import path_findings
from firmware_config.results import Result
from firmware_config.verify import Expected, Heard, findings_of, hits_wanted, source_finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from firmware_config.site import Box, Site

POLL_S = 0.5
LINKS = {
    *("box over ssh", "clock", "broker", "TLS", "broker's certificate", "authority", "own certificate"),
    *("login", "publish", "commands"),
}
"""The findings of the doctor that are links to the broker."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What verify is asked for."""

    boxes: tuple[Box, ...]
    wait_s: float
    release: str | None
    source_s: float | None
    ssh: str | None = None


def verify(
    site: Site, credentials: Path, password_file: Path | None, wanted: Wanted, say: Callable[[str], None]
) -> list[Result]:
    """Return a result for each box. Where the broker cannot be reached, all have the same first fault."""
    settings = control_room_settings(site, credentials, password_file)
    path = list(path_findings(settings, site.site))
    if path[-1].state == "fault":
        return [_result(site, box, path) for box in wanted.boxes]
    heard = {box.device: Heard() for box in wanted.boxes}
    expected = {box.device: _expected(site, box, credentials, wanted) for box in wanted.boxes}
    awaited = [each for device, each in heard.items() if not expected[device].is_locked_out]
    with Subscriber(settings, site.site) as subscriber:
        _listen(subscriber, heard, wanted.wait_s, lambda: all(each.is_complete for each in awaited), say)
        results = [
            _result(site, box, [*path, *_found(box, heard[box.device], expected[box.device], wanted.ssh)])
            for box in wanted.boxes
        ]
        if wanted.source_s is None:
            return results
        return [_with_source(result, subscriber, heard, wanted.source_s, say) for result in results]


def _found(box: Box, heard: Heard, expected: Expected, ssh: str | None) -> list[Finding]:
    """Return what is found of a box; one that is not online is asked for the reason where it can be."""
    findings = list(findings_of(box, heard, expected))
    if findings[0].state != "fault" or expected.is_locked_out or ssh is None:
        return findings
    # The agent holds the camera, so only what the doctor says of the way to the broker counts.
    there = [finding for finding in findings_there(ssh) if finding.check in LINKS]
    return [*(replace(finding, check=f"{finding.check} on the box") for finding in there), *findings]


def _listen(
    subscriber: Subscriber,
    heard: dict[str, Heard],
    seconds: float,
    is_enough: Callable[[], bool],
    say: Callable[[str], None],
) -> float:
    """Take messages in for some seconds, or until it is enough. Return how long it took."""
    began_s = told_s = time.monotonic()
    while not is_enough() and time.monotonic() - began_s < seconds:
        for arrival in subscriber.poll(POLL_S):
            if arrival.topic.device in heard:
                heard[arrival.topic.device].take(arrival)
        if time.monotonic() - told_s >= 5:
            told_s = time.monotonic()
            missing = [device for device, each in heard.items() if not each.is_complete]
            left_s = max(0.0, seconds - (told_s - began_s))
            say(f"waiting for {', '.join(missing[:5]) or 'hits'}: {left_s:.0f} s left")
    return time.monotonic() - began_s


def _with_source(
    result: Result,
    subscriber: Subscriber,
    heard: dict[str, Heard],
    seconds: float,
    say: Callable[[str], None],
) -> Result:
    box = heard[result.device]
    if not result.works:
        return result
    background_hz = box.health.background_hz if box.health is not None else None
    say(f"{result.device}: hold the check source to the lens now, for up to {seconds:.0f} s")
    box.hits, began_s = 0, time.monotonic()

    def is_seen() -> bool:
        return box.hits >= hits_wanted(background_hz, max(time.monotonic() - began_s, 1.0))

    took_s = _listen(subscriber, heard, seconds, is_seen, say)
    finding = source_finding(box.hits, background_hz, max(took_s, 1.0))
    return result.model_copy(update={"findings": (*result.findings, finding)})


def _expected(site: Site, box: Box, credentials: Path, wanted: Wanted) -> Expected:
    ledger = ledger_of(credentials, site) if site.broker.tls else None
    certificates = None if ledger is None else tuple(ledger.of(box.device, "current", "next"))
    is_revoked = ledger is not None and bool(ledger.of(box.device, "revoked"))
    own_model = box.settings.get("model") is not None
    sha256 = None if own_model else load_bundle(shipped_bundle_path()).manifest.sha256
    return Expected(wanted.release, sha256, certificates, is_revoked)


def _result(site: Site, box: Box, findings: list[Finding]) -> Result:
    utc = datetime.now(timezone.utc).replace(microsecond=0)
    return Result(site=site.site, device=box.device, utc=utc, findings=tuple(findings))


def show(result: Result) -> None:
    """Print a result: a line for each link, and last whether the box works."""
    for finding in result.findings:
        print(f"  {finding.state:8} {finding.check}: {finding.found}")
    broken = result.first_fault
    if broken is None:
        print(f"{result.device}: works")
    else:
        print(f"{result.device}: {broken.check}: {broken.found}\n  → {broken.remedy}")


def as_dict(result: Result) -> dict[str, object]:
    """Return a result, ready for JSON."""
    broken = result.first_fault
    first = None if broken is None else broken.as_dict()
    return {**result.model_dump(mode="json"), "works": result.works, "first_fault": first}
