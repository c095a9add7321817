"""Replay: the hits of a recording without a source, cut into blocks and put together anew."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.hit import event_counts
from edge.errors import SourceError
from edge.files import load_json, read_text
from edge.simulation.hit_train import HitTrain

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """The hits of a recording without a source, to be replayed.

    Attributes
    ----------
    hits : HitTrain
        With times from 0 on.
    seconds : float
        Length of the recording.
    block_s : float
        Length of the blocks that it is cut into.

    """

    hits: HitTrain
    seconds: float
    block_s: float

    @property
    def rate_hz(self) -> float:
        """Hits per second."""
        return len(self.hits) / self.seconds

    def draw(self, rng: np.random.Generator, start_s: float, seconds: float) -> HitTrain:
        """Return the recording's hits in blocks that begin at random times (circular block bootstrap).

        Bursts that are shorter than a block stay whole, with the places of their hits.
        """
        block_s = min(self.block_s, self.seconds)
        times, places = [], []
        for block in range(math.ceil(seconds / block_s)):
            begin_s = rng.uniform(0, self.seconds)
            since_s = np.mod(self.hits.times_s - begin_s, self.seconds)
            inside = np.flatnonzero(since_s < min(block_s, seconds - block * block_s))
            inside = inside[np.argsort(since_s[inside], kind="stable")]
            times.append(start_s + block * block_s + since_s[inside])
            places.append(self.hits.places[inside])
        return HitTrain(np.concatenate(times), np.concatenate(places))


def read_recording(path: Path, seconds: float | None, block_s: float) -> Recording:
    """Read the live hits of an events file of `gammabox-edge analyze`.

    Parameters
    ----------
    path : Path
    seconds : float or None
        Length of the recording; None takes the time of the last event, which makes the rate a little too high.
    block_s : float

    Raises
    ------
    SourceError
        The file cannot be read, is no events file or holds no hits.

    """
    rows: list[tuple[float, int, int]] = []
    last_s = 0.0
    try:
        for line in read_text(path).splitlines():
            event = load_json(line)
            last_s = max(last_s, float(event["time_s"]))
            if event["type"] == "hit" and event_counts(event):
                rows.append((float(event["time_s"]), int(event["x"]), int(event["y"])))
    except OSError as error:
        raise SourceError(path, f"cannot be read ({error.strerror})", "name an events file") from None
    except (ValueError, KeyError, TypeError, OverflowError):
        raise SourceError(path, "is no events file", "make one with gammabox-edge analyze CLIP --events") from None
    if not rows:
        raise SourceError(path, "holds no hits on live ground", "take a longer recording, or --background-hz") from None
    rows.sort()
    hits = HitTrain(np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], np.int64))
    return Recording(hits, max(seconds or last_s, last_s + 1e-3), block_s)
