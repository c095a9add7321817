"""Tells from the frames whose colours were asked for whether the next one's are decoded together with its grey."""

from __future__ import annotations

_MAX_STEP_FRAMES = 5
"""Both at once cost a third of the grey more; the colours alone, later, more than the grey: worth while in a third."""
_REMEMBERED_FRAMES = 16
"""More than threads read ahead: until a frame is asked for its colours, some of those after it are decoded."""


class ColourDemand:
    """Whether the colours of frames of a source are asked for so often that they had better be decoded at once.

    One thread may note what is asked for while another asks what is likely.

    Examples
    --------
    >>> demand = ColourDemand()
    >>> for sequence in (3, 7):
    ...     demand.note(sequence)
    >>> demand.is_likely(9), demand.is_likely(60)
    (True, False)

    """

    def __init__(self) -> None:
        # The last frame whose colours were asked for, and how many frames before it the one before was.
        self._latest: tuple[int, int] | None = None

    def note(self, sequence: int) -> None:
        """Remember that the colours of the frame `sequence` are asked for."""
        before = self._latest[0] if self._latest is not None else sequence - _REMEMBERED_FRAMES
        if sequence != before:
            self._latest = (sequence, sequence - before)

    def is_likely(self, sequence: int) -> bool:
        """Return whether two of six frames not long before `sequence` were asked for their colours."""
        if self._latest is None:
            return False
        latest, step = self._latest
        return 0 < step <= _MAX_STEP_FRAMES and 0 < sequence - latest <= _REMEMBERED_FRAMES
