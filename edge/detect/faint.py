"""Faint hits: what the classifier alone does not take for hits, but what surely is no light either.

Rain, snow and glints make the classifier ask for more before it takes a candidate for a hit, so that most hits of a
source are refused there. Some small networks look once more at what it refused by little, and at the hits themselves:
at what `edge.detect.light` describes, and at what moves or shines around. What all of them together take for radiation
is sure. Such candidates count only where a nuisance is known: see `edge.alarm.population`. `gammabox-trainer study
light` fits the networks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.hit import SURE_GRADE
from edge.detect.light import NAMES as LIGHT_NAMES
from edge.detect.light import read_network, standardised

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Values = NDArray[np.float32]

NAMES = (*LIGHT_NAMES, "companions", "companions_by_chance", "on_light", "candidates")
MIN_MARGIN = 1.0
"""The classifier's logit1 − logit0 of candidates that are looked at once more; that of hits is above 4.7."""
MAX_LOOKED_AT = 32
"""Candidates of a frame that are looked at once more, those of the highest scores."""
MIN_UNSURE = 0.5
"""Fewer such candidates a frame, in the mean of the last second, are not looked at: no nuisance hides hits there."""
GRADES = (2.5, 3.5, 4.5, 5.5)
"""Log odds at which grades 1 to 4 begin; what is below has grade 0."""
SURE_ODDS = GRADES[SURE_GRADE - 1]
_WEIGHTS = Path(__file__).with_name("faint.json")
_MAX_SHARE = 1.5
_ADDED = 5.0
"""Added to the number of candidates, whose logarithm is taken."""


@dataclass(frozen=True, slots=True, eq=False)
class FaintNetworks:
    """Some networks of two hidden layers, whose mean counts.

    Attributes
    ----------
    mean, scale : float32 array, shape (37,)
        Of each number that describes a candidate: see NAMES.
    layers : tuple of (weights, bias)
        Of all networks: float32 arrays, shapes (networks, inputs, outputs) and (networks, outputs).

    """

    mean: Values
    scale: Values
    layers: tuple[tuple[Values, Values], ...]

    def log_odds(self, described: Values) -> Values:
        """Return how much more likely each candidate is radiation than light, as a logarithm, shape (n,)."""
        values = standardised(described, self.mean, self.scale)[None]
        for weights, bias in self.layers[:-1]:
            values = np.maximum(values @ weights + bias[:, None], 0)
        weights, bias = self.layers[-1]
        odds: Values = (values @ weights + bias[:, None])[..., 0].mean(axis=0)
        return odds


@functools.cache
def shipped_networks() -> FaintNetworks:
    """Return the networks that ship.

    Raises
    ------
    BundleError
        Their file is missing or damaged.

    """
    return read_network(_WEIGHTS, _built)


def _built(stored: Any) -> FaintNetworks:  # noqa: ANN401
    layers = tuple(
        (np.array(layer["weights"], np.float32), np.array(layer["bias"], np.float32)) for layer in stored["layers"]
    )
    return FaintNetworks(np.array(stored["mean"], np.float32), np.array(stored["scale"], np.float32), layers)


def grades_of(log_odds: Values) -> list[int]:
    """Return the grade of each candidate by its log odds, 0 to 4; where nothing is known, NaN, the lowest sure one.

    Examples
    --------
    >>> grades_of(np.array([0.0, 2.5, 4.0, 9.0, np.nan], np.float32))
    [0, 1, 2, 4, 2]

    """
    grades = np.searchsorted(np.array(GRADES), np.nan_to_num(log_odds, nan=SURE_ODDS), side="right")
    return [int(grade) for grade in grades]


def describe_more(described: Values, shares: Values, on_light: NDArray[np.bool_], candidates: int) -> Values:
    """Return the numbers that describe candidates.

    Parameters
    ----------
    described : float32 array, shape (n, 33)
        By `edge.detect.light.describe`.
    shares : float32 array, shape (n, 2)
        By `edge.detect.companions.companion_shares`.
    on_light : bool array, shape (n,)
        Whether each stands on a point of light.
    candidates : int
        Of the whole frame.

    Returns
    -------
    float32 array, shape (n, 37)
        In the order of NAMES.

    """
    number = np.full(len(described), np.log(candidates + _ADDED))
    return np.column_stack([described, np.minimum(shares, _MAX_SHARE), on_light, number]).astype(np.float32)
