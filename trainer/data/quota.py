"""Quotas of a shard: half of each label, and in a test mixture the shares that it promises."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainer.data.crops import stratum_of
from trainer.data.inspection import statistics
from trainer.data.places import STRONG_MOTION_DN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.data.dataset import Dataset, Strata

# Of a test mixture: what hits add, and whether the ground moves strongly. Both labels are chosen alike, label 0 by what
# a hit at its place would have added: the choice must not tell them apart.
TEST_SHARES: dict[tuple[str, bool], float] = {
    (stratum, moves): by_stratum * by_motion
    for stratum, by_stratum in (("faint", 0.2), ("visible", 0.4), ("bright", 0.4))
    for moves, by_motion in ((True, 0.4), (False, 0.6))
}
TEST_BLOTCH_SHARE = 0.35
"""Smallest part of each of these shares that has a transient blotch of electronic noise."""
MIN_SHARE = 0.3
"""Promised of a test mixture's negatives with a blotch, of those in strong motion, and of hits that add 25 to 40 DN."""

_Cell = tuple[int, str, bool, bool]


class Quota:
    """Counts down the samples that a shard still needs.

    Parameters
    ----------
    samples : int
        Number of samples in all, half of each label.
    shares : mapping of (stratum, strong motion) to share, or None
        Share of each kind among the samples of one label; None takes samples as they come.
    blotch_share : float
        Part of each of those shares that is kept for samples with a noise blotch. The rest takes both.

    """

    def __init__(
        self, samples: int, shares: Mapping[tuple[str, bool], float] | None = None, blotch_share: float = 0.0
    ) -> None:
        self._plain = shares is None
        self._left: dict[_Cell, int] = {}
        for label, count in ((0, samples - samples // 2), (1, samples // 2)):
            ideal = {
                (label, *key, blotch): count * share * part
                for key, share in (shares or {("", False): 1.0}).items()
                for blotch, part in ((True, blotch_share), (False, 1 - blotch_share))
            }
            self._left |= _whole(ideal, count)

    @property
    def filled(self) -> bool:
        """Whether no more samples are needed."""
        return not any(self._left.values())

    def takes(self, label: int, strata: Strata) -> bool:
        """Return whether a sample is needed, and count it if so."""
        key = ("", False) if self._plain else (stratum_of(strata["struck_dn"]), _moves(strata))
        reserved: _Cell = (label, *key, True)
        free: _Cell = (label, *key, False)
        for cell in (reserved, free) if strata.get("blotch") else (free,):
            if self._left.get(cell):
                self._left[cell] -= 1
                return True
        return False


def _moves(strata: Strata) -> bool:
    return float(strata["motion_dn"]) > STRONG_MOTION_DN


def _whole(ideal: Mapping[_Cell, float], total: int) -> dict[_Cell, int]:
    """Round to whole numbers of the given sum, by the largest remainders."""
    whole = {cell: int(value) for cell, value in ideal.items()}
    by_remainder = sorted(ideal, key=lambda cell: whole[cell] - ideal[cell])
    for cell in by_remainder[: total - sum(whole.values())]:
        whole[cell] += 1
    return whole


@dataclass(frozen=True, slots=True)
class MixtureShares:
    """The shares that a test mixture promises, counted in the finished shards.

    Attributes
    ----------
    negatives, hits : int
    negatives_with_blotch, negatives_in_strong_motion, hits_of_25_to_40_dn : float
        Shares, 0..1.

    """

    negatives: int
    hits: int
    negatives_with_blotch: float
    negatives_in_strong_motion: float
    hits_of_25_to_40_dn: float

    @property
    def missed(self) -> tuple[str, ...]:
        """Name the shares below `MIN_SHARE`."""
        named = ("negatives_with_blotch", "negatives_in_strong_motion", "hits_of_25_to_40_dn")
        return tuple(name for name in named if getattr(self, name) < MIN_SHARE)


def count_shares(dataset: Dataset) -> MixtureShares:
    """Count the truth of a dataset's shards; their pictures are not read."""
    strata: list[Strata] = []
    labels = [np.zeros(0, np.uint8)]
    for part, label in dataset.truths():
        strata += part
        labels.append(label)
    counted = statistics(strata, np.concatenate(labels))
    return MixtureShares(
        counted.samples - counted.hits,
        counted.hits,
        counted.negatives_with_blotch,
        counted.negatives_in_strong_motion,
        counted.hits_of_25_to_40_dn,
    )
