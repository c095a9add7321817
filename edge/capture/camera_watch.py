"""The state machine of a camera: facts of pictures and of the source in, beginnings and ends of states out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.capture.camera_fault import KINDS, FaultLatch, Sign
from edge.capture.frame import MAX_REPEATS
from edge.capture.report import LEFT_OUT
from edge.capture.view_watch import ViewWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from edge.capture.camera_fault import CameraChange, CameraFault, FaultName
    from edge.capture.picture_facts import PictureFacts
    from edge.capture.repeats import Likeness
    from edge.capture.view_watch import Reference

SILENT_S, SILENT_PERIODS = 3.0, 3.0
REPEATED_SHARE, UNIQUE_SHARE = 0.15, 0.05
DAMAGED_SHARE, WHOLE_SHARE = 0.05, 0.01
MIN_DAMAGED = 3
LEFT_OUT_REMEDY = "see whether recorder, disk and camera keep up with the frame rate"
DAMAGE_SPAN_S = 10.0
MIN_PICTURES = 50
SLOW_SHARE, FAST_SHARE = 0.8, 1.25
GAP_S = 2.0
RATE_SPAN_S, MIN_RATE_SPAN_S = 10.0, 5.0
_PICTURES = 100


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """What a source says of itself.

    Attributes
    ----------
    pictures, damaged : int
        Pictures read so far, damaged ones included, and the damaged ones.
    silent_s : float
        For how long no picture has arrived; 0 for recordings.
    period_s : float
        Usual time from picture to picture.
    lost : str or None
        How the source was lost, while it is.
    lost_remedy : str or None
        What to do about it, where known.
    refused : tuple of str
        What the camera refuses to do.
    damage : str
        The latest reason of damage.

    """

    pictures: int = 0
    damaged: int = 0
    silent_s: float = 0.0
    period_s: float = 0.0
    lost: str | None = None
    lost_remedy: str | None = None
    refused: tuple[str, ...] = ()
    damage: str = ""


class CameraWatch:
    """Tells when a state of a camera begins and ends. It is pure: all times come with the facts.

    Parameters
    ----------
    expected_fps : float or None
        Frames a second that the camera is to deliver. None takes what it delivers at first, and 0 does not judge.
    reference : Reference or None
        What the camera is to show. None takes what it shows at first.

    Examples
    --------
    A camera whose picture stands:

    >>> from datetime import datetime, timezone
    >>> from edge.capture.repeats import Likeness
    >>> watch, utc = CameraWatch(), datetime(2026, 1, 1, tzinfo=timezone.utc)
    >>> for second in range(6):
    ...     for change in watch.update(25 * second, Likeness(repeats=True, still_s=second), None, second, utc):
    ...         print(second, change.fault.name, change.begins)
    4 frozen True

    """

    def __init__(self, expected_fps: float | None = None, reference: Reference | None = None) -> None:
        self._latches = {name: FaultLatch(name) for name in KINDS}
        self._view = ViewWatch(reference)
        self._repeats = _Repeats()
        self._rate = _Rate(expected_fps)
        self._damage = _Damage()

    @property
    def faults(self) -> tuple[CameraFault, ...]:
        """The states that stand."""
        return tuple(latch.fault for latch in self._latches.values() if latch.fault is not None)

    @property
    def reference(self) -> Reference | None:
        """What the camera is to show; None until it is known."""
        return self._view.known

    def update(
        self, sequence: int, likeness: Likeness, facts: PictureFacts | None, now_s: float, utc: datetime
    ) -> tuple[CameraChange, ...]:
        """Update the watch with one picture and return the states that begin or end.

        Parameters
        ----------
        sequence : int
            Number of the picture, dropped ones included.
        likeness : Likeness
            How it compares with the last new picture.
        facts : PictureFacts or None
            What it shows; a few times a second is enough.
        now_s, utc : float, datetime
            Time of the picture.

        """
        signs: list[tuple[FaultName, Sign | None]] = [
            ("frozen", _frozen(likeness)),
            ("repeated", self._repeats.sign(likeness)),
            ("wrong_rate", self._rate.sign(sequence, now_s)),
        ]
        if facts is not None:
            signs += self._view.signs(facts, now_s)
        return tuple(self._changes(signs, now_s, utc))

    def check(self, source: SourceFacts, now_s: float, utc: datetime) -> tuple[CameraChange, ...]:
        """Update the watch with what the source says of itself, about once a second, with or without pictures."""
        patience_s = max(SILENT_S, SILENT_PERIODS * source.period_s)
        silent = source.lost is None and source.silent_s > patience_s
        signs: list[tuple[FaultName, Sign | None]] = [
            ("lost", Sign(source.lost is not None, source.lost or "", source.lost_remedy)),
            ("stalled", Sign(silent, f"no picture for {source.silent_s:.0f} s")),
            ("controls", Sign(bool(source.refused), "; ".join(source.refused))),
            ("damaged", self._damage.sign(source, now_s)),
        ]
        return tuple(self._changes(signs, now_s, utc))

    def _changes(
        self, signs: list[tuple[FaultName, Sign | None]], now_s: float, utc: datetime
    ) -> Iterator[CameraChange]:
        for name, sign in signs:
            change = self._latches[name].update(sign, now_s, utc)
            if change is not None:
                yield change


def _frozen(likeness: Likeness) -> Sign:
    remedy = None
    what = f"nothing new in the picture for {likeness.still_s:.0f} s"
    if likeness.black:
        what += ": it is black, without any noise"
        remedy = "open the lens cap, or set a longer exposure or more gain until the picture shows noise"
    return Sign(likeness.stands, what, remedy)


class _Repeats:
    """The share of repeats among the latest pictures, without those of a picture that stands."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=_PICTURES)
        self._run = 0

    def sign(self, likeness: Likeness) -> Sign | None:
        if likeness.repeats:
            self._run += 1
            return None
        if self._run <= MAX_REPEATS:
            self._latest.extend([True] * self._run)
        self._latest.append(False)
        self._run = 0
        if len(self._latest) < MIN_PICTURES:
            return None
        share = sum(self._latest) / len(self._latest)
        if UNIQUE_SHARE < share < REPEATED_SHARE:
            return None
        return Sign(share >= REPEATED_SHARE, f"{share:.0%} of the pictures repeat the one before")


