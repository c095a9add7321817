"""Statistics that the box needs: intervals, significance, thresholds and log odds, in NumPy alone."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Z_95 = 1.959964
"""Standard normal deviate of a central 95 % interval."""
_EXACT_UP_TO = 200
_TAIL = 0.025


def wilson_interval(part: int, whole: int) -> tuple[float, float]:
    """Return the central 95 % interval of a proportion (Wilson, JASA 22, 209, 1927).

    The ends are exactly 0 where `part` is 0 and exactly 1 where it is `whole`. Where nothing was counted, the interval
    is (0, 1).

    Examples
    --------
    >>> low, high = wilson_interval(5, 10)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.237 to 0.763

    """
    if not whole:
        return 0.0, 1.0
    z2 = Z_95**2
    share = part / whole
    middle = share + z2 / (2 * whole)
    reach = Z_95 * math.sqrt(share * (1 - share) / whole + z2 / (4 * whole**2))
    low = max((middle - reach) / (1 + z2 / whole), 0.0) if part else 0.0
    high = min((middle + reach) / (1 + z2 / whole), 1.0) if part < whole else 1.0
    return low, high


@functools.lru_cache(maxsize=4096)
def poisson_interval(count: int) -> tuple[float, float]:
    """Return the central 95 % interval of a Poisson mean after counting `count` events.

    It is Garwood's exact interval (Biometrika 28, 437, 1936); above 200 events, where the difference is below 0.1 %,
    with the quantiles of `gamma_quantile`.

    Examples
    --------
    >>> low, high = poisson_interval(4)
    >>> print(f"{low:.2f} to {high:.2f}")
    1.09 to 10.24

    """
    if count > _EXACT_UP_TO:
        return gamma_quantile(count, -Z_95), gamma_quantile(count + 1, Z_95)
    # The mean at which as many or more, or as few or fewer, are as seldom as 2.5 %.
    low = _mean_where(count - 1, 1 - _TAIL) if count else 0.0
    return low, _mean_where(count, _TAIL)


def _mean_where(count: int, probability: float) -> float:
    """Return the Poisson mean of which `count` or fewer events have a probability, by Newton's method.

    The slope of that probability is the one of exactly `count` events, with a minus.
    """
    mean = gamma_quantile(count + 1, Z_95 if probability < 0.5 else -Z_95)
    for _ in range(60):
        term = total = math.exp(-mean)
        for number in range(1, count + 1):
            term *= mean / number
            total += term
        step = (total - probability) / term
        mean += step
        if abs(step) <= 1e-15 * mean:
            break
    return mean


def gamma_quantile(shape: float, sigmas: float) -> float:
    """Return the quantile of a Gamma distribution of scale 1 at a standard normal deviate.

    The cube of Wilson and Hilferty (PNAS 17, 684, 1931) is within 3 % of the exact quantile from the mean upwards, for
    shapes of 0.5 and more.
    """
    root = 1 - 1 / (9 * shape) + sigmas / (3 * math.sqrt(shape))
    return shape * max(root, 0.0) ** 3


def li_ma_sigma(on: float, off: float, alpha: float) -> float:
    """Return by how many standard deviations a count exceeds the background, 0 where it does not.

    Li and Ma 1983 (ApJ 272, 317), equation 17.

    Parameters
    ----------
    on, off : float
        Counts of the stretch in question and of the background.
    alpha : float
        Live time of the stretch over live time of the background.

    """
    if on <= alpha * off or alpha <= 0:
        return 0.0
    total = on + off
    on_term = on * math.log((1 + alpha) / alpha * on / total)
    off_term = off * math.log((1 + alpha) * off / total)
    return math.sqrt(max(0.0, 2 * (on_term + off_term)))


def threshold_at_fpr(negatives: NDArray[np.floating], fpr: float, levels: NDArray[np.floating] | None = None) -> float:
    """Return the lowest threshold that at most a share `fpr` of the negatives reaches.

    Parameters
    ----------
    negatives : float array, shape (n,)
        Scores or log odds of the samples that are no hits.
    fpr : float
        False-positive rate, 0..1.
    levels : float array, shape (m,), or None
        The values to choose the threshold from, for example all scores that occur. None allows every number: the
        threshold is the next float above the highest negative that must stay below it.

    Returns
    -------
    float
        Without `levels`, minus infinity where every negative may reach the threshold (none is there, or `fpr` is 1);
        clip it to 0..1 for a threshold of scores. With `levels`, the lowest of them in this case, and infinity where
        none of them keeps to the rate.

    Examples
    --------
    >>> negatives = np.array([0.1, 0.2, 0.3, 0.9])
    >>> threshold_at_fpr(negatives, 0.25, levels=np.array([0.1, 0.3, 0.5, 0.9]))
    0.5

    """
    falling = np.sort(negatives)[::-1]
    allowed = int(fpr * len(falling))
    exceeded = float(falling[allowed]) if allowed < len(falling) else -math.inf
    if levels is None:
        return float(np.nextafter(exceeded, math.inf)) if allowed < len(falling) else -math.inf
    above = levels[levels > exceeded]
    return float(above.min()) if len(above) else math.inf


def row_medians(values: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the medians along the second axis, shape (n, …), of values of shape (n, m, …).

    They are those of `numpy.median`, in fewer calls.

    Examples
    --------
    >>> row_medians(np.array([[3.0, 1.0, 2.0], [5.0, 9.0, 1.0]])).tolist()
    [2.0, 5.0]

    """
    middle = values.shape[1] // 2
    if values.shape[1] % 2:
        return np.partition(values, middle, axis=1)[:, middle]
    parted = np.partition(values, (middle - 1, middle), axis=1)
    medians: NDArray[np.floating] = (parted[:, middle - 1] + parted[:, middle]) / 2
    return medians


def row_quantiles(values: NDArray[np.floating], share: float) -> NDArray[np.float64]:
    """Return a quantile of each row, shape (n,), of values of shape (n, m), between two values in proportion.

    Examples
    --------
    >>> row_quantiles(np.array([[3.0, 1.0, 2.0, 4.0]]), 0.5).tolist()
    [2.5]

    """
    place = share * (values.shape[1] - 1)
    low = min(int(place), values.shape[1] - 2)
    parted = np.partition(values, (low, low + 1), axis=1)
    below, above = parted[:, low].astype(np.float64), parted[:, low + 1]
    quantiles: NDArray[np.float64] = below + (above - below) * (place - low)
    return quantiles


def sigmoid(log_odds: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return 1 / (1 + exp(−log odds)), the probability of log odds, without overflow.

    Probabilities are exact to 1e-16 and not relative to their size: below log odds of −36 they are 0.

    Examples
    --------
    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).tolist()
    [0.0, 0.5, 1.0]

    """
    # tanh does not overflow where exp would.
    value: NDArray[np.float64] = 0.5 * (1 + np.tanh(np.asarray(log_odds, np.float64) / 2))
    return value


def log_odds(probability: float) -> float:
    """Return log(p / (1 − p)), the inverse of `sigmoid`; finite at 0 and 1, which count as 1e-12 and 1 − 1e-12."""
    inside = float(np.clip(probability, 1e-12, 1 - 1e-12))
    return float(np.log(inside / (1 - inside)))
