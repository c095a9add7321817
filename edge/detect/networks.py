"""The two networks of a bundle: the screen that judges every candidate, the classifier that judges what it passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.detect.network import Network
from edge.errors import BundleError
from edge.statistics import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.hit import Candidate
    from edge.detect.manifest import Bundle
    from edge.detect.view import View

SCREEN_BATCH, _SMALL_SCREEN_BATCH = 32, 8
"""Patches in one call of the screen, and where only few are left."""
CLASSIFIER_BATCH = 8
"""Crops in one call of the classifier; what is left is called one by one.

A crop costs the same in both, but other threads wait for each call.
"""


class Classifier(Network):
    """The bundle's main network.

    Parameters
    ----------
    bundle : Bundle
    threads : int
    batch : int
        Crops in one call of the network.

    Raises
    ------
    BundleError, RuntimeMissingError
        See `edge.detect.network.Network`.

    """

    def __init__(self, bundle: Bundle, threads: int = 1, batch: int = CLASSIFIER_BATCH) -> None:
        manifest = bundle.manifest
        self.decision = manifest.decision
        contract = (manifest.input, manifest.output)
        super().__init__(bundle.path, bundle.model, contract, threads=threads, batch=batch, small=1)

    @property
    def threshold(self) -> float:
        """Smallest score of a hit."""
        return self.decision.threshold

    def scores(self, crops: Image) -> NDArray[np.float64]:
        """Return the probability of radiation, 0..1, of crops (n, size, size, planes), by this network alone."""
        return self.decision.scores(self.margins(crops))


@dataclass(frozen=True, slots=True, eq=False)
class Screened:
    """What the screen passes.

    Attributes
    ----------
    candidates : sequence of Candidate
        The likeliest first.
    stopped : int
        How many candidates it does not pass.

    """

    candidates: Sequence[Candidate]
    stopped: int = 0

    def some(self, count: int) -> Screened:
        """Return at most `count` of them: all, or an even sample, which stands for all."""
        if len(self.candidates) <= count:
            return self
        return Screened(some(self.candidates, count), self.stopped)


def some(candidates: Sequence[Candidate], count: int) -> Sequence[Candidate]:
    """Return at most `count` candidates: all, or an even sample in their order, the same for the same numbers."""
    whole = len(candidates)
    if whole <= count:
        return candidates
    chosen = np.sort(np.random.default_rng(whole).permutation(whole)[:count])
    return [candidates[index] for index in chosen]


class Screen:
    """The bundle's small network; where a bundle has none, every candidate passes.

    Parameters
    ----------
    bundle : Bundle
    threads : int

    Raises
    ------
    BundleError, RuntimeMissingError
        See `edge.detect.network.Network`; a screen also has to take grey patches of odd size.

    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self._network: Network | None = None
        contract = bundle.manifest.screen
        if contract is None or bundle.screen is None:
            return
        planes, size = contract.input.planes, contract.input.crop_size
        if planes == "rgb" or size % 2 == 0:
            raise BundleError(
                bundle.path,
                f"its screen takes {planes} patches of {size} pixels",
                "a screen takes grey patches (temporal or spike) of odd size",
            )
        self._threshold = contract.threshold
        self._network = Network(
            bundle.path,
            bundle.screen,
            (contract.input, contract.output),
            threads=threads,
            batch=SCREEN_BATCH,
            small=_SMALL_SCREEN_BATCH,
        )

    def sift(self, view: View, candidates: Sequence[Candidate]) -> Screened:
        """Return the candidates whose sigmoid(logit1 − logit0) reaches the screen's threshold."""
        if self._network is None:
            return Screened(candidates)
        margins = self._network.margins(self._network.crops(view, candidates))
        passing = np.flatnonzero(sigmoid(margins) >= self._threshold)
        order = passing[np.argsort(-margins[passing], kind="stable")]
        return Screened([candidates[i] for i in order], len(candidates) - len(order))
