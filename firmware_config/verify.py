"""Judges whether a box works, by what it reports: the first finding that is a fault is the first broken link."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from edge import __version__
from edge.clock import CLOCK_WAS_SET
from edge.control_room.arrivals import Received
from edge.doctor.finding import Finding, fault, ok, skipped
from edge.telemetry.messages import Health, HitMessage, Info, Status
from firmware_config.cameras import DEFAULT_FPS
from firmware_config.ledger import WARN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.control_room.arrivals import Arrival
    from firmware_config.ledger import Issued
    from firmware_config.site import Box

MIN_LIVE_FRACTION = 0.5
MIN_SHARE_OF_FPS = 0.8
EXPOSURE_TOLERANCE = 0.1
MIN_SOURCE_HITS = 5
SOURCE_SIGMAS = 3.5
SETTLED = 2
"""The first health message after a start covers the start itself, in which the frame rate is low."""
_DOCTOR = "on the box: sudo /opt/gammabox/venv/bin/gammabox-edge doctor --config /etc/gammabox/device.yaml"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a box has to report.

    Attributes
    ----------
    release : str or None
        Release that was installed; None where none is asked for.
    model_sha256 : str or None
        Hash of the model; None where the box has one of its own.
    certificates : tuple of Issued
        Certificates of the box in use; None for a site without TLS.
    is_revoked : bool
        Whether the box has had a certificate that was revoked.

    """

    release: str | None
    model_sha256: str | None
    certificates: tuple[Issued, ...] | None
    is_revoked: bool = False

    @property
    def is_locked_out(self) -> bool:
        """Whether the box has no certificate with which the broker would let it in."""
        return self.certificates == ()


@dataclass
class Heard:
    """The latest messages of a box, the number of health messages that were no retained ones, and live hits."""

    status: Status | None = None
    info: Info | None = None
    health: Health | None = None
    news: int = 0
    hits: int = 0

    def take(self, arrival: Arrival) -> None:
        """Take in a message of the box."""
        if not isinstance(arrival, Received):
            return
        message = arrival.message
        if isinstance(message, Status):
            self.status = message
        elif isinstance(message, Info):
            self.info = message
        elif isinstance(message, Health):
            self.health, self.news = message, self.news + (not arrival.retained)
        elif isinstance(message, HitMessage) and not arrival.retained:
            self.hits += sum(hit.live and hit.nuisance is None for hit in message.hits)

    @property
    def is_complete(self) -> bool:
        """Whether the box is online and has told all that `findings_of` judges."""
        online = self.status is not None and self.status.state == "online"
        settled = self.news >= SETTLED and bool(self.health and self.health.frames)
        return online and self.info is not None and settled


def findings_of(box: Box, heard: Heard, expected: Expected, now: datetime | None = None) -> Iterator[Finding]:
    """Yield what is found of a box, in the order of the links: birth, rights, software, model, camera, certificate."""
    now = now or datetime.now(timezone.utc)
    if expected.is_locked_out:
        yield fault(
            "certificate",
            "its certificate is revoked" if expected.is_revoked else "it has no certificate",
            "gammabox-firmware credentials create, then export box, and copy its files to the box",
        )
        return
    born = _birth(heard)
    yield born
    if born.state == "fault":
        return
    if heard.info is None or heard.health is None or not heard.news:
        yield fault("reports", "it is online, but has sent no health and no facts since", f"wait, or {_DOCTOR}")
        return
    yield _rights(heard.health)
    yield from _clock(heard.health)
    yield _release(heard.info, expected.release)
    yield _model(heard.info, expected.model_sha256)
    yield _camera(box, heard.info, heard.health)
    yield _frame_rate(box, heard.info, heard.health)
    yield _exposure(box, heard.health)
    yield _live(heard.health)
    yield _certificate(heard.info, expected.certificates, now)


def _birth(heard: Heard) -> Finding:
    status = heard.status
    if status is None:
        return fault(
            "birth",
            "it has never reached the broker",
            "in this order: its power; its network (does it answer to ping?); the broker's name there; its clock; its "
            f"files in /etc/gammabox. More says, {_DOCTOR}",
        )
    if status.state == "online":
        return ok("birth", f"online since {status.utc:%Y-%m-%d %H:%M:%S} UTC")
    if status.reason == "stopped":
        return fault(
            "birth",
            f"its agent was stopped at {status.utc:%Y-%m-%d %H:%M} UTC",
            "start it: sudo systemctl start gammabox-edge",
        )
    return fault(
        "birth",
        f"lost since it was last connected ({status.utc:%Y-%m-%d %H:%M} UTC)",
        f"check its power, then its network; more says, {_DOCTOR}",
    )


def _rights(health: Health) -> Finding:
    refused = next((each for each in health.faults if "refuses messages" in each), None)
    if refused is None:
        return ok("rights", "the broker takes its messages")
    return fault("rights", refused, "give the broker the acl that gammabox-firmware broker writes")


