"""The tally of a running agent, and the health message made of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge.alarm.alarm import significant
from edge.pipeline import Account
from edge.telemetry.messages import OutboxState

if TYPE_CHECKING:
    from edge.alarm.tracker import AlarmTracker
    from edge.capture.base import Report
    from edge.pipeline import AnalysedFrame
    from edge.telemetry.outbox import Outbox

THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")
# Time without a frame after which the camera is reported as a fault.
STALL_S = 10.0
MIN_LIVE_FRACTION = 0.1


class Tally:
    """Counts what the pipeline does; the pipeline's thread writes, the agent's reads.

    Parameters
    ----------
    now_s : float
        Time of the start, by `time.monotonic()`.

    Attributes
    ----------
    account : Account
        Sums over all frames since the start.
    exposure_s : float or None
        Exposure of the newest frame; None where unknown.

    """

    def __init__(self, now_s: float) -> None:
        self.account = Account()
        self.exposure_s: float | None = None
        self._reported = self.account
        self._reported_s = now_s
        self._started_s = now_s
        self._last_frame_s = now_s

    def add(self, analysed: AnalysedFrame, now_s: float) -> None:
        """Count one analysed frame."""
        self.account = self.account.plus(analysed)
        self.exposure_s = analysed.frame.exposure_s
        self._last_frame_s = now_s

    def health(
        self, tracker: AlarmTracker, outbox: Outbox, report: Report, faults: tuple[str, ...], now_s: float
    ) -> dict[str, object]:
        """Return the fields of a health message; means are over the time since the last call."""
        account = self.account
        span = account.since(self._reported)
        silent_s = now_s - self._last_frame_s
        passed_s = max(now_s - self._reported_s, 1e-3)
        self._reported, self._reported_s = account, now_s
        live_fraction = None if span.live_fraction is None else min(span.live_fraction, 1.0)
        background = tracker.background
        low_hz, high_hz = background.interval_hz()
        if silent_s > STALL_S:
            faults = (f"no frame analysed for {silent_s:.0f} s: check the camera", *faults)
        if live_fraction is not None and live_fraction < MIN_LIVE_FRACTION:
            faults = (f"only {live_fraction:.0%} of the picture can show a hit: check view and light", *faults)
        return {
            "frames": account.analysed,
            "fps": round(span.analysed / passed_s, 3),
            "dropped": report.dropped,
            "damaged": report.damaged,
            "live_fraction": None if live_fraction is None else round(live_fraction, 4),
            "exposure_s": self.exposure_s,
            "live_s_per_s": round(span.live_s / passed_s, 5),
            "stage_ms": {stage: round(spent_ms, 3) for stage, spent_ms in span.mean_ms.items()},
            "hits": account.hits,
            "unclassified": account.unclassified,
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
    """Read the processor's temperature in °C; None where the board does not report it."""
    try:
        return int(zone.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None


def now_s() -> float:
    """Return the time of the agent's clock."""
    return time.monotonic()
