"""The command `gammabox-edge bench`: compares methods on a recording and prints the table."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import cv2
from rich.console import Console
from rich.table import Table

from edge.bench.classical import FrameDifference, LaCosmic, MotionGated
from edge.bench.comparison import compare
from edge.bench.networks import Gammabox, Tiles
from edge.bench.page import comparison_page
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.report import too_short
from edge.capture.source import open_source
from edge.commands.analyze import frame_progress
from edge.commands.console import typed_command
from edge.errors import SettingsError
from edge.output import is_page, require_apart, require_free
from edge.pages.page import write_page
from edge.process import set_up_process
from edge.text import meant
from edge.truth import read_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from edge.bench.comparison import Comparison, Row
    from edge.bench.method import Method

METHODS = ("gammabox", "paper-float", "paper-int8", "difference", "motion", "lacosmic")


def run(
    clip: str,
    *,
    truth: Path | None,
    against: str,
    bundles: Mapping[str, Path | None],
    threads: int,
    every: int,
    report: Path | None = None,
    force: bool = False,
    as_json: bool,
) -> None:
    """Compare methods on a recording and print the table.

    Parameters
    ----------
    bundles : mapping of "gammabox", "paper-float", "paper-int8" to a bundle's folder or None
    report : Path or None
        Page to write; `force` replaces a file of somebody else.

    Raises
    ------
    GammaboxError
        The recording, a bundle or the truth file cannot be used, or a method is unknown.

    """
    set_up_process()
    cv2.setNumThreads(threads)
    if report is not None:
        require_apart(report, clip, truth)
        require_free(report, is_page, force=force)
    true_hits = None if truth is None else read_truth(truth)
    makers = [_maker(name, bundles, threads) for name in _names(against, bundles)]
    with open_source(clip) as source, frame_progress(getattr(source, "declared_frames", 0)) as progress:
        comparison = compare(source, makers, true_hits, threads=threads, every=every, progress=progress)
        if not any(row.frames for row in comparison.rows):
            raise too_short(source.spec, source.report)
    if report is not None:
        write_page(comparison_page(comparison, typed_command("gammabox-edge")), report)
    for warning in comparison.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    if as_json:
        print(comparison.as_json())
    else:
        show(comparison, Console(width=None if sys.stdout.isatty() else 160))


def _names(against: str, bundles: Mapping[str, Path | None]) -> list[str]:
    """Return the names of the methods. "all" stands for every method whose bundle is given."""
    if against == "all":
        return [name for name in METHODS if name == "gammabox" or name not in bundles or bundles[name] is not None]
    names = ["gammabox", *(name for name in map(str.strip, against.split(",")) if name not in {"", "gammabox"})]
    for name in names:
        if name not in METHODS:
            raise SettingsError(
                "--against", [f"--against: no method {name!r}{meant(name, METHODS)}; known are {', '.join(METHODS)}"]
            )
        if name.startswith("paper") and bundles.get(name) is None:
            raise SettingsError("--against", [f"--against: {name} needs its bundle; name it with --{name} FOLDER"])
    return names


def _maker(name: str, bundles: Mapping[str, Path | None], threads: int) -> Callable[[], Method]:
    own = bundles.get("gammabox") or shipped_bundle_path()
    paper = bundles.get(name)
    if name == "gammabox":
        return lambda: Gammabox(load_bundle(own))
    if name == "motion":
        return lambda: MotionGated(load_bundle(own), threads)
    if name == "difference":
        return FrameDifference
    if name == "lacosmic" or paper is None:
        return LaCosmic
    return partial(_tiles, name, paper, threads)


def _tiles(name: str, path: Path, threads: int) -> Method:
    return Tiles(name, load_bundle(path), threads)


def show(comparison: Comparison, console: Console) -> None:
    """Print the comparison as a table."""
    decode = comparison.decode
    console.print(
        f"{comparison.clip}: {comparison.frames} frames, threads {comparison.threads}; grey decoding "
        f"{decode.mean:.2f} ms mean, {decode.median:.2f} median, {decode.p95:.2f} p95; peak {comparison.peak_mb:.0f} MB"
    )
    table = Table()
    for heading in ("method", "frames", "fps", "ms mean", "median", "p95", "+MB", "recall", "false/frame"):
        table.add_column(heading, justify="left" if heading == "method" else "right", no_wrap=True)
    for row in comparison.rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in comparison.rows:
        stages = ", ".join(f"{stage} {time.mean:.2f}" for stage, time in row.ms.items() if stage != "all")
        console.print(f"{row.name}: {row.about}; ms by stage: {stages}", highlight=False)


def _cells(row: Row) -> list[str]:
    total = row.ms.get("all")
    times = ["-"] * 3 if total is None else [f"{value:.2f}" for value in (total.mean, total.median, total.p95)]
    recall = false = "-"
    if row.score is not None:
        low, high = row.score.false_interval
        false = f"{row.score.false_per_frame:.4g} [{low:.2g}, {high:.2g}]"
        if row.score.recall is not None and row.score.recall_interval is not None:
            low, high = row.score.recall_interval
            recall = f"{row.score.recall:.3f} [{low:.3f}, {high:.3f}]"
    return [row.name, str(row.frames), f"{row.fps:.2f}", *times, f"{row.added_mb:.0f}", recall, false]
