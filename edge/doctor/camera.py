"""Checks of the camera on live frames: size, rate, controls, picture, and whether the board keeps up with it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.capture.camera_fault import KINDS
from edge.capture.controls import AUTOMATIC_EXPOSURE
from edge.doctor.finding import fault, ok, skipped
from edge.errors import SourceError
from edge.pipeline import Account, analysed_frames
from edge.site.camera import is_camera, open_camera

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from edge.capture.base import Mode, Source
    from edge.capture.frame import Frame
    from edge.config.device import DeviceSettings, SourceSettings
    from edge.detect.detector import Detector
    from edge.doctor.finding import Finding

MEASURED_S = 6.0
MAX_MEASURED_S = 20.0
"""A board that is far too slow analyses a few frames in this time."""
LIMIT_S = 40.0
_ENOUGH_FRAMES = 10
_MIN_FRAMES = 3
_LOW_RATE = 0.9
_FURTHER_THREAD = 0.5
_EXPOSURE_UNIT_S = 1e-4
_EXPOSURE_SHARE = 0.02
_GAIN_SHARE = 0.05
_AIM = "look at it with gammabox-edge doctor --aim"


@dataclass(frozen=True, slots=True)
class Sample:
    """Some seconds of a camera, analysed.

    Attributes
    ----------
    first, last : Frame
    account : Account
    camera_fps : float
        Frames a second that the camera delivered, those that the box was too slow for included.
    pipeline_fps : float
        Frames a second that the box could analyse.

    """

    first: Frame
    last: Frame
    account: Account
    camera_fps: float
    pipeline_fps: float


def camera(
    settings: DeviceSettings, detector: Detector, on_open: Callable[[Mode], None] = lambda _: None
) -> Iterator[Finding]:
    """Open the camera, analyse some seconds of it, and check what it delivers. `on_open` is called with its mode."""
    try:
        opened = open_camera(settings.source)
    except SourceError as error:
        yield _not_opened(settings.source, error)
        return
    with opened as source:
        mode = source.mode
        on_open(mode)
        yield ok("camera", f"{source.spec}: {mode.width}x{mode.height}, {mode.codec}")
        yield from size_findings(settings.source, (mode.width, mode.height))
        sample = sampled(source, detector, settings.detection.threads)
        if sample is None:
            yield fault("frames", "too few frames in a row", "check the cable, the hub and the light")
            return
        yield from rate_findings(settings.source, source, sample)
        yield from control_findings(settings.source, sample.last)
        yield from _speed(sample)
        yield from _picture(sample)
        yield from state_findings(source)


def sampled(source: Source, detector: Detector, threads: int = 1) -> Sample | None:
    """Analyse the camera for some seconds; None where it delivers too few frames.

    One thread analyses, so that the time of each stage is its own. `threads` is how many the agent has.
    """
    account, first, last = Account(), None, None
    began = time.perf_counter()
    for analysed in analysed_frames(source, detector):
        account = account.plus(analysed)
        first, last = first or analysed.frame, analysed.frame
        passed_s = (last.monotonic_s - first.monotonic_s) if source.live else time.perf_counter() - began
        if passed_s >= MEASURED_S and (account.analysed >= _ENOUGH_FRAMES or passed_s >= MAX_MEASURED_S):
            break
    if first is None or last is None or account.analysed < _MIN_FRAMES or last.monotonic_s <= first.monotonic_s:
        return None
    return Sample(
        first,
        last,
        account,
        camera_fps=(last.sequence - first.sequence) / (last.monotonic_s - first.monotonic_s),
        pipeline_fps=possible_fps(account.mean_ms, min(threads, os.cpu_count() or 1)),
    )


def possible_fps(mean_ms: Mapping[str, float], threads: int) -> float:
    """Return how many frames a second can be analysed by the mean time of each stage; with threads, an estimate.

    Each further thread brings about half as much again as the first; decoding and the fast path cannot overlap with
    themselves.
    """
    alone_ms = max(sum(mean_ms.values()), 1e-3)
    overlapped_ms = alone_ms / (1 + _FURTHER_THREAD * (threads - 1))
    return 1000 / max(overlapped_ms, mean_ms.get("decode", 0.0), mean_ms.get("fast_path", 0.0))


def _not_opened(source: SourceSettings, error: SourceError) -> Finding:
    problem, _, advice = str(error).partition("; ")
    holders = holders_of(Path(source.spec)) if source.spec.startswith("/dev/") else []
    if holders:
        return fault("camera", f"{problem}; held by {', '.join(holders)}", "systemctl stop gammabox-edge, then again")
    return fault("camera", problem, advice)


def holders_of(device: Path, processes: Path = Path("/proc")) -> list[str]:
    """Return the programs that have a device open, as far as this user may see them."""
    try:
        number = device.stat().st_rdev
    except OSError:
        return []
    holders = []
    for process in processes.glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        try:
            if any(handle.stat().st_rdev == number for handle in (process / "fd").iterdir()):
                holders.append(f"{(process / 'comm').read_text(encoding='utf-8').strip()} (process {process.name})")
        except OSError:
            continue
    return holders


def size_findings(wanted: SourceSettings, size: tuple[int, int]) -> Iterator[Finding]:
    """Check the size of the pictures against the settings."""
    if wanted.width is not None and wanted.height is not None and (wanted.width, wanted.height) != size:
        yield fault(
            "size",
            f"{size[0]}x{size[1]} instead of {wanted.width}x{wanted.height}",
            "set source.width and source.height to a size that `v4l2-ctl --list-formats-ext` lists",
        )


def rate_findings(wanted: SourceSettings, source: Source, sample: Sample) -> Iterator[Finding]:
    """Check the frame rate against the settings, or against what the camera declares."""
    wanted_fps = wanted.fps if wanted.fps is not None else source.mode.fps
    reached = f"{sample.camera_fps:.1f} frames/s"
    if wanted_fps > 0 and sample.camera_fps < _LOW_RATE * wanted_fps:
        yield fault(
            "rate",
            f"{reached} instead of {wanted_fps:g}",
            "an exposure longer than the frame period, a busy USB hub or poor light slow a camera down",
        )
    else:
        yield ok("rate", f"{reached} of {wanted_fps:g}" if wanted_fps > 0 else reached)


def control_findings(wanted: SourceSettings, frame: Frame) -> Iterator[Finding]:
    """Check exposure and gain, as read back, against the settings."""
    if not is_camera(wanted):
        yield skipped("exposure", "the source has no exposure that could be set")
        return
    if wanted.exposure_s is None:
        yield fault("exposure", "automatic: rates change with the light", "set source.exposure_s; see calibrate")
    elif frame.exposure_s is None:
        yield fault("exposure", "cannot be read back", "use a camera that can fix its exposure")
    elif abs(frame.exposure_s - wanted.exposure_s) > max(_EXPOSURE_SHARE * wanted.exposure_s, _EXPOSURE_UNIT_S):
        found = f"{frame.exposure_s * 1e3:.1f} ms instead of {wanted.exposure_s * 1e3:.1f} ms"
        yield fault("exposure", found, "set source.exposure_s to a time that the camera takes")
    else:
        yield ok("exposure", f"{frame.exposure_s * 1e3:.1f} ms, fixed")
    gain = wanted.gain
    if gain is None:
        yield skipped("gain", "not set" if frame.gain is None else f"{frame.gain:g}; not set, so it may change")
    elif frame.gain is None:
        yield fault("gain", "cannot be read back", "remove source.gain, or use a camera that has a gain")
    elif abs(frame.gain - gain) > max(_GAIN_SHARE * gain, 0.5):
        yield fault("gain", f"{frame.gain:g} instead of {gain:g}", "set source.gain to a value that the camera takes")
    else:
        yield ok("gain", f"{frame.gain:g}, fixed")


def _speed(sample: Sample) -> Iterator[Finding]:
    found = f"{sample.pipeline_fps:.0f} frames/s possible, {sample.camera_fps:.0f} needed"
    if sample.pipeline_fps < sample.camera_fps:
        yield fault("speed", found, "lower source.fps or the size, raise detection.threads, or use a faster board")
    else:
        yield ok("speed", found)


def _picture(sample: Sample) -> Iterator[Finding]:
    live = sample.account.live_fraction or 0.0
    found = f"{live:.0%} live, mean grey {float(sample.last.grey[::8, ::8].mean()):.0f}"
    if live < 0.1:
        yield fault("picture", found, f"uncover the lens, turn it from the light, mask what moves; {_AIM}")
    else:
        yield ok("picture", found)


def state_findings(source: Source) -> Iterator[Finding]:
    """Return what the source itself says of the camera's state."""
    for state in source.faults:
        yield fault(KINDS[state.name].title, state.detail, state.remedy)
    for warning in source.report.warnings:
        if warning != AUTOMATIC_EXPOSURE:  # told as the exposure
            yield fault("warning", warning, "change the settings of the source")
