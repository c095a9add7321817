"""Times the network of a run as int8, converted on a few crops, and notes the milliseconds in the run folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from quantize.conversion import convert
from quantize.representative import cells, draw, span_range
from quantize.runtimes import speed
from trainer.training.run import TIME_FILE, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from trainer.data.dataset import Dataset
    from trainer.training.run import Run

SHOWN = 64
"""Number of crops that show the ranges; the milliseconds do not depend on them."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Median milliseconds for a crop of a run's network as float32 and as int8, on one thread of the box's runtime."""

    run: str
    float_ms: float
    int8_ms: float
    int8_bytes: int


def time_run(run: Run, dataset: Dataset) -> Timed:
    """Convert the best network of a run, time it, and write int8.json into the run folder.

    Parameters
    ----------
    run : Run
    dataset : Dataset
        Dataset whose first training samples show the ranges.

    Raises
    ------
    QuantiseError
        The network cannot become integer.

    """
    from trainer.training.batches import as_input, cut_crops  # noqa: PLC0415 - imports Keras

    contract = run.manifest.input
    crops = cut_crops(dataset.samples("train", 8 * SHOWN), contract)
    shown = span_range(crops.pictures[draw(cells(crops, contract.planes), SHOWN, np.random.default_rng(1))])
    network = run.load_model()
    plain, small = convert(network, "float32"), convert(network, representative=as_input(shown, contract))
    measured = speed(plain, small)
    timed = Timed(run.path.name, round(measured.float_ms, 4), round(measured.int8_ms, 4), len(small))
    write_whole(run.path / TIME_FILE, json.dumps(asdict(timed), indent=2) + "\n")
    return timed


def table(timed: Sequence[Timed]) -> Iterator[str]:
    """Yield a Markdown table, a line at a time."""
    yield "| run | int8 ms | float32 ms | times faster | int8 bytes |"
    yield "|---|---|---|---|---|"
    for times in timed:
        ratio = times.float_ms / times.int8_ms
        yield f"| {times.run} | {times.int8_ms:.3f} | {times.float_ms:.3f} | {ratio:.2f} | {times.int8_bytes:,} |"
