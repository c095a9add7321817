"""Decides on the number and the time of each frame of a recording, from the time stamps of its container.

Recorders leave frames out, count at another rate than that of the camera, change the rate, pause, and write times that
are late or in bunches. So a stamp is judged by those before it and by some after it, which are read ahead.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean, median_low
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Packet = TypeVar("Packet")

BEHIND = 32
AHEAD = 16
LATE = 1.5  # of the usual interval; a frame is missing between two that lie further apart
EARLY = 0.5
NEAR = 6  # intervals on each side that decide the rate around a frame
MIN_PERIOD_S = 5e-4  # frames that follow faster are stamped in bunches
ROUNDING_S = 1e-6
STAMP_UNIT_S = 1.5e-3  # Matroska rounds times to milliseconds
LONGEST_LOSS_S = 10.0
"""A longer silence is a pause of the recorder."""
LONGEST_PAUSE_S = 86_400.0  # a stamp that lies further ahead is no time
RESET_S = 0.5
"""Stamps that go back further begin anew: two recordings were joined."""
MIN_SKIPS = 3
"""Empty places at even distances, from which they count as the recorder's rate and not as lost frames."""
BUNCHED = 0.25
"""Of the mean interval: a usual interval below it means that frames were stamped in bunches, as they arrived."""
BUNCH_LOSS_S = 2.0


@dataclass(frozen=True, slots=True)
class Place(Generic[Packet]):
    """A frame in its recording.

    Attributes
    ----------
    packet : Packet
        What was read with the time stamp.
    sequence : int
        Number from 0. Frames that are missing have one, too.
    position_s : float
        Time since the first frame in seconds. It always rises.
    period_s : float
        Usual time from frame to frame around this one.
    missing : int
        Frames that are missing directly before this one.
    pause_s : float
        Length of the pause before this frame, 0 where the recorder did not pause.
    is_joined : bool
        Whether the stamps begin anew here.

    """

    packet: Packet = field(repr=False)
    sequence: int
    position_s: float
    period_s: float
    missing: int = 0
    pause_s: float = 0.0
    is_joined: bool = False


def placed(
    packets: Iterable[tuple[float, Packet]], rate: float, *, numbered: bool = False, ahead: int = AHEAD
) -> Iterator[Place[Packet]]:
    """Yield the frames with their number and time.

    Parameters
    ----------
    packets : iterable of (float, Packet)
        Time stamp in seconds, and what belongs to it.
    rate : float
        Frames a second that the container declares.
    numbered : bool
        Whether stamps are places counted at that rate, as in an AVI, where lost frames are empty chunks. Places that
        are empty at even distances are then the rate of the recorder. Elsewhere stamps are measured times.
    ahead : int
        Frames that are read ahead.

    Examples
    --------
    Ten frames a second, of which two are missing; then five a second:

    >>> stamps = [0.0, 0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.4, 1.6]
    >>> [place.sequence for place in placed([(stamp, None) for stamp in stamps], 10.0)]
    [0, 1, 2, 5, 6, 7, 8, 9, 10, 11, 12]

    """
    line = _Line(rate, numbered=numbered)
    waiting: deque[tuple[float, Packet]] = deque()
    for stamp_s, packet in packets:
        waiting.append((stamp_s, packet))
        # A frame that comes when it should needs no look ahead, which costs memory.
        while waiting and (len(waiting) > ahead or line.expects(waiting[0][0])):
            yield line.place(*waiting.popleft(), [stamp for stamp, _ in waiting])
    while waiting:
        yield line.place(*waiting.popleft(), [stamp for stamp, _ in waiting])


