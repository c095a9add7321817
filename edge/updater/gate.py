"""The health gate: judges a new release by what worked before it. What did not work before is not asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from edge.updater.heartbeat import Heartbeat

START_S = 90.0
"""Longest time until an agent says anything."""
HUNG_S = 30.0
"""An agent that has said nothing for so long hangs."""
WORKING_S = 180.0
"""Longest time until frames come as before."""
STEADY_S = 20.0
"""They have to come so for this long."""
BROKER_S = 90.0
"""Longest time without a connection while the broker can be reached."""
MIN_SHARE = 0.5
"""Smallest share of the frame rate and of the live fraction before. Light and people change both a little."""
STALE_S = 10.0


@dataclass(frozen=True, slots=True)
class Limits:
    """The times of the gate, in seconds; see the constants of this module."""

    start_s: float = START_S
    hung_s: float = HUNG_S
    working_s: float = WORKING_S
    steady_s: float = STEADY_S
    broker_s: float = BROKER_S


@dataclass(frozen=True, slots=True)
class Baseline:
    """What worked before.

    Attributes
    ----------
    fps : float
        Frames a second; 0 where none came.
    live_fraction : float or None
        None where it was not known.
    needs_broker : bool
        Whether the agent was connected. Where the broker could not be reached, nobody knows, and it has to connect as
        soon as the broker can be.
    broker : (str, int) or None
        Host and port of the broker.

    """

    fps: float = 0.0
    live_fraction: float | None = None
    needs_broker: bool = False
    broker: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What one probe of the agent shows.

    Attributes
    ----------
    now_s : float
        Monotonic time.
    crashed : str or None
        How its process has ended since it was started; None while it runs.
    heartbeat : Heartbeat or None
    reachable : bool
        Whether the broker can be reached from this box, whoever asks.

    """

    now_s: float
    crashed: str | None
    heartbeat: Heartbeat | None
    reachable: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """good: all that worked before works. bad: it does not, for a reason. wait: that is not known yet.

    away: all but the broker works, and the broker cannot be reached, for which no release is to blame.
    """

    word: Literal["good", "bad", "wait", "away"]
    reason: str = ""


def baseline_of(heartbeat: Heartbeat | None, now_s: float, *, reachable: bool) -> Baseline:
    """Return what works now. An agent that says nothing proves nothing, so that nothing is asked but signs of life."""
    if heartbeat is None or not 0 <= now_s - heartbeat.beat_s <= STALE_S:
        return Baseline()
    return Baseline(
        fps=heartbeat.fps if heartbeat.frames else 0.0,
        live_fraction=heartbeat.live_fraction,
        needs_broker=heartbeat.online or not reachable,
        broker=heartbeat.broker,
    )


class Gate:
    """Judges one start of an agent.

    Parameters
    ----------
    baseline : Baseline
    started_s : float
        Monotonic time of the start.
    limits : Limits

    """

    def __init__(self, baseline: Baseline, started_s: float, limits: Limits | None = None) -> None:
        self._baseline = baseline
        self._started_s = self._last_s = started_s
        self._limits = limits or Limits()
        self._steady_since_s: float | None = None
        self._unconnected_s = 0.0

    def judge(self, probe: ProbeResult) -> Verdict:
        """Return the verdict after one more probe. Call it about once a second."""
        limits, passed_s = self._limits, probe.now_s - self._started_s
        since_s, self._last_s = probe.now_s - self._last_s, probe.now_s
        if probe.crashed is not None:
            return Verdict("bad", f"the agent ended by itself ({probe.crashed})")
        heartbeat = probe.heartbeat
        if heartbeat is None or heartbeat.beat_s <= self._started_s:
            late = passed_s > limits.start_s
            return Verdict("bad", f"no sign of life of the agent within {limits.start_s:.0f} s") if late else _WAIT
        silent_s = probe.now_s - heartbeat.beat_s
        if silent_s > limits.hung_s:
            return Verdict("bad", f"the agent hangs: no sign of life for {silent_s:.0f} s")
        missing = self._missing(heartbeat)
        if missing is not None:
            self._steady_since_s = None
            late = passed_s > limits.working_s
            return Verdict("bad", f"{missing}, {limits.working_s:.0f} s after its start") if late else _WAIT
        if self._steady_since_s is None:
            self._steady_since_s = heartbeat.beat_s
        if heartbeat.beat_s - self._steady_since_s < limits.steady_s:
            return _WAIT
        return self._judge_broker(heartbeat, since_s, reachable=probe.reachable)

    def _missing(self, heartbeat: Heartbeat) -> str | None:
        """Return what worked before and does not now; None where all works."""
        before = self._baseline
        reason = f" ({'; '.join(heartbeat.faults)})" if heartbeat.faults else ""
        if before.fps and not (heartbeat.frames and heartbeat.fps):
            return f"no frames, which came before{reason}"
        if heartbeat.fps < MIN_SHARE * before.fps:
            return f"{heartbeat.fps:.1f} frames a second, and {before.fps:.1f} before{reason}"
        if before.live_fraction is not None and (heartbeat.live_fraction or 0) < MIN_SHARE * before.live_fraction:
            return (
                f"a live fraction of {heartbeat.live_fraction or 0:.0%}, and {before.live_fraction:.0%} before{reason}"
            )
        return None

    def _judge_broker(self, heartbeat: Heartbeat, since_s: float, *, reachable: bool) -> Verdict:
        if heartbeat.online or not self._baseline.needs_broker:
            return Verdict("good")
        if not reachable:
            return Verdict("away")
        self._unconnected_s += since_s
        if self._unconnected_s <= self._limits.broker_s:
            return _WAIT
        host, port = heartbeat.broker
        return Verdict(
            "bad", f"no connection for {self._limits.broker_s:.0f} s to broker {host}:{port}, which can be reached"
        )


_WAIT = Verdict("wait")
