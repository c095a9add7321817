"""Comparison of detections with true hits: which of them match, are missing or are false.

A truth file holds a JSON object a line with frame, x, y, box (x0, y0, x1, y1, the last ones included; optional) and
added (grey levels that the hit adds to its brightest pixel). `gammabox-trainer film` writes it beside its clip.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from edge.arguments import as_path, described, takes
from edge.errors import GammaboxError, InputError
from edge.files import load_json, read_text, why

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

Box: TypeAlias = tuple[int, int, int, int]
VISIBLE_DN = 25.0
"""Grey levels that a hit adds at least to count as visible."""
RADIUS_PX = 3.0
"""Largest distance of a detection from the box of its true hit."""


class TruthError(GammaboxError):
    """A truth file that cannot be read."""


class Placed(Protocol):
    """Something with a frame number and a position in pixels."""

    @property
    def frame(self) -> int:
        """Number of the frame, from 0."""

    @property
    def x(self) -> int:
        """Column."""

    @property
    def y(self) -> int:
        """Row."""


@dataclass(frozen=True, slots=True)
class TrueHit:
    """A hit that is known to be in a clip. Its `box` is (x0, y0, x1, y1), the last ones included."""

    frame: int
    x: int
    y: int
    box: Box
    added_dn: float


@dataclass(frozen=True, slots=True)
class Score:
    """The result of a comparison.

    Attributes
    ----------
    visible, found : int
        Number of visible true hits, and of those with a detection.
    true_hits, found_all : int
        The same with the faint hits.
    false_hits : int
        Detections that match no true hit, including further ones on the same hit.
    matches : tuple of (int, int)
        Indices of the true hit and of its detection.

    """

    visible: int
    found: int
    true_hits: int
    found_all: int
    false_hits: int
    matches: tuple[tuple[int, int], ...]

    @property
    def recall(self) -> float:
        """Share of the visible hits that were found, 0 where there are none."""
        return self.found / self.visible if self.visible else 0.0


@takes(path=as_path)
def read_truth(path: Path) -> list[TrueHit]:
    """Read a truth file.

    Raises
    ------
    TruthError
        The file is missing, or a line is no hit.

    """
    try:
        text = read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TruthError(
            f"truth file {path} cannot be read ({why(error)}); it is the .jsonl beside the clip"
        ) from error
    hits = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = load_json(line)
            x, y = int(entry["x"]), int(entry["y"])
            x0, y0, x1, y1 = (int(edge) for edge in entry.get("box", (x, y, x, y)))
            hits.append(TrueHit(int(entry["frame"]), x, y, (x0, y0, x1, y1), float(entry["added"])))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise TruthError(
                f"truth file {path}, line {number}: no hit with frame, x, y and added ({why(error)}); "
                "name the .jsonl that was written beside the clip"
            ) from error
    return hits


def doubts(truth: Sequence[TrueHit], frames: int, sizes: Collection[tuple[int, ...]]) -> list[str]:
    """Return what makes it doubtful that a truth is that of a recording, in sentences.

    Parameters
    ----------
    truth : sequence of TrueHit
    frames : int
        Frames of the recording, damaged and dropped ones included.
    sizes : collection of (height, width)
        The sizes of its pictures.

    Examples
    --------
    >>> doubts([TrueHit(9, 3, 3, (3, 3, 3, 3), 60.0)], 10, [(240, 320)])
    []

    """
    height, width = (max((size[axis] for size in sizes), default=0) for axis in (0, 1))
    outside = sum(not (0 <= hit.frame < frames and 0 <= hit.x < width and 0 <= hit.y < height) for hit in truth)
    doubt = (
        f"{outside} of {len(truth)} true hits lie outside the {frames} frames of {width}x{height}: recall and false "
        "hits are wrong unless the truth is that of this recording"
    )
    return [doubt] if outside else []


def compare(
    truth: Sequence[TrueHit],
    found: Sequence[Placed],
    *,
    visible_dn: float = VISIBLE_DN,
    radius_px: float = RADIUS_PX,
) -> Score:
    """Match detections with true hits of the same frame; see `matched`.

    Parameters
    ----------
    truth : sequence of TrueHit
    found : sequence of Placed
    visible_dn : float
        Hits that add at least this many grey levels are visible.
    radius_px : float

    """
    for name, items in (("truth", truth), ("found", found)):
        if not hasattr(items, "__len__") or not all(hasattr(item, "frame") for item in items):
            raise InputError(f"compare, {name}: found {described(items)}, expected a list of hits with their frames")
    hits_of: dict[int, list[int]] = defaultdict(list)
    found_in: dict[int, list[int]] = defaultdict(list)
    for i, hit in enumerate(truth):
        hits_of[hit.frame].append(i)
    for j, detection in enumerate(found):
        found_in[detection.frame].append(j)
    matches: dict[int, int] = {}
    for frame, hits in hits_of.items():
        near = found_in.get(frame, [])
        boxes = [(found[j].x, found[j].y, found[j].x, found[j].y) for j in near]
        pairs = matched([truth[i] for i in hits], boxes, visible_dn=visible_dn, radius_px=radius_px)
        matches |= {hits[i]: near[j] for i, j in pairs.items()}
    visible = {i for i, hit in enumerate(truth) if hit.added_dn >= visible_dn}
    return Score(
        visible=len(visible),
        found=len(visible & matches.keys()),
        true_hits=len(truth),
        found_all=len(matches),
        false_hits=len(found) - len(matches),
        matches=tuple(sorted(matches.items())),
    )


def matched(
    hits: Sequence[TrueHit], boxes: Sequence[Box], *, visible_dn: float = VISIBLE_DN, radius_px: float = RADIUS_PX
) -> dict[int, int]:
    """Match detections of a frame with its true hits, one to one: visible hits first, then by distance.

    Parameters
    ----------
    hits : sequence of TrueHit
    boxes : sequence of (x0, y0, x1, y1)
        Boxes of the detections. The box of a single pixel has that pixel as both corners.
    visible_dn, radius_px : float
        A detection matches within `radius_px` of the box of the true hit.

    Returns
    -------
    dict
        Index of the detection by index of the hit.

    """
    near = sorted(
        (hit.added_dn < visible_dn, distance, i, j)
        for i, hit in enumerate(hits)
        for j, box in enumerate(boxes)
        if (distance := distance_px(box, hit.box)) <= radius_px
    )
    pairs: dict[int, int] = {}
    used: set[int] = set()
    for _, _, i, j in near:
        if i not in pairs and j not in used:
            pairs[i] = j
            used.add(j)
    return pairs


def distance_px(first: Box, second: Box) -> float:
    """Return the distance of two boxes in pixels, 0 where they touch or overlap."""
    across = max(second[0] - first[2], 0, first[0] - second[2])
    down = max(second[1] - first[3], 0, first[1] - second[3])
    return math.hypot(across, down)
