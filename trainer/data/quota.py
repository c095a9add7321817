"""How many samples of which kind a shard takes: half of each label, and in a test mixture shares of hits and motion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.data.crops import stratum_of
from trainer.data.places import STRONG_MOTION_DN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trainer.data.dataset import Strata

# Of a test mixture: what hits add, and whether the ground moves strongly. Both labels are chosen alike, label 0 by what
# a hit at its place would have added: the choice must not tell them apart.
TEST_SHARES: dict[tuple[str, bool], float] = {
    (stratum, moves): by_stratum * by_motion
    for stratum, by_stratum in (("faint", 0.2), ("visible", 0.4), ("bright", 0.4))
    for moves, by_motion in ((True, 0.4), (False, 0.6))
}


class Quota:
    """Counts down what a shard still wants.

    Parameters
    ----------
    wanted : int
        Samples in all, half of each label.
    shares : mapping of (stratum, strong motion) to share, or None
        Of each label; None takes them as they come.

    """

    def __init__(self, wanted: int, shares: Mapping[tuple[str, bool], float] | None = None) -> None:
        self._shares = shares
        self._left: dict[tuple[int, str, bool], int] = {}
        for label, count in ((0, wanted - wanted // 2), (1, wanted // 2)):
            cells = {(label, *key): int(count * share) for key, share in (shares or {("", False): 1.0}).items()}
            first = max(cells, key=lambda cell: cells[cell])
            cells[first] += count - sum(cells.values())
            self._left |= cells

    @property
    def filled(self) -> bool:
        """Whether nothing more is wanted."""
        return not any(self._left.values())

    def takes(self, label: int, strata: Strata) -> bool:
        """Tell whether a sample is wanted, and count it."""
        cell = (label, "", False)
        if self._shares is not None:
            cell = (label, stratum_of(strata["struck_dn"]), strata["motion_dn"] > STRONG_MOTION_DN)
        if not self._left.get(cell):
            return False
        self._left[cell] -= 1
        return True
