"""Figures by strata of the samples: recall of hits and false-positive rate of everything else, with intervals."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.statistics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    """Return a table for each stratum: for each bin the number of hits and others, recall and false-positive rate.

    A sample without a value (a negative has no added_dn) is in no bin of that stratum.
    """
    tables: dict[str, list[dict[str, Any]]] = {}
    for name, bin_name, inside in bins(crops.strata):
        tables.setdefault(name, []).append(_row(crops.label, called, bin_name, inside))
    return tables


def bins(strata: Sequence[Strata], named: Sequence[str] = NAMED) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield every bin that holds samples: its stratum, its name, and which samples are in it, shape (n,).

    Parameters
    ----------
    strata : sequence of Strata
        The strata that the dataset records for each sample.
    named : sequence of str
        The strata whose values are names; those of `EDGES` come first.

    """
    for name, edges in EDGES.items():
        values = np.array([_number(sample.get(name)) for sample in strata])
        known, place = ~np.isnan(values), np.digitize(values, edges)
        for number, bin_name in enumerate(_bin_names(edges)):
            inside = known & (place == number)
            if inside.any():
                yield name, bin_name, inside
    for name in named:
        texts = np.array([_text(sample.get(name)) for sample in strata])
        for kind in np.unique(texts).tolist():
            yield name, kind, texts == kind


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else float("nan")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "none")


def _bin_names(edges: Sequence[float]) -> list[str]:
    between = [f"{low:g} to {high:g}" for low, high in pairwise(edges)]
    return [f"below {edges[0]:g}", *between, f"{edges[-1]:g} and more"]


def _row(label: NDArray[np.uint8], called: NDArray[np.bool_], name: str, inside: NDArray[np.bool_]) -> dict[str, Any]:
    hits, others = inside & (label == 1), inside & (label == 0)
    row: dict[str, Any] = {"bin": name, "hits": int(hits.sum()), "others": int(others.sum())}
    for key, counted in (("recall", hits), ("false_positive_rate", others)):
        part, whole = int((called & counted).sum()), int(counted.sum())
        low, high = wilson_interval(part, whole)
        row[key] = {"value": part / whole, "low": low, "high": high} if whole else None
    return row
