"""What a method found of what there was: recall on visible hits and false hits a frame, each with its interval."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from edge.bench.method import Sighting

VISIBLE_DN = 25.0
RADIUS = 3.0
_NORMAL_95 = 1.959964


@dataclass(frozen=True, slots=True)
class TrueHit:
    """A hit that was put into a frame: its box, the last pixels included, and what it adds to its brightest pixel."""

    frame: int
    x0: int
    y0: int
    x1: int
    y1: int
    added_dn: float


@dataclass(frozen=True, slots=True)
class Score:
    """Recall on visible hits and false hits a frame, with central 95 % intervals; None where nothing was to find."""

    frames: int
    visible: int
    found: int
    recall: float | None
    recall_interval: tuple[float, float] | None
    false: int
    false_per_frame: float
    false_interval: tuple[float, float]


def read_truth(path: Path) -> list[TrueHit]:
    """Read a truth file: a JSON object a line with frame, x, y, added and, where known, box.

    Raises
    ------
    SourceError
        The file cannot be read, or a line of it is no such object.

    """
    truth = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(path, f"cannot be read ({error})", "name the .jsonl file beside the clip") from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            x0, y0, x1, y1 = one.get("box", (one["x"], one["y"], one["x"], one["y"]))
            truth.append(TrueHit(int(one["frame"]), int(x0), int(y0), int(x1), int(y1), float(one["added"])))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            problem = f"line {number} is no hit of a truth file ({error!r})"
            raise SourceError(path, problem, "each line needs frame, x, y and added") from error
    return truth


def score(sighted: Mapping[int, Sequence[Sighting]], truth: Sequence[TrueHit]) -> Score:
    """Match sightings with true hits, one to one: visible hits before faint ones, then nearest first.

    A second sighting of a hit is false, except that of a region (a tile, a moving part) which does hold it.

    Parameters
    ----------
    sighted : mapping of frame to sightings
        With an entry for every frame that was looked at; hits of other frames are not asked for.
    truth : sequence of TrueHit

    """
    visible = found = false = 0
    by_frame: dict[int, list[TrueHit]] = {frame: [] for frame in sighted}
    for hit in truth:
        if hit.frame in by_frame:
            by_frame[hit.frame].append(hit)
    for frame, hits in by_frame.items():
        matched = _matched(sighted[frame], hits)
        seen = [hit.added_dn >= VISIBLE_DN for hit in hits]
        visible += sum(seen)
        found += sum(seen[i] for i in matched)
        right = set(matched.values()) | {
            j for j, one in enumerate(sighted[frame]) if one.is_region and any(_distance(one, hit) == 0 for hit in hits)
        }
        false += len(sighted[frame]) - len(right)
    frames = len(sighted)
    low, high = poisson_interval(false)
    return Score(
        frames=frames,
        visible=visible,
        found=found,
        recall=found / visible if visible else None,
        recall_interval=wilson_interval(found, visible) if visible else None,
        false=false,
        false_per_frame=false / max(frames, 1),
        false_interval=(low / max(frames, 1), high / max(frames, 1)),
    )


def _matched(sightings: Sequence[Sighting], hits: Sequence[TrueHit]) -> dict[int, int]:
    near = []
    for i, hit in enumerate(hits):
        for j, one in enumerate(sightings):
            distance = _distance(one, hit)
            if distance <= RADIUS:
                near.append((hit.added_dn < VISIBLE_DN, distance, i, j))
    matched: dict[int, int] = {}
    used: set[int] = set()
    for _, _, i, j in sorted(near):
        if i not in matched and j not in used:
            matched[i] = j
            used.add(j)
    return matched


def _distance(one: Sighting, hit: TrueHit) -> float:
    dx, dy = max(hit.x0 - one.x1, 0, one.x0 - hit.x1), max(hit.y0 - one.y1, 0, one.y0 - hit.y1)
    return math.hypot(dx, dy)


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Give the central 95 % interval of a share (Wilson, JASA 22, 209, 1927)."""
    z2 = _NORMAL_95**2
    share = part / whole
    middle = share + z2 / (2 * whole)
    reach = _NORMAL_95 * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole**2))
    return max((middle - reach) / (1 + z2 / whole), 0.0), min((middle + reach) / (1 + z2 / whole), 1.0)


def poisson_interval(count: int) -> tuple[float, float]:
    """Give the central 95 % interval of a Poisson mean: Garwood's, by the cube of Wilson and Hilferty (1931).

    For a count of 0 the exact upper limit 3.69 is given.
    """
    if count == 0:
        return 0.0, 3.689
    more = count + 1
    low = count * (1 - 1 / (9 * count) - _NORMAL_95 / (3 * math.sqrt(count))) ** 3
    high = more * (1 - 1 / (9 * more) + _NORMAL_95 / (3 * math.sqrt(more))) ** 3
    return max(low, 0.0), high
