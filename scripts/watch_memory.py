"""Watches the resident memory of `gammabox-edge analyze` over many frames of a recording that is played in a loop.

`scripts/watch_memory.py CLIP --frames 10000` prints the memory at steps and the verdict. The exit code is 1 where the
peak reaches `--max-mb`, or where the memory grows by more than `--max-growth-mb` after the first fifth of the frames.
The growth is taken from the means of the two halves of the rest, since single readings vary by some MB. Hits of a clip
that is played again and again look like blinking pixels: their places are closed, and the count of hits stands still.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import TYPE_CHECKING

from edge.analysis import analyze
from edge.bench.comparison import peak_mb, resident_mb
from edge.bundle import load_bundle, shipped_bundle_path
from edge.capture.base import Source
from edge.capture.source import open_source
from edge.commands.console import EXIT_CHECK_FAILED, EXIT_UNUSABLE
from edge.detect.detector import Detector
from edge.errors import GammaboxError
from edge.process import set_up_process

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.capture.frame import Frame

STEPS = 20


class Looped(Source):
    """A recording that is repeated until enough frames are delivered; no triple spans two rounds."""

    def __init__(self, spec: str, frames: int) -> None:
        super().__init__(spec)
        self._frames = frames
        self.memory_mb: list[tuple[int, float]] = []

    def pictures(self) -> Iterator[Frame]:
        """Yield the frames of all rounds, numbered consecutively."""
        first = 0
        while self._delivered < self._frames:
            last = None
            with open_source(self.spec) as round_source:
                for frame in round_source.pictures():
                    last = frame
                    self._delivered += 1
                    number = first + frame.sequence
                    yield replace(frame, sequence=number, monotonic_s=number / round_source.mode.fps)
                    if self._delivered % max(self._frames // STEPS, 1) == 0:
                        self.memory_mb.append((self._delivered, resident_mb()))
                    if self._delivered == self._frames:
                        return
            if last is None:
                return
            first += last.sequence + 2  # a gap: the last frame of a round is no neighbour of the next one's first

    def close(self) -> None:
        """Do nothing: no file is open between rounds."""


def steady_growth(readings: Sequence[float]) -> float:
    """Return the growth of evenly spaced readings from first to last, by the means of their first and last half."""
    half = len(readings) // 2
    if not half:
        return 0.0
    return (mean(readings[-half:]) - mean(readings[:half])) * (len(readings) - 1) / (len(readings) - half)


def main() -> int:
    """Run the pipeline and return 0 where its memory stays within the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--model", type=Path, default=shipped_bundle_path())
    parser.add_argument("--max-mb", type=float, default=250.0)
    parser.add_argument("--max-growth-mb", type=float, default=8.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    set_up_process()
    started = perf_counter()
    try:
        source = Looped(arguments.clip, arguments.frames)
        summary = analyze(source, Detector(load_bundle(arguments.model)))
    except GammaboxError as error:
        sys.stderr.write(f"error: {error}\n")
        return EXIT_UNUSABLE
    steps = source.memory_mb
    growth = steady_growth([resident for frames, resident in steps if frames >= arguments.frames / 5])
    verdict = {
        "clip": Path(arguments.clip).name,
        "frames": summary.frames,
        "hits": summary.hits,
        "peak_mb": peak_mb(),
        "growth_mb": round(growth, 1),
        "memory_mb": steps,
        "seconds": round(perf_counter() - started, 1),
    }
    if arguments.json:
        print(json.dumps(verdict))
    else:
        for frames, resident in steps:
            print(f"{frames:>7} frames  {resident:6.1f} MB")
        print(f"peak {verdict['peak_mb']:.1f} MB, growth after the first fifth {growth:+.1f} MB")
    return 0 if peak_mb() < arguments.max_mb and growth <= arguments.max_growth_mb else EXIT_CHECK_FAILED


if __name__ == "__main__":
    sys.exit(main())
