"""The tally of a running agent, and the health message made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.pipeline import Account
from edge.telemetry.details import recent_rates
from edge.telemetry.messages import OutboxState
from edge.text import significant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.alarm.condition import Situation
    from edge.capture.report import Report
    from edge.pipeline import AnalysedFrame
    from edge.telemetry.outbox import Outbox

THERMAL_ZONE = Path("/sys/class/thermal/thermal_zone0/temp")
# Time without a frame after which the camera is reported as a fault.
STALL_S = 10.0
MIN_LIVE_FRACTION = 0.1
VIEW_FRAMES = 25
"""Fewer frames say too little of the view: somebody may walk past."""
MAX_FAULTS = 20
MAX_LETTERS = 400
NO_FRAME = "the camera has delivered no frame yet"


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
        self._view: float | None = None
        self._reported = self.account
        self._reported_s = now_s
        self._started_s = now_s
        self._last_frame_s = now_s

    def add(self, analysed: AnalysedFrame, now_s: float) -> None:
        """Count one analysed frame."""
        self.account = self.account.plus(analysed)
        self.exposure_s = analysed.frame.exposure_s
        self._last_frame_s = now_s

    @property
    def live_fraction(self) -> float | None:
        """Mean since the last health message; None without a frame since then."""
        fraction = self.account.since(self._reported).live_fraction
        return None if fraction is None else min(fraction, 1.0)

    def faults(self, now_s: float) -> dict[str, str]:
        """Return what is wrong with the frames, a sentence by name."""
        found = {}
        silent_s = now_s - self._last_frame_s
        if silent_s > STALL_S:
            found["frames"] = f"no frame analysed for {silent_s:.0f} s: check the camera"
        if self.account.analysed - self._reported.analysed >= VIEW_FRAMES:
            self._view = self.live_fraction
        if self._view is not None and self._view < MIN_LIVE_FRACTION:
            found["view"] = f"only {self._view:.0%} of the picture can show a hit: check view and light"
        return found

    def health(
        self, situation: Situation | None, outbox: Outbox, report: Report, faults: Mapping[str, str], now_s: float
    ) -> dict[str, object]:
        """Return the fields of a health message; means are over the time since the last call.

        Parameters
        ----------
        situation : Situation or None
            None before the first frame.
        outbox : Outbox
        report : Report
        faults : mapping of str to str
            Those that stand, a sentence by name.
        now_s : float

        """
        account, live_fraction = self.account, self.live_fraction
        span = account.since(self._reported)
        passed_s = max(now_s - self._reported_s, 1e-3)
        self._reported, self._reported_s = account, now_s
        return {
            "frames": account.analysed,
            "delivered": report.delivered + report.damaged + report.dropped,
            "not_analysed": max(report.delivered - report.repeated - account.analysed, 0),
            "repeated": report.repeated,
            "fps": round(span.analysed / passed_s, 3),
            "dropped": report.dropped,
            "damaged": report.damaged,
            "live_fraction": None if live_fraction is None else round(live_fraction, 4),
            "exposure_s": self.exposure_s,
            "live_s_per_s": round(span.live_s / passed_s, 5),
            "stage_ms": {stage: round(spent_ms, 3) for stage, spent_ms in span.mean_ms.items()},
            "hits": account.hits,
            "unclassified": account.unclassified,
            **_situation_fields(situation),
            "temperature_c": temperature_c(),
            "uptime_s": round(now_s - self._started_s, 1),
            "outbox": OutboxState(depth=outbox.depth, dropped=outbox.dropped),
            "faults": bounded(tuple(faults.values())),
        }


def _situation_fields(situation: Situation | None) -> dict[str, object]:
    if situation is None:
        return {
            "background_hz": None,
            "background_interval_hz": None,
            "background_learnt": False,
            "condition": "learning",
            "reasons": (NO_FRAME,),
            "alarm_stands": False,
        }
    low_hz, high_hz = situation.background.interval_hz()
    return {
        "background_hz": significant(situation.background.mean_hz),
        "background_interval_hz": (significant(low_hz), significant(high_hz)),
        "background_learnt": situation.background_learnt,
        "condition": situation.condition,
        "reasons": situation.reasons,
        "recent": recent_rates(situation.recent),
        "overload": situation.overload,
        "nuisances": situation.nuisances,
        "alarm_stands": situation.alarm_stands,
    }


def bounded(sentences: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first sentences, cut short, so that no fault makes a message too large for a broker."""
    kept = tuple(sentence if len(sentence) <= MAX_LETTERS else f"{sentence[:MAX_LETTERS]}…" for sentence in sentences)
    if len(kept) <= MAX_FAULTS:
        return kept
    return (*kept[:MAX_FAULTS], f"and {len(kept) - MAX_FAULTS} more")


def temperature_c(zone: Path = THERMAL_ZONE) -> float | None:
    """Read the processor's temperature in °C; None where the board does not report it."""
    try:
        return int(zone.read_text(encoding="ascii")) / 1000
    except (OSError, ValueError):
        return None
