"""Records of the history: alarms, faults, states, rates and gaps, for tables and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from edge.telemetry.messages import AlarmDetail

End = Literal["cleared", "stands", "changed", "left"]


@dataclass(frozen=True, slots=True)
class BoxRecord:
    """A box: what its last info says."""

    site: str
    device: str
    place: str | None
    latitude: float | None
    longitude: float | None
    software: str | None
    model: str | None
    camera: str | None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Who has taken charge of an alarm."""

    person: str
    utc: datetime
    reason: str | None
    silenced_until_utc: datetime | None


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """An alarm from its beginning to its last message.

    Attributes
    ----------
    box : BoxRecord
    detail : AlarmDetail
        The numbers of its last message.
    advice : str
    raised_utc, last_utc : datetime
        Its first and its last message in the archive.
    end : {"cleared", "stands", "changed", "left"}
        left: the box has spoken of other things since and has never cleared it.
    messages : int
    maximum_hz, significance_sigma : float
        The highest of all its messages.
    acknowledged : tuple of Acknowledged
    event_id : str
        Of its last message.

    """

    box: BoxRecord
    detail: AlarmDetail
    advice: str
    raised_utc: datetime
    last_utc: datetime
    end: End
    messages: int
    maximum_hz: float
    significance_sigma: float
    acknowledged: tuple[Acknowledged, ...]
    event_id: str

    @property
    def duration_s(self) -> float:
        """Seconds from the onset, as the box measured them."""
        return self.detail.duration_s


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """A fault of a box; `ended_utc` is None while it stands."""

    box: BoxRecord
    text: str
    began_utc: datetime
    ended_utc: datetime | None


@dataclass(frozen=True, slots=True)
class StatusRecord:
    """A box that came or went."""

    box: BoxRecord
    utc: datetime
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class RateRecord:
    """The rate of a box in one slot of time, in hits per live second; None where it had no live time."""

    box: BoxRecord
    utc: datetime
    hits: int
    rate_hz: float | None
    maximum_hz: float | None
    background_hz: float | None
    live_fraction: float | None
    fps: float
    condition: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A time in which the archive did not listen. `lost`: nothing was kept for it, so messages may be missing."""

    began_utc: datetime
    ended_utc: datetime
    lost: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Messages of a box that could not be read, over all time."""

    box: BoxRecord
    kind: str
    problem: str
    messages: int
    last_utc: datetime
