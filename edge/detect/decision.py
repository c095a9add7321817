"""The decision: one network's log odds, a prior by how crowded the scene is, and one threshold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from edge.config.strict import StrictModel
from edge.statistics import sigmoid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


USUAL_CROWD = 30.0
"""Crowd before an ordinary scene, for which the prior is 0."""
MAX_CROWD = 80.0
"""A greater crowd says nothing more: it is mostly texture that moves."""
_ADDED = 2.0
"""Added to the crowd, so that a dark or empty scene does not make everything a hit."""


class Decision(StrictModel):
    """The temperature and the threshold of a network: the `decision` in model.json.

    A candidate is a hit where its score is at least `threshold`:

    sigmoid((logit1 − logit0) / temperature − crowd_weight × log((2 + crowd) / 32))

    The crowd is how many candidates a frame has that the screen passes and whose logit1 is below logit0. The more a
    scene has of them, the less likely is each candidate a hit. Hits are no part of it, so that they do not hide each
    other in a strong field.

    Examples
    --------
    >>> import numpy as np
    >>> Decision(threshold=0.9, temperature=2.0).scores(np.array([0.0, 6.0])).round(2).tolist()
    [0.5, 0.95]
    >>> Decision(threshold=0.9, crowd_weight=1.0).scores(np.array([0.0]), crowd=70.0).round(2).tolist()
    [0.31]

    """

    threshold: float = Field(ge=0, le=1, description="smallest score of a hit")
    temperature: float = Field(default=1.0, gt=0, description="divides the log odds of the network")
    crowd_weight: float = Field(default=0.0, ge=0, description="of the prior by the crowd")

    def scores(self, margins: NDArray[np.float64], crowd: float | None = None) -> NDArray[np.float64]:
        """Return the scores of candidates, 0..1.

        Parameters
        ----------
        margins : float64 array, shape (n,)
            The network's logit1 − logit0.
        crowd : float or None
            Mean of the last second; None where it is not known, as for crops of a dataset.

        """
        known = USUAL_CROWD if crowd is None else min(crowd, MAX_CROWD)
        prior = self.crowd_weight * math.log((_ADDED + known) / (_ADDED + USUAL_CROWD))
        return sigmoid(margins / self.temperature - prior)
