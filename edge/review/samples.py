"""A bounded sample of items, spread evenly over all that were offered, however many they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Item = TypeVar("Item")


class Spread(Generic[Item]):
    """Keeps every nth item that it is offered. When it is full, every second item is dropped and n doubles.

    Parameters
    ----------
    most : int
        Maximum number of items that are kept, even.

    Examples
    --------
    >>> spread = Spread(4)
    >>> for number in range(10):
    ...     spread.offer(lambda number=number: number)
    >>> spread.kept
    [0, 4, 8]

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._every = 1
        self._offered = 0
        self.kept: list[Item] = []

    def offer(self, make: Callable[[], Item]) -> None:
        """Offer one more item, which is made only where it is kept."""
        if self._offered % self._every == 0:
            if len(self.kept) == self._most:
                del self.kept[1::2]
                self._every *= 2
            if self._offered % self._every == 0:
                self.kept.append(make())
        self._offered += 1
