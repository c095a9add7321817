"""The alarms of a recording, each from its onset to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.text import significant

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.alarm.alarm import Alarm


@dataclass(frozen=True, slots=True)
class Episode:
    """An alarm as a whole.

    Attributes
    ----------
    id : str
    onset_s, raised_s : float
        From when on hits exceed the background, and when the alarm was raised.
    ended_s : float or None
        When it was cleared; None where it stands at the end.
    rate_hz, background_hz : float
        Hits per live second since the onset, and those of the background, at its last step.
    significance_sigma : float
        The greatest of its steps.

    """

    id: str
    onset_s: float
    raised_s: float
    ended_s: float | None
    rate_hz: float
    background_hz: float
    significance_sigma: float

    def __str__(self) -> str:
        """Return the alarm as a phrase for people."""
        end = "still stands at the end" if self.ended_s is None else f"cleared at {self.ended_s:.1f} s"
        return (
            f"{self.id}: raised at {self.raised_s:.1f} s, onset at {self.onset_s:.1f} s, {end}; {self.rate_hz:.3g} "
            f"hits a live second over {self.background_hz:.3g}, {self.significance_sigma:.1f} σ"
        )


def episodes(steps: Iterable[Alarm]) -> tuple[Episode, ...]:
    """Return the alarms that steps belong to, in the order in which they were raised."""
    known: dict[str, Episode] = {}
    for step in steps:
        before = known.get(step.id)
        known[step.id] = Episode(
            step.id,
            before.onset_s if before is not None else round(step.onset_s, 3),
            before.raised_s if before is not None else round(step.time_s, 3),
            round(step.time_s, 3) if step.state == "cleared" else None,
            # After its end the counts say nothing of the alarm.
            before.rate_hz if before is not None and step.state == "cleared" else significant(step.rate_hz),
            significant(step.background_hz),
            max(round(step.significance_sigma, 2), before.significance_sigma if before is not None else 0.0),
        )
    return tuple(known.values())