class _Line:
    """The frames placed so far."""

    def __init__(self, rate: float, *, numbered: bool) -> None:
        self._rate = rate
        self._numbered = numbered
        self._behind: deque[float] = deque(maxlen=BEHIND)  # intervals
        self._origin_s: float | None = None
        self._stamp_s = 0.0
        self._position_s = 0.0
        self._sequence = -1
        self._is_even = True

    def expects(self, stamp_s: float) -> bool:
        """Return whether a stamp is that of the next frame at the declared rate, as all were up to here."""
        begun = self._origin_s is not None and self._is_even
        return begun and abs(stamp_s - self._stamp_s - 1 / self._rate) < STAMP_UNIT_S

    def place(self, stamp_s: float, packet: Packet, following: Sequence[float]) -> Place[Packet]:
        if self._origin_s is None:
            return self._first(stamp_s, packet, following)
        interval_s = stamp_s - self._stamp_s
        period_s, missing = 1 / self._rate, 0
        if not self.expects(stamp_s):
            after = _intervals([stamp_s, *following])
            jumps_back = bool(following) and following[0] < stamp_s - RESET_S
            if not -RESET_S < interval_s <= LONGEST_PAUSE_S or (interval_s > RESET_S and jumps_back):
                return self._joined(stamp_s, packet, after)
            period_s = self._period(after, interval_s)
            missing = self._missing(interval_s, after, period_s)
        pause_s = interval_s if missing and interval_s > LONGEST_LOSS_S else 0.0
        self._sequence += 1 + missing
        self._stamp_s = stamp_s
        if interval_s > 0:
            self._behind.append(interval_s)
        position_s = stamp_s - self._origin_s
        even_s = self._sequence / self._rate
        self._is_even &= abs(position_s - even_s) < STAMP_UNIT_S
        if self._is_even:  # measured times are rounded, and these are those of the declared rate
            position_s, period_s = even_s, 1 / self._rate
        elif position_s <= self._position_s:
            position_s = self._position_s + max(min(period_s, 1 / self._rate) * EARLY, ROUNDING_S)
        self._position_s = position_s
        return Place(packet, self._sequence, position_s, period_s, 0 if pause_s else missing, pause_s)

    def _first(self, stamp_s: float, packet: Packet, following: Sequence[float]) -> Place[Packet]:
        period_s = self._period(_intervals([stamp_s, *following]))
        left_out = round(stamp_s / period_s) if self._numbered and 0 < stamp_s <= LONGEST_LOSS_S else 0
        self._sequence = left_out
        self._stamp_s, self._position_s = stamp_s, left_out * period_s
        self._origin_s = stamp_s - self._position_s
        return Place(packet, left_out, self._position_s, period_s, left_out)

    def _joined(self, stamp_s: float, packet: Packet, after: Sequence[float]) -> Place[Packet]:
        """Place a frame whose stamp says nothing: a period after the one before, with a gap in the numbers."""
        period_s = self._period(after)
        self._sequence += 2
        self._position_s += min(max(2 * period_s, ROUNDING_S), LONGEST_PAUSE_S)
        self._origin_s = stamp_s - self._position_s
        self._stamp_s = stamp_s
        self._is_even = False
        return Place(packet, self._sequence, self._position_s, period_s, is_joined=True)

    def _period(self, after: Sequence[float], *interval_s: float) -> float:
        """Return the usual interval around a frame: that of the frames before, or after where it changes."""
        if self._numbered and self._skips_are_even([*interval_s, *after]):
            return fmean([*self._behind, *interval_s, *after])
        before_s, after_s = self._usual_before(after), _usual(after[:NEAR])
        if before_s is None or after_s is None:
            return before_s or after_s or 1 / self._rate  # at the end and at the beginning
        near_s = median_low([*list(self._behind)[-NEAR // 2 :], *after[: NEAR // 2]])
        period_s = before_s if abs(before_s - near_s) <= abs(after_s - near_s) else after_s
        return _mean_of_like([*self._behind, *after], period_s)

    def _usual_before(self, after: Sequence[float]) -> float | None:
        return _usual(list(self._behind)[-NEAR if after else -NEAR // 2 :])

    def _missing(self, interval_s: float, after: Sequence[float], period_s: float) -> int:
        longest_s = max(period_s, self._usual_before(after) or 0.0, _usual(after[:NEAR]) or 0.0)
        if interval_s <= LATE * longest_s + ROUNDING_S:
            return 0
        everything = [interval for interval in [*self._behind, interval_s, *after] if interval < BUNCH_LOSS_S]
        if not self._numbered and everything and _are_bunched(everything):
            return max(round(interval_s / fmean(everything)) - 1, 1) if interval_s > BUNCH_LOSS_S else 0
        if self._numbered and self._skips_are_even([interval_s, *after]):
            return 0
        missing = round(interval_s / longest_s) - 1
        return missing - min(_caught_up(after, longest_s), missing)

    def _skips_are_even(self, after: Sequence[float]) -> bool:
        """Return whether places stay empty at even distances, as where a camera of 25 frames a second counts 30."""
        places = [round(interval_s * self._rate) for interval_s in [*self._behind, *after]]
        usual = min(places, default=0)
        skips = [number for number, place in enumerate(places) if place > usual]
        distances = [later - earlier for earlier, later in pairwise(skips)]
        return (
            len(skips) >= MIN_SKIPS
            and max(distances) - min(distances) <= 1
            and all(place - usual in {0, 1} for place in places)
            and max(skips[0], len(places) - 1 - skips[-1]) <= max(distances)
        )


def _intervals(stamps: Sequence[float]) -> list[float]:
    """Return the intervals between stamps that rise, up to where they do not."""
    intervals = []
    for earlier, later in pairwise(stamps):
        if not 0 <= later - earlier <= LONGEST_PAUSE_S:
            break
        intervals.append(later - earlier)
    return intervals


def _usual(intervals: Iterable[float]) -> float | None:
    """Return the mean of those intervals that are like most of them; None where there are none."""
    rising = [interval for interval in intervals if interval > MIN_PERIOD_S]
    if not rising:
        return None
    return _mean_of_like(rising, median_low(rising))


def _mean_of_like(intervals: Iterable[float], usual_s: float) -> float:
    like = [interval for interval in intervals if EARLY * usual_s <= interval <= LATE * usual_s]
    return fmean(like) if like else usual_s


def _are_bunched(intervals: Sequence[float]) -> bool:
    long = [interval for interval in intervals if interval > LATE * (_usual(intervals) or 0.0)]
    return median_low(intervals) < BUNCHED * fmean(intervals) and len(long) >= max(MIN_SKIPS, len(intervals) // 10)


def _caught_up(after: Sequence[float], period_s: float) -> int:
    """Return by how many periods the next frames come early: then the frame before them was late, and none is lost."""
    early_s = 0.0
    for interval_s in after[:4]:
        if interval_s > LATE * period_s:
            break
        early_s += period_s - interval_s
    return max(round(early_s / period_s), 0)
