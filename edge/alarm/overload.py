"""Overload: more comes than can be judged hit by hit, in so many frames that it is no chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.alarm.live_time import Observation

FRAMES = 8
"""Frames with more than can be judged, less those without, that raise an alarm: a third of a second."""
MAX_COUNT = 50
"""The count goes no higher, so that an overload ends at most so many frames after its last one."""
FALLING_STEP = -3
"""A frame in which rain or snow is seen to fall speaks against a strong field, in which hardly anything moves."""
FALLING_FRAMES, FALLING_MEMORY = 25, 125
"""Where it fell in the last five seconds, so many more frames with more than can be judged are asked for: a second."""
EVIDENCE = 1
"""After so many, just before, a picture that turns white counts, too: the field has grown until it saturates all."""


class Overload:
    """Counts frames with more than can be judged.

    Examples
    --------
    >>> overload = Overload()
    >>> overload.stands, overload.suspected, overload.reason
    (False, False, None)

    """

    def __init__(self) -> None:
        self._count = 0
        self._dry = FALLING_MEMORY
        self._reason: str | None = None

    @property
    def stands(self) -> bool:
        """Whether the frames are enough to be sure."""
        return self._count >= (FRAMES if self._dry >= FALLING_MEMORY else FALLING_FRAMES)

    @property
    def suspected(self) -> bool:
        """Whether such frames came just now, enough of them or not."""
        return self._count > 0

    @property
    def reason(self) -> str | None:
        """What shows it; None where all can be judged."""
        return self._reason if self.suspected else None

    def update(self, observation: Observation) -> None:
        """Update the count with one frame."""
        self._reason = observation.overload or self._reason
        goes_on = observation.saturated and self._count >= EVIDENCE
        self._dry = 0 if observation.falling else self._dry + 1
        step = 1 if observation.overload is not None or goes_on else FALLING_STEP if observation.falling else -1
        self._count = max(0, min(self._count + step, MAX_COUNT))
