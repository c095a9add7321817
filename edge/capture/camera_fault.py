"""The states of a camera that people are told of: what each means, what to do, when it begins and ends."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from edge.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

MAX_SENTENCE = 300
FaultName: TypeAlias = Literal[
    "lost",
    "stalled",
    "frozen",
    "repeated",
    "damaged",
    "wrong_rate",
    "controls",
    "covered",
    "dark",
    "blinded",
    "out_of_focus",
    "moved",
]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What is known of a state in advance.

    Attributes
    ----------
    title : str
        The state in words.
    remedy : str
        What to do.
    begin_s, end_s : float
        For how long its signs must be there until it begins, and be away until it ends.

    """

    title: str
    remedy: str
    begin_s: float = 0.0
    end_s: float = 0.0


KINDS: Mapping[FaultName, FaultKind] = {
    "lost": FaultKind("camera lost", "check cable and power; it is opened again as soon as it is back"),
    "stalled": FaultKind("camera silent", "check the cable, the hub and the camera's power"),
    "frozen": FaultKind(
        "picture frozen",
        "restart the camera or what streams it; a picture without any noise cannot be told from a frozen one",
        end_s=1.0,
    ),
    "repeated": FaultKind(
        "pictures repeated", "set the streamer to the camera's own rate; repeats are left out", end_s=5.0
    ),
    "damaged": FaultKind("pictures damaged", "use a shorter cable or another hub, and check the power", end_s=10.0),
    "wrong_rate": FaultKind(
        "wrong frame rate", "fix the exposure below the frame period, and check the mode and the USB hub", 3.0, 3.0
    ),
    "controls": FaultKind("controls refused", "see what the camera can do: v4l2-ctl --list-ctrls, rpicam-hello"),
    "covered": FaultKind("lens covered", "look at the lens: something covers it, or the light went out", 2.0, 2.0),
    "dark": FaultKind("picture black", "open the lens cap, add light, or set a longer exposure or more gain", 2.0, 2.0),
    "blinded": FaultKind("picture saturated", "turn it away from the light, or set a shorter exposure", 2.0, 2.0),
    "out_of_focus": FaultKind("out of focus", "clean and focus the lens", 15.0, 5.0),
    "moved": FaultKind("camera moved", "aim it again, or calibrate it for the new view", 60.0, 5.0),
}


@dataclass(frozen=True, slots=True)
class CameraFault:
    """A state of a camera that stands.

    Attributes
    ----------
    name : str
        One of `FaultName`.
    detail : str
        What was seen, in a line.
    remedy : str
        What to do, in a line.
    since_s : float
        When it began, on the clock of the frames.
    since_utc : datetime

    """

    name: FaultName
    detail: str
    remedy: str
    since_s: float
    since_utc: datetime

    @property
    def text(self) -> str:
        """The state in a line, such as for a health message."""
        return f"{KINDS[self.name].title}: {self.detail}; {self.remedy}"


@dataclass(frozen=True, slots=True)
class CameraChange:
    """The beginning or the end of a state of a camera.

    Attributes
    ----------
    fault : CameraFault
    begins : bool
        False for its end.
    time_s : float
        On the clock of the frames.
    utc : datetime

    """

    fault: CameraFault
    begins: bool
    time_s: float
    utc: datetime

    @property
    def text(self) -> str:
        """The change in a line, such as for the journal."""
        if self.begins:
            return self.fault.text
        return f"{KINDS[self.fault.name].title}: over after {self.time_s - self.fault.since_s:.0f} s"

    def as_event(self) -> dict[str, object]:
        """Return the change, ready for JSON."""
        return {
            "type": "camera",
            "state": "begin" if self.begins else "end",
            "name": self.fault.name,
            "time_s": round(self.time_s, 3),
            "utc": self.utc.isoformat(),
            "since_utc": self.fault.since_utc.isoformat(),
            "detail": self.fault.detail,
            "remedy": self.fault.remedy,
        }


@dataclass(frozen=True, slots=True)
class Sign:
    """Whether the signs of a state are there now, and what they are."""

    is_there: bool
    detail: str = ""
    remedy: str | None = None


class FaultLatch:
    """Begins a state when its signs have been there for long enough, and ends it when they have been away."""

    def __init__(self, name: FaultName) -> None:
        self._name = name
        self._kind = KINDS[name]
        self._turned_s: float | None = None
        self.fault: CameraFault | None = None

    def update(self, sign: Sign | None, now_s: float, utc: datetime) -> CameraChange | None:
        """Return the change that the signs lead to. None for a sign that cannot be judged now: nothing changes."""
        if sign is None:
            self._turned_s = None
            return None
        fault = self.fault
        if sign.is_there == (fault is not None):
            self._turned_s = None
            if fault is not None and sign.detail:
                self.fault = replace(fault, detail=one_line(sign.detail, MAX_SENTENCE))
            return None
        if self._turned_s is None or now_s < self._turned_s:
            self._turned_s = now_s
        if now_s - self._turned_s < (self._kind.begin_s if fault is None else self._kind.end_s):
            return None
        self._turned_s = None
        if fault is not None:
            return self.end(now_s, utc)
        remedy = sign.remedy if sign.remedy is not None else self._kind.remedy
        begun = CameraFault(self._name, one_line(sign.detail, MAX_SENTENCE), one_line(remedy, MAX_SENTENCE), now_s, utc)
        self.fault = begun
        return CameraChange(begun, begins=True, time_s=now_s, utc=utc)

    def end(self, now_s: float, utc: datetime) -> CameraChange | None:
        """End the state, if it stands."""
        fault, self.fault, self._turned_s = self.fault, None, None
        return None if fault is None else CameraChange(fault, begins=False, time_s=now_s, utc=utc)
