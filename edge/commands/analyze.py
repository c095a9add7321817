"""The command `gammabox-edge analyze`: analyses a recording and prints the summary."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from edge.analysis import analyze
from edge.capture.part import Part
from edge.commands.analysis_options import LookOptions, PartOptions
from edge.commands.console import typed_command
from edge.errors import OutputError, SourceError
from edge.files import why
from edge.library import opened
from edge.output import is_events, is_page, require_apart, require_free
from edge.pages.page import write_page
from edge.process import set_up_process
from edge.redaction import without_login
from edge.review.gathering import Gathering
from edge.review.overlay import Overlay, is_overlay
from edge.review.report import Recording, report_page
from edge.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TextIO

    from edge.alarm.tracker import AlarmTracker
    from edge.analysis import Summary
    from edge.capture.base import Mode, Source
    from edge.pipeline import AnalysedFrame


def run(
    clip: str,
    *,
    events: Path | None = None,
    look: LookOptions | None = None,
    part: PartOptions | None = None,
    model: Path | None = None,
    threads: int = 1,
    as_json: bool = False,
    exposure_s: float | None = None,
    calibration: Path | None = None,
    force: bool = False,
) -> None:
    """Analyse a recording and print the summary.

    Parameters
    ----------
    look : LookOptions or None
        Page and film to write; None for neither.
    part : PartOptions or None
        The part that is analysed; None for all.
    exposure_s : float or None
        Exposure with which the recording was made; None where unknown.
    calibration : Path or None
        Calibration of the box that made the recording.
    force : bool
        Whether files of somebody else are overwritten by the events, the page and the film.

    Raises
    ------
    GammaboxError
        The recording, the model or a place of output cannot be used.

    """
    started = perf_counter()
    set_up_process()
    look = look or LookOptions()
    with ExitStack() as stack:
        source, known, detector = opened(stack, clip, model, exposure_s, calibration)
        places = ((events, is_events), (look.report, is_page), (look.overlay, is_overlay))
        _check_places(places, (clip, calibration), force=force)
        frames, declared = _part_of(source, part or PartOptions())
        gathering = Gathering() if look.report is not None else None
        summary = analyze(
            frames,
            detector,
            known=known.rate() if known is not None else None,
            threads=threads,
            started_s=started,
            events=stack.enter_context(_opened_events(events)) if events is not None else None,
            progress=stack.enter_context(frame_progress(declared)),
            follow=_follower(gathering, stack.enter_context(_overlay(look, source.mode))),
        )
    if gathering is not None and look.report is not None:
        name = Path(without_login(clip)).name
        recording = Recording(name, source.mode, source.exposure_s, typed_command("gammabox-edge"))
        write_page(report_page(gathering, summary, recording, look.scene.value), look.report)
    for warning in summary.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    print(summary.as_json() if as_json else as_text(summary))


def _overlay(look: LookOptions, mode: Mode) -> Overlay | nullcontext[None]:
    return nullcontext() if look.overlay is None else Overlay(look.overlay, mode.fps, look.scene.value)


def _follower(gathering: Gathering | None, overlay: Overlay | None) -> Callable[[AnalysedFrame, AlarmTracker], None]:
    def follow(analysed: AnalysedFrame, tracker: AlarmTracker) -> None:
        if gathering is not None:
            gathering.follow(analysed, tracker)
        if overlay is not None:
            overlay.follow(analysed, tracker)

    return follow


def _check_places(
    places: Iterable[tuple[Path | None, Callable[[bytes], bool]]], inputs: tuple[str | Path | None, ...], *, force: bool
) -> None:
    """Raise OutputError where a place of output cannot be used, each with the check of what is ours there."""
    used: list[Path] = []
    for path, is_ours in places:
        if path is None:
            continue
        require_apart(path, *inputs)
        if path.absolute() in used:
            raise OutputError(path, "is named for two outputs", "name another file for one of them")
        require_free(path, is_ours, force=force)
        used.append(path.absolute())


def _opened_events(events: Path) -> TextIO:
    try:
        return events.open("w", encoding="utf-8")
    except OSError as error:
        raise SourceError(events, f"cannot be written ({why(error)})", "name another file") from error


def _part_of(source: Source, part: PartOptions) -> tuple[Source | Part, int]:
    """Return the frames that are analysed, and about how many they are; 0 where that is unknown."""
    declared = int(getattr(source, "declared_frames", 0))
    if not part.start and part.seconds is None:
        return source, declared
    wanted = declared - round(part.start * source.mode.fps)
    if part.seconds is not None:
        wanted = min(wanted, round(part.seconds * source.mode.fps))
    return Part(source, part.start, part.seconds), max(wanted, 0) if declared else 0


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
        *map(str, summary.episodes),
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
