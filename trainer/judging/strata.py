"""Figures by what samples are made of: recall of hits and false-positive rate of everything else, with intervals."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.judging.metrics import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.data.dataset import Strata
    from trainer.training.batches import Crops

EDGES: dict[str, tuple[float, ...]] = {
    "added_dn": (8, 15, 25, 40, 60, 100),
    "background_dn": (32, 64, 96, 128, 160, 192, 224),
    "motion_dn": (1, 2, 4, 8, 16, 32),
    "jpeg_quality": (60, 75, 85, 92),
}
NAMED = ("nuclide", "fusion", "nuisance", "recording", "place")


def by_strata(crops: Crops, called: NDArray[np.bool_]) -> dict[str, list[dict[str, Any]]]:
    """Give for each stratum a row a bin: how many hits and others it holds, recall and false-positive rate.

    A sample without a value (a negative has no added_dn) is in no bin of that stratum.
    """
    tables = {}
    for name, edges in EDGES.items():
        values = np.array([_number(one.get(name)) for one in crops.strata])
        place = np.digitize(values, edges)
        tables[name] = _rows(crops.label, called, place, _bin_names(edges), ~np.isnan(values))
    for name in NAMED:
        texts = np.array([str(one.get(name) or "none") for one in crops.strata])
        kinds, place = np.unique(texts, return_inverse=True)
        tables[name] = _rows(crops.label, called, place, kinds.tolist(), np.ones(len(texts), bool))
    return {name: rows for name, rows in tables.items() if rows}


def motion_of(strata: Sequence[Strata]) -> NDArray[np.float64]:
    """Give the motion that datasets note under each sample's spot, grey levels, shape (n,); 0 where they note none."""
    return np.array([float(one.get("motion_dn") or 0.0) for one in strata])


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def _bin_names(edges: Sequence[float]) -> list[str]:
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more"]


def _rows(
    label: NDArray[np.uint8],
    called: NDArray[np.bool_],
    place: NDArray[np.integer],
    names: Sequence[str],
    counted: NDArray[np.bool_],
) -> list[dict[str, Any]]:
    rows = []
    for number, name in enumerate(names):
        here = counted & (place == number)
        hits, others = here & (label == 1), here & (label == 0)
        if not here.any():
            continue
        row: dict[str, Any] = {"bin": name, "hits": int(hits.sum()), "others": int(others.sum())}
        for key, of in (("recall", hits), ("false_positive_rate", others)):
            part, whole = int((called & of).sum()), int(of.sum())
            low, high = wilson(part, whole)
            row[key] = {"value": part / whole, "low": low, "high": high} if whole else None
        rows.append(row)
    return rows
