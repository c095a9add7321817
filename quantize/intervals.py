"""95 % intervals of what two models decide about the same crops, in closed form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge.statistics import Z_95

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def paired_change(reference: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the interval of the change of a share between two models on the same crops; NaN without crops.

    Only crops that the two decide differently widen it (Agresti and Min, Statistics in Medicine 24, 729, 2005).

    Examples
    --------
    >>> import numpy as np
    >>> before, after = np.arange(1000) < 900, np.arange(1000) < 890
    >>> low, high = paired_change(before, after)
    >>> print(f"{low:.4f} to {high:.4f}")
    -0.0164 to -0.0035

    """
    crops = len(reference)
    if not crops:
        return math.nan, math.nan
    gained, lost = int((found & ~reference).sum()), int((reference & ~found).sum())
    # Half a crop is added to each cell of the table, so that no change at all has an interval, too.
    whole = crops + 2
    change = (gained - lost) / whole
    reach = Z_95 * math.sqrt((gained + lost + 1) / whole - change**2) / math.sqrt(whole)
    return change - reach, change + reach


def excess_reach(reference: int, found: int, common: int, factor: float) -> float:
    """Return half the interval of `found` − `factor` × `reference`, two counts of which `common` crops are in both.

    Examples
    --------
    >>> print(f"{excess_reach(100, 160, 100, 1.5):.1f}")
    18.1

    """
    variance = common * (1 - factor) ** 2 + (found - common) + (reference - common) * factor**2
    return Z_95 * math.sqrt(variance)
