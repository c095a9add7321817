"""When to try again: soon at first, then less and less often."""

from __future__ import annotations

FIRST_PAUSE_S = 10.0
LONGEST_PAUSE_S = 600.0


class BackOff:
    """Pauses that double at each attempt for as long as attempts are wanted.

    Examples
    --------
    >>> back_off = BackOff()
    >>> [second for second in range(100) if back_off.is_due(second, wanted=True)]
    [10, 30, 70]

    """

    def __init__(self, first_pause_s: float = FIRST_PAUSE_S, longest_pause_s: float = LONGEST_PAUSE_S) -> None:
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._pause_s = first_pause_s
        self._wanted_s: float | None = None
        self._calm_s: float | None = None

    def is_due(self, now_s: float, *, wanted: bool) -> bool:
        """Return whether to try now. The pauses are short again after a long time without need."""
        if not wanted:
            self._wanted_s = None
            self._calm_s = now_s if self._calm_s is None else self._calm_s
            if now_s - self._calm_s >= self._longest_pause_s:
                self._pause_s = self._first_pause_s
            return False
        self._calm_s = None
        if self._wanted_s is None:
            self._wanted_s = now_s
        if now_s - self._wanted_s < self._pause_s:
            return False
        self._wanted_s = now_s
        self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
        return True
