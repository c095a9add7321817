"""Axes of charts: where a value lies on them, and the round values that are written beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_TICKS = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a chart.

    Attributes
    ----------
    label : str
    low, high : float
        Its ends.
    log : bool
        Whether it is logarithmic; then both ends are positive.
    names : tuple of str
        Names of groups that lie at 0, 1, 2, …; they are written in place of numbers.

    """

    label: str
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()

    def share(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high end. What lies outside stays at the end."""
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return min(max(share, 0.0), 1.0)

    def ticks(self, most: int = MAX_TICKS) -> list[float]:
        """Return round values along the axis, at most so many of a linear one.

        Where a short logarithmic axis holds fewer than two of 1, 2, 5 times a power of ten, they are those of a linear
        one.

        Examples
        --------
        >>> Axis("time, s", 0, 41).ticks()
        [0.0, 10.0, 20.0, 30.0, 40.0]
        >>> Axis("rate", 0.01, 20, log=True).ticks()
        [0.01, 0.1, 1.0, 10.0]

        """
        if self.names:
            return [float(number) for number in range(len(self.names))]
        decades = self._decades(most) if self.log else []
        if len(decades) > 1:
            return decades
        step = _round_step((self.high - self.low) / max(most - 1, 1))
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        steps = (1, 2, 5) if last - first <= 2 else (1,)
        every = max(1, math.ceil((last - first) / most))
        powers = range(first, last + 1, every)
        values = [float(f"{step}e{power}") for power in powers for step in steps]
        return [value for value in values if self.low * 0.999 <= value <= self.high * 1.001]

    def words(self, value: float) -> str:
        """Return what is written at a value."""
        return self.names[int(value)] if self.names else tick_text(value)


def tick_text(value: float) -> str:
    """Return a number as it is written at an axis.

    Examples
    --------
    >>> [tick_text(value) for value in (0.0, 0.25, 12000.0, 1e-5, 3e6)]
    ['0', '0.25', '12,000', '1e-5', '3e6']

    """
    if value and not 1e-4 < abs(value) < 1e6:
        digits, _, power = f"{value:.2e}".partition("e")
        return f"{digits.rstrip('0').rstrip('.')}e{int(power)}"
    return f"{value:,.10f}".rstrip("0").rstrip(".") if value % 1 else f"{value:,.0f}"


def from_zero(label: str, values: Iterable[float]) -> Axis:
    """Return a linear axis from 0 to a little above the greatest value."""
    return Axis(label, 0.0, max([1.06 * value for value in values if math.isfinite(value)], default=0.0) or 1.0)


def spanning(label: str, values: Sequence[float], *, log: bool = False) -> Axis:
    """Return an axis over all values, a linear one from 0 where they are near it."""
    if log:
        low, high = (min(values), max(values)) if values else (1.0, 10.0)
        return Axis(label, low / 1.15, high * 1.15, log=True)
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    if 0 <= low < 0.5 * high:
        low = 0.0
    room = 0.04 * (high - low) or 0.5
    return Axis(label, low if low == 0 else low - room, high + room)


def _round_step(step: float) -> float:
    """Return the next of 1, 2, 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * (1 - 1e-9))