def _clock(health: Health) -> Iterator[Finding]:
    """Say that the clock was set: a board without a battery finds the time only when it has a network."""
    yield from (ok("clock", each) for each in health.faults if each.startswith(CLOCK_WAS_SET))


def _release(info: Info, expected: str | None) -> Finding:
    said = f"release {info.release or 'unknown'}, software {info.software}"
    if expected is not None and info.release != expected:
        return fault("release", f"{said}, expected release {expected}", "install that release on the box")
    if expected is None and info.software != __version__:
        return fault("release", f"{said}, but {__version__} here", "install the same version on the box, or here")
    return ok("release", said)


def _model(info: Info, expected: str | None) -> Finding:
    said = f"{info.model.name}, SHA-256 {info.model.sha256[:16]}…"
    if expected is None:
        return skipped("model", f"{said}; the box has one of its own")
    if info.model.sha256 != expected:
        return fault("model", f"{said}, expected {expected[:16]}…", "install the release anew, and restart the agent")
    return ok("model", said)


def _camera(box: Box, info: Info, health: Health) -> Finding:
    faults = [each for each in health.faults if not each.startswith(CLOCK_WAS_SET)]
    if health.camera:
        words = next((each for each in faults if any(word in each for word in health.camera)), None)
        sentence = words or next(iter(faults), "see docs/camera-states.md")
        return fault("camera", ", ".join(health.camera), sentence)
    if not health.frames:
        return fault("camera", "no frame was analysed", next(iter(faults), f"check {box.camera}; {_DOCTOR}"))
    camera = info.camera
    said = f"{camera.kind} {camera.width}x{camera.height}"
    if faults:
        return fault("camera", f"{said}, with a fault", faults[0])
    return ok("camera", said)


def _frame_rate(box: Box, info: Info, health: Health) -> Finding:
    source = box.settings.get("source")
    asked = source.get("fps") if isinstance(source, dict) else None
    wanted = float(asked) if isinstance(asked, (int, float)) else info.camera.fps if box.is_trial else DEFAULT_FPS
    if wanted is None:
        return skipped("frame rate", f"{health.fps:.1f} frames a second; the recording states none")
    said = f"{health.fps:.1f} of {wanted:g} frames a second"
    if health.fps < MIN_SHARE_OF_FPS * wanted:
        return fault("frame rate", said, "see docs/camera.md: more light, a better cable, a cooler board")
    return ok("frame rate", said)


def _exposure(box: Box, health: Health) -> Finding:
    if health.exposure_s is None:
        return fault("exposure", "the camera does not tell it", "see docs/camera.md: switch automatic exposure off")
    said = f"{health.exposure_s:.4g} s"
    if not math.isclose(health.exposure_s, box.exposure_s, rel_tol=EXPOSURE_TOLERANCE):
        return fault(
            "exposure", f"{said}, expected {box.exposure_s:g} s", "the camera takes another one: see docs/camera.md"
        )
    return ok("exposure", said)


def _live(health: Health) -> Finding:
    if health.live_fraction is None:
        return fault("live fraction", "no live ground", "see faults of the box; aim it with gammabox-edge doctor --aim")
    said = f"{health.live_fraction:.0%} of the picture can show a hit"
    if health.live_fraction < MIN_LIVE_FRACTION:
        return fault("live fraction", said, "fix the camera, aim it at quieter, darker ground, or add a grey filter")
    return ok("live fraction", said)


def _certificate(info: Info, certificates: tuple[Issued, ...] | None, now: datetime) -> Finding:
    if certificates is None:
        return skipped("certificate", "the site uses none")
    used = next((each for each in certificates if each.sha256 == info.certificate_sha256), None)
    if used is None:
        return fault("certificate", "it logs in with one that is not known here", "export box and copy its files again")
    said = f"SHA-256 {used.sha256[:16]}…, until {used.ends:%Y-%m-%d}"
    if used.ends - now <= WARN:
        return fault("certificate", f"{said}, soon", "renew it: gammabox-firmware credentials rotate")
    return ok("certificate", said)


def hits_wanted(background_hz: float | None, seconds: float) -> int:
    """Return how many hits within some seconds show a source: many more than background makes.

    Examples
    --------
    >>> hits_wanted(None, 60), hits_wanted(1.0, 60)
    (5, 88)

    """
    usual = (background_hz or 0.0) * seconds
    return max(MIN_SOURCE_HITS, math.ceil(usual + SOURCE_SIGMAS * math.sqrt(usual)))


def source_finding(hits: int, background_hz: float | None, seconds: float) -> Finding:
    """Return whether a check source before the lens was seen."""
    wanted = hits_wanted(background_hz, seconds)
    said = f"{hits} hits in {seconds:.0f} s with the check source, {wanted} wanted"
    if hits >= wanted:
        return ok("check source", said)
    return fault("check source", said, "hold it closer, to the uncovered sensor, for longer; else the box may be blind")
