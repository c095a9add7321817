"""Cost of a build: crops, processor time and memory of each process, added up for its report."""

from __future__ import annotations

import os
import resource
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.data.dataset import ShardEntry

_MAXRSS_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024  # getrusage(2) of each system


@dataclass(frozen=True, slots=True)
class ShardCost:
    """Cost of a shard.

    Attributes
    ----------
    process : int
        Number of the process that made it.
    cpu_s : float
        Processor time of all threads. It includes writing the shard, but not starting the process.
    peak_bytes : int
        Most memory that the process has held until then.

    """

    process: int
    cpu_s: float
    peak_bytes: int


@dataclass(slots=True)
class BuildCost:
    """Adds up the costs of shards as they come in.

    Attributes
    ----------
    crops : int
        Number of crops made in this run, without those that were there before.
    cpu_s : float
    wall_s : float
        Seconds from `start` to the last shard.
    peaks : dict of process to bytes

    """

    crops: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peaks: dict[int, int] = field(default_factory=dict)
    start: float = field(default_factory=time.monotonic)

    def add(self, entry: ShardEntry, cost: ShardCost) -> None:
        """Add the cost of a shard."""
        self.crops += entry.samples
        self.cpu_s += cost.cpu_s
        self.wall_s = time.monotonic() - self.start
        self.peaks[cost.process] = max(cost.peak_bytes, self.peaks.get(cost.process, 0))

    @property
    def report(self) -> dict[str, float | int]:
        """Crops and times of this run; memory is the sum of each process's own peak, this process's included."""
        peaks = {os.getpid(): peak_bytes(), **self.peaks}
        return {
            "crops": self.crops,
            "processes": max(len(self.peaks), 1),
            "wall_s": round(self.wall_s, 2),
            "crops_per_s": round(self.crops / self.wall_s, 1) if self.wall_s else 0.0,
            "cpu_s": round(self.cpu_s, 2),
            "crops_per_cpu_s": round(self.crops / self.cpu_s, 1) if self.cpu_s else 0.0,
            "peak_memory_mb": round(sum(peaks.values()) / 1e6, 1),
        }


def peak_bytes() -> int:
    """Return the most memory that this process has held, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT_BYTES


def measured(make: Callable[[], ShardEntry]) -> tuple[ShardEntry, ShardCost]:
    """Make a shard and return it with its cost."""
    before = time.process_time()
    entry = make()
    return entry, ShardCost(os.getpid(), time.process_time() - before, peak_bytes())
