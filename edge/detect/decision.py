"""The decision: one network's log odds against one threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from edge.config.strict import StrictModel
from edge.statistics import sigmoid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Decision(StrictModel):
    """The temperature and the threshold of a network: the `decision` in model.json.

    A candidate is a hit where its score, sigmoid((logit1 − logit0) / temperature), is at least `threshold`.

    Examples
    --------
    >>> import numpy as np
    >>> Decision(threshold=0.9, temperature=2.0).scores(np.array([0.0, 6.0])).round(2).tolist()
    [0.5, 0.95]

    """

    threshold: float = Field(ge=0, le=1, description="smallest score of a hit")
    temperature: float = Field(default=1.0, gt=0, description="divides the log odds of the network")

    def scores(self, margins: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the scores, 0..1, of candidates by the network's logit1 − logit0, shape (n,)."""
        return sigmoid(margins / self.temperature)