class _Rate:
    """The rate at which pictures come, dropped ones included."""

    def __init__(self, expected_fps: float | None) -> None:
        self._expected_fps = expected_fps
        self._latest: deque[tuple[float, int]] = deque()

    def sign(self, sequence: int, now_s: float) -> Sign | None:
        if self._expected_fps == 0:
            return None
        if self._latest and not 0 <= now_s - self._latest[-1][0] <= GAP_S:
            self._latest.clear()
        self._latest.append((now_s, sequence))
        while now_s - self._latest[0][0] > RATE_SPAN_S:
            self._latest.popleft()
        first_s, first = self._latest[0]
        if now_s - first_s < MIN_RATE_SPAN_S:
            return None
        fps = (sequence - first) / (now_s - first_s)
        if self._expected_fps is None:
            self._expected_fps = fps
        wrong = not SLOW_SHARE * self._expected_fps <= fps <= FAST_SHARE * self._expected_fps
        return Sign(wrong, f"{fps:.3g} frames a second instead of {self._expected_fps:.3g}")


class _Damage:
    """The share of damaged pictures in the last seconds."""

    def __init__(self) -> None:
        self._latest: deque[tuple[float, int, int]] = deque()

    def sign(self, source: SourceFacts, now_s: float) -> Sign | None:
        if self._latest and now_s < self._latest[-1][0]:
            self._latest.clear()
        self._latest.append((now_s, source.pictures, source.damaged))
        while now_s - self._latest[0][0] > DAMAGE_SPAN_S:
            self._latest.popleft()
        _, pictures, damaged = self._latest[0]
        read, broken = source.pictures - pictures, source.damaged - damaged
        share = broken / read if read > 0 else 0.0
        if broken >= MIN_DAMAGED and share >= DAMAGED_SHARE:
            remedy = LEFT_OUT_REMEDY if source.damage == LEFT_OUT else None
            return Sign(is_there=True, detail=f"{share:.0%} of the pictures in 10 s: {source.damage}", remedy=remedy)
        return Sign(is_there=False) if share <= WHOLE_SHARE and read > 0 else None
