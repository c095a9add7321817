"""The outcome of a run of the agent."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a run.

    Attributes
    ----------
    frames, hits, alarms : int
        Frames analysed, hits found, alarms raised.
    waiting : int
        Unconfirmed messages, which stay in the outbox, unless they are lost.
    link : str
        State of the link before the goodbye, in a sentence.
    stopped : bool
        Whether the run was ended on request, and not by the end of its source.
    hangs : bool
        Whether a thread did not end, as a driver or a network hangs.
    lost : int
        Those of the unconfirmed messages that the disk has not taken, so that they end with the run.

    """

    frames: int
    hits: int
    alarms: int
    waiting: int
    link: str
    stopped: bool
    hangs: bool
    lost: int = 0

    @property
    def delivered(self) -> bool:
        """Whether the broker has confirmed all messages."""
        return self.waiting == 0

    def as_dict(self) -> dict[str, object]:
        """Return the outcome, ready for JSON."""
        return {**asdict(self), "delivered": self.delivered}
