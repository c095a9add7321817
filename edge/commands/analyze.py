"""The command `gammabox-edge analyze`: analyses a recording and prints the summary."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from edge.analysis import analyze
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.source import open_source
from edge.detect.detector import Detector
from edge.errors import SourceError
from edge.files import why
from edge.output import is_events, require_apart, require_free
from edge.process import set_up_process
from edge.site.calibration import calibration_of_recording
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.analysis import Summary


def run(
    clip: str,
    *,
    events: Path | None,
    model: Path | None,
    threads: int,
    as_json: bool,
    exposure_s: float | None = None,
    calibration: Path | None = None,
    force: bool = False,
) -> None:
    """Analyse a recording and print the summary.

    Parameters
    ----------
    exposure_s : float or None
        Exposure with which the recording was made; None where unknown.
    calibration : Path or None
        Calibration of the box that made the recording.
    force : bool
        Whether a file of somebody else is overwritten by the events.

    Raises
    ------
    GammaboxError
        The recording, the model or the place for the events cannot be used.

    """
    started = perf_counter()
    set_up_process()
    with ExitStack() as stack:
        # The recording comes first, as its name is more often wrong than that of the model.
        source = stack.enter_context(open_source(clip, exposure_s=exposure_s))
        bundle = load_bundle(model if model is not None else shipped_bundle_path())
        known = None
        if calibration is not None:
            known, exposure_s = calibration_of_recording(calibration, source.mode, exposure_s, bundle.manifest.sha256)
            source.close()
            source = stack.enter_context(open_source(clip, exposure_s=exposure_s))
        detector = Detector(bundle, known=known.camera() if known is not None else None)
        sink = None
        if events is not None:
            require_apart(events, clip, calibration)
            require_free(events, is_events, force=force)
            try:
                sink = stack.enter_context(events.open("w", encoding="utf-8"))
            except OSError as error:
                raise SourceError(events, f"cannot be written ({why(error)})", "name another file") from error
        progress = stack.enter_context(frame_progress(getattr(source, "declared_frames", 0)))
        rate = known.rate() if known is not None else None
        summary = analyze(
            source, detector, known=rate, threads=threads, started_s=started, events=sink, progress=progress
        )
    for warning in summary.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    print(summary.as_json() if as_json else as_text(summary))


@contextmanager
def frame_progress(frames: int) -> Iterator[Callable[[int], None]]:
    """Show on stderr, where it is a terminal, how many frames are done. `frames` is 0 where unknown."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("frames", total=frames or None)
        yield lambda done: bar.update(task, completed=done)


def as_text(summary: Summary) -> str:
    """Return the summary as text for people."""
    found = f"{counted(summary.hits, 'hit')}, {counted(summary.alarms, 'alarm')}"
    dimmed = (
        f"; at this brightness {summary.sensitivity:.0%} of hits are visible" if summary.sensitivity < 0.995 else ""
    )
    lines = [
        f"{counted(summary.frames, 'frame')} in {summary.seconds:.1f} s: {summary.fps:.1f} frames a second",
        f"{found}; {summary.live_fraction:.1%} of the picture was live{dimmed}",
        _classified(summary),
        _condition(summary),
        f"{counted(summary.not_analysed, 'frame')} not analysed, {summary.damaged} of them damaged{_repeats(summary)}",
        *(f"from {state['time_s']} s on: {state['detail']}; {state['remedy']}" for state in summary.camera),
        f"networks run by {summary.runtime}",
        "",
        "milliseconds a frame     mean      p95      max",
    ]
    lines += [f"  {stage:<18} {time.mean:8.2f} {time.p95:8.2f} {time.max:8.2f}" for stage, time in summary.ms.items()]
    return "\n".join(lines)


def _condition(summary: Summary) -> str:
    reasons = f": {'; '.join(summary.reasons)}" if summary.reasons else ""
    overload = f"; {counted(summary.overloaded, 'frame')} with more hits than can be judged" * (summary.overloaded > 0)
    return f"at the end {summary.condition}{reasons}{overload}"


def _repeats(summary: Summary) -> str:
    return f"; {counted(summary.repeated, 'repeat')} of a picture left out" if summary.repeated else ""


def _classified(summary: Summary) -> str:
    candidates = counted(summary.candidates, "candidate")
    if summary.unclassified:
        return f"{summary.unclassified:,} of {candidates} were not classified, as their frames had too many"
    if summary.candidates > 1:
        return f"all {candidates} were classified"
    return f"{candidates}, classified" if summary.candidates else "no candidates"
