"""The command `gammabox-edge bench-threads`: compares numbers of threads on a recording and prints the table."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from edge.bench.threads import compare_threads
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.source import open_source
from edge.commands.analyze import frame_progress
from edge.commands.console import EXIT_CHECK_FAILED
from edge.detect.detector import Detector
from edge.errors import SettingsError
from edge.process import set_up_process

if TYPE_CHECKING:
    from pathlib import Path

    from edge.bench.threads import ThreadsComparison

MAX_THREADS = 64


def run(clip: str, *, counts: str, rounds: int, model: Path | None, as_json: bool) -> int:
    """Compare numbers of threads and print the table. Return the exit code: 1 where they find other things.

    Parameters
    ----------
    counts : str
        Numbers of threads, separated by commas.

    Raises
    ------
    GammaboxError
        The recording, the model or the numbers cannot be used.

    """
    set_up_process()
    numbers = _numbers(counts)
    bundle = load_bundle(model if model is not None else shipped_bundle_path())
    with frame_progress(rounds * len(numbers)) as progress:
        comparison = compare_threads(lambda: open_source(clip), lambda: Detector(bundle), numbers, rounds, progress)
    if as_json:
        print(comparison.as_json())
    else:
        show(comparison, Console(width=None if sys.stdout.isatty() else 120))
    return 0 if all(row.same for row in comparison.rows) else EXIT_CHECK_FAILED


def _numbers(counts: str) -> list[int]:
    words = [word.strip() for word in counts.split(",")]
    if not all(word.isascii() and word.isdigit() and 1 <= int(word) <= MAX_THREADS for word in words):
        raise SettingsError(
            "--threads", [f"--threads: found {counts!r}, expected numbers from 1 to {MAX_THREADS}, as in 1,2,4"]
        )
    return list(dict.fromkeys(map(int, words)))


def show(comparison: ThreadsComparison, console: Console) -> None:
    """Print the comparison as a table."""
    console.print(
        f"{comparison.clip}: {comparison.frames} frames, {comparison.rounds} rounds in turn; "
        f"peak {comparison.peak_mb:.0f} MB"
    )
    table = Table()
    for heading in ("threads", "fps", "best fps", "times as fast", "best", "processor ms", "finds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in comparison.rows:
        figures = (row.fps, row.best_fps, row.speedup, row.best_speedup, row.processor_ms)
        found = "the same" if row.same else "OTHER THINGS"
        table.add_row(str(row.threads), *(f"{figure:.2f}" for figure in figures), found)
    console.print(table)
