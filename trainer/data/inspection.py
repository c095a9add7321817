"""Contact sheets of a dataset by what samples are, and the statistics of their strata."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.output import require_free
from trainer.data.writer import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from trainer.data.dataset import Dataset, Samples, Strata

SHOWN_A_SHEET = 24
_IN_A_PICTURE = 8
_COLUMNS = 4
_ENLARGED_PX = 96
_EDGES: dict[str, tuple[float, ...]] = {
    "added_dn": (6, 12, 25, 40, 60, 100, 150, 255),
    "background_dn": (0, 16, 32, 64, 96, 128, 160, 200, 256),
    "motion_dn": (0, 1, 2, 4, 10, 20, 40, 256),
    "jpeg_quality": (0, 70, 75, 80, 85, 90, 96),
    "pixels": (0, 2, 5, 9, 13, 25, 50, 4000),
}
_NAMED = ("split", "recording", "fusion", "way", "nuisance", "trait", "place", "stratum", "nuclide", "silicon")


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of a dataset by label.

    Attributes
    ----------
    samples, hits, scenes : int
    proposed : tuple of float
        Share of label 0 and label 1 that the fast path proposes.
    named : dict
        Stratum to its values to (label 0, label 1).
    ranges : dict
        Numeric stratum to "low to high" to (label 0, label 1).
    negatives_with_blotch, negatives_in_strong_motion, hits_of_25_to_40_dn : float
        Shares, 0..1, each of which is at least 0.3 in a test mixture.

    """

    samples: int
    hits: int
    scenes: int
    proposed: tuple[float, float]
    named: dict[str, dict[str, tuple[int, int]]] = field(repr=False)
    ranges: dict[str, dict[str, tuple[int, int]]] = field(repr=False)
    negatives_with_blotch: float
    negatives_in_strong_motion: float
    hits_of_25_to_40_dn: float


def statistics(strata: Sequence[Strata], labels: NDArray[np.uint8]) -> Statistics:
    """Count strata by label."""
    pairs = list(zip(strata, labels.tolist(), strict=True))
    negatives = [sample for sample, label in pairs if not label]
    hits = [sample for sample, label in pairs if label]
    return Statistics(
        samples=len(pairs),
        hits=len(hits),
        scenes=len({sample.get("scene") for sample in strata}),
        proposed=(_share(negatives, _proposed), _share(hits, _proposed)),
        named={name: _count(pairs, name) for name in _NAMED},
        ranges={name: _count_ranges(pairs, name, edges) for name, edges in _EDGES.items()},
        negatives_with_blotch=_share(negatives, lambda sample: bool(sample.get("blotch"))),
        negatives_in_strong_motion=_share(negatives, lambda sample: float(sample.get("motion_dn") or 0) > 10),
        hits_of_25_to_40_dn=_share(hits, lambda sample: 25 <= float(sample.get("added_dn") or 0) < 40),
    )


def contact_sheet(samples: Samples, which: NDArray[np.intp], columns: int = _COLUMNS) -> NDArray[np.uint8]:
    """Lay out samples as previous, current, next grey and current colours side by side, enlarged or reduced alike.

    Returns uint8, shape (height, width, 3), blue first. Samples with a hit have a red frame, others a grey one.
    """
    tiles = []
    for i in which.tolist():
        views = [np.repeat(samples.greys[i][..., k : k + 1], 3, axis=-1) for k in range(3)] + [samples.bgr[i]]
        how = cv2.INTER_NEAREST if samples.greys.shape[1] < _ENLARGED_PX else cv2.INTER_AREA
        row = np.hstack([cv2.resize(view, (_ENLARGED_PX, _ENLARGED_PX), interpolation=how) for view in views])
        frame = (40, 40, 230) if samples.label[i] else (120, 120, 120)
        tiles.append(cv2.copyMakeBorder(row, 2, 2, 2, 6, cv2.BORDER_CONSTANT, value=frame))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % columns)
    return np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])


def sheets(samples: Samples) -> dict[str, NDArray[np.intp]]:
    """Choose which samples to show: for each label, each fusion, each nuisance, faint hits, blotches and motion."""
    shown: dict[str, NDArray[np.intp]] = {}
    label, stratum = samples.label == 1, samples.column("stratum")
    groups: dict[str, NDArray[np.bool_]] = {
        "hits": label,
        "no hits": ~label,
        "faint hits": stratum == "faint",
        "hits that the fast path does not propose": label & ~_flags(samples, "proposed"),
        "proposed, no hit": ~label & _flags(samples, "proposed"),
        "noise blotch, no hit": ~label & _flags(samples, "blotch"),
        "strong motion, no hit": ~label & (samples.column("motion_dn") > 10),
    }
    for name in ("way", "nuisance", "trait"):
        column = np.array([str(sample.get(name)) for sample in samples.strata])
        groups |= {f"{name} {value}": column == value for value in sorted(set(column)) if value != "None"}
    for title, mask in groups.items():
        rows = np.flatnonzero(mask)
        if rows.size:
            spread = np.linspace(0, rows.size - 1, min(SHOWN_A_SHEET, rows.size)).astype(int)
            shown[title] = rows[spread]
    return shown


def sheet_pictures(dataset: Dataset, folder: Path, limit: int = 4096, *, force: bool = False) -> list[Path]:
    """Write each contact sheet, its first rows, as a small JPEG named by its title.

    Raises
    ------
    DatasetError
        The folder cannot be made or a picture not be written.
    OutputError
        Another picture of the name is there, and `force` is false.

    """
    samples = dataset.samples(limit=limit)
    written = []
    for title, which in sheets(samples).items():
        sheet = contact_sheet(samples, which[:_IN_A_PICTURE], columns=2)
        small = cv2.resize(sheet, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
        place = folder / f"{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}.jpg"
        content = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 65])[1].tobytes()
        require_free(place, lambda head, content=content: content.startswith(head), force=force)  # type: ignore[misc]
        write_file(place, content)
        written.append(place)
    return written


def _flags(samples: Samples, name: str) -> NDArray[np.bool_]:
    return np.array([bool(sample.get(name)) for sample in samples.strata])


def _proposed(strata: Strata) -> bool:
    return bool(strata.get("proposed"))


def _share(strata: Sequence[Strata], holds: Callable[[Strata], bool]) -> float:
    return sum(map(holds, strata)) / len(strata) if strata else 0.0


def _count(pairs: Iterable[tuple[Strata, int]], name: str) -> dict[str, tuple[int, int]]:
    counts: Counter[tuple[str, int]] = Counter((str(strata.get(name)), label) for strata, label in pairs)
    return {value: (counts[value, 0], counts[value, 1]) for value in sorted({value for value, _ in counts})}


def _count_ranges(
    pairs: Iterable[tuple[Strata, int]], name: str, edges: tuple[float, ...]
) -> dict[str, tuple[int, int]]:
    ranges: dict[str, list[int]] = {f"{low:g} to {high:g}": [0, 0] for low, high in pairwise(edges)}
    keys = list(ranges)
    for strata, label in pairs:
        value = strata.get(name)
        if value is not None and edges[0] <= value < edges[-1]:
            ranges[keys[int(np.searchsorted(edges, value, side="right")) - 1]][label] += 1
    return {key: (counts[0], counts[1]) for key, counts in ranges.items()}
