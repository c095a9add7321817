"""The account of a running agent, and the health message made of it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from edge.alarm.alarm import significant
from edge.telemetry.messages import OutboxState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.alarm.live_time import Observation
    from edge.alarm.tracker import AlarmTracker
    from edge.capture.base import Report
    from edge.telemetry.outbox import Outbox

THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")
# Without a frame for this long the camera is a fault to report.
STALL_S = 10.0
MIN_LIVE_FRACTION = 0.1


@dataclass
class _Span:
    """What adds up between two health messages."""

    since_s: float
    frames: int = 0
    live_fraction: float = 0.0
    live_s: float = 0.0
    stage_ms: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class Tally:
    """Counts what the pipeline does; the pipeline's thread writes, the agent's reads.

    Parameters
    ----------
    now_s : float
        `time.monotonic()` at the start.

    """

    def __init__(self, now_s: float) -> None:
        self._lock = threading.Lock()
        self._started_s = now_s
        self._last_frame_s = now_s
        self._span = _Span(now_s)
        self.frames = 0
        self.hits = 0
        self.alarms = 0
        self.unclassified = 0
        self.exposure_s: float | None = None

    def add(
        self, seen: Observation, hits: int, exposure_s: float | None, stage_ms: Mapping[str, float], now_s: float
    ) -> None:
        """Take in one analysed frame."""
        with self._lock:
            self.frames += 1
            self.hits += hits
            self.unclassified += seen.unclassified
            self.exposure_s = exposure_s
            self._last_frame_s = now_s
            self._span.frames += 1
            self._span.live_fraction += seen.live_fraction
            self._span.live_s += seen.live_s
            for stage, spent in stage_ms.items():
                self._span.stage_ms[stage] += spent

    def health(
        self, tracker: AlarmTracker, outbox: Outbox, report: Report, faults: tuple[str, ...], now_s: float
    ) -> dict[str, object]:
        """Give the fields of a health message and begin the next span."""
        with self._lock:
            span, self._span = self._span, _Span(now_s)
            silent_s = now_s - self._last_frame_s
            passed_s = max(now_s - span.since_s, 1e-3)
            live_fraction = min(span.live_fraction / span.frames, 1.0) if span.frames else None
            background = tracker.background
            low_hz, high_hz = background.interval_hz()
            if silent_s > STALL_S:
                faults = (f"no frame analysed for {silent_s:.0f} s: check the camera", *faults)
            if live_fraction is not None and live_fraction < MIN_LIVE_FRACTION:
                faults = (f"only {live_fraction:.0%} of the picture can show a hit: check view and light", *faults)
            return {
                "frames": self.frames,
                "fps": round(span.frames / passed_s, 3),
                "dropped": report.dropped,
                "damaged": report.damaged,
                "live_fraction": None if live_fraction is None else round(live_fraction, 4),
                "exposure_s": self.exposure_s,
                "live_s_per_s": round(span.live_s / passed_s, 5),
                "stage_ms": {stage: round(total / span.frames, 3) for stage, total in span.stage_ms.items()},
                "hits": self.hits,
                "unclassified": self.unclassified,
                "background_hz": significant(background.mean_hz),
                "background_interval_hz": (significant(low_hz), significant(high_hz)),
                "background_learnt": tracker.learnt,
                "alarm_stands": tracker.stands,
                "temperature_c": temperature_c(),
                "uptime_s": round(now_s - self._started_s, 1),
                "outbox": OutboxState(depth=outbox.depth, dropped=outbox.dropped),
                "faults": faults,
            }


def temperature_c(zone: Path = THERMAL_ZONE) -> float | None:
    """Read the processor's temperature in °C; None where the board does not tell."""
    try:
        return int(zone.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None


def now_s() -> float:
    """Give the agent's clock."""
    return time.monotonic()
