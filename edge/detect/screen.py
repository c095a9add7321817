"""The screen: a tiny network that judges the patch around every candidate before the classifier is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.detect.classifier import margins_of
from edge.detect.crops import network_input, patches
from edge.detect.network import Network
from edge.errors import BundleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge.bundle import Bundle
    from edge.detect.hit import Candidate
    from edge.detect.spot import Greys

BATCH = 16
"""Patches in one call: measured in docs/performance.md."""


class Screen:
    """The bundle's second network, where it has one.

    Parameters
    ----------
    bundle : Bundle
        Must hold a screen.
    threads : int

    Raises
    ------
    BundleError, RuntimeMissingError
        See `edge.detect.network.Network`; the screen also has to be of odd size and without colour.

    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        contract = bundle.manifest.screen
        if contract is None or bundle.screen is None:
            raise ValueError("this bundle has no screen")
        self._planes, self._size = contract.input.planes, contract.input.crop_size
        if self._planes == "rgb" or self._size % 2 == 0:
            raise BundleError(
                bundle.path,
                f"its screen takes {self._planes} patches of {self._size} pixels",
                "a screen takes grey patches (temporal or spike) of odd size",
            )
        self.threshold = contract.threshold
        model = (contract.input, contract.output)
        self._network = Network(bundle.path, bundle.screen, model, threads=threads, batch=BATCH)

    def margins(self, greys: Greys, candidates: Sequence[Candidate]) -> NDArray[np.float64]:
        """Judge candidates: logit1 − logit0, shape (n,); those pass whose sigmoid of it reaches the threshold.

        Parameters
        ----------
        greys : three uint8 arrays, shape (height, width)
            Previous, current and next frame.
        candidates : sequence of Candidate

        """
        xs = np.fromiter((one.x for one in candidates), np.intp, len(candidates))
        ys = np.fromiter((one.y for one in candidates), np.intp, len(candidates))
        cut_out = patches(greys, xs, ys, self._size)
        return margins_of(self._network.logits(network_input(self._planes, cut_out, None)))
