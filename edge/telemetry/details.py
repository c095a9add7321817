"""Hits, alarms, rates and modes of the camera as parts of messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.telemetry.dose_rate import equivalent
from edge.telemetry.messages import MAX_EVIDENCE, AlarmDetail, Camera, HitDetail, Position, Recent
from edge.text import significant

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.alarm.alarm import Alarm
    from edge.alarm.recent_rate import RecentRate
    from edge.capture.base import Mode
    from edge.config.position import PositionSettings
    from edge.detect.hit import Hit


def alarm_detail(alarm: Alarm, evidence: tuple[str, ...]) -> AlarmDetail:
    """Return the numbers of an alarm for a message."""
    return AlarmDetail(
        id=alarm.id,
        raised_utc=alarm.raised_utc,
        onset_utc=alarm.onset_utc,
        significance_sigma=round(alarm.significance_sigma, 2),
        hits=alarm.hits,
        live_s=round(alarm.live_s, 3),
        rate_hz=significant(alarm.rate_hz),
        rate_interval_hz=_interval(alarm.rate_interval_hz),
        background_hz=significant(alarm.background_hz),
        background_interval_hz=_interval(alarm.background_interval_hz),
        false_alarms_per_1000_h=alarm.false_alarms_per_1000_h,
        recent=recent_rates(alarm.recent),
        maximum_hz=significant(alarm.maximum_hz),
        duration_s=round(alarm.duration_s, 3),
        lower_limit=alarm.lower_limit,
        overload=alarm.overload,
        evidence=evidence[-MAX_EVIDENCE:],
        doubts=alarm.doubts,
        equivalent=equivalent(alarm.rate_hz, alarm.rate_interval_hz, alarm.background_hz, alarm.background_interval_hz),
        weakened_by=alarm.weakened_by,
    )


def camera_of(mode: Mode | None, exposure_s: float | None) -> Camera:
    """Return the mode of a source for a message; None where nothing is open."""
    if mode is None:
        return Camera(kind="unknown", exposure_s=exposure_s)
    return Camera(kind=mode.codec, width=mode.width, height=mode.height, fps=mode.fps, exposure_s=exposure_s)


def position_of(settings: PositionSettings | None) -> Position | None:
    """Return where a box hangs for a message; None where that is unknown."""
    return None if settings is None else Position(latitude=settings.latitude, longitude=settings.longitude)


def recent_rates(recent: Sequence[RecentRate]) -> tuple[Recent, ...]:
    """Return rates of the last seconds for a message."""
    return tuple(Recent.model_validate(rate.as_dict()) for rate in recent)


def _interval(interval_hz: tuple[float, float]) -> tuple[float, float]:
    low, high = interval_hz
    return significant(low), significant(high)


def hit_detail(hit: Hit) -> HitDetail:
    """Return a hit for a message."""
    return HitDetail(
        x=hit.x,
        y=hit.y,
        score=round(hit.score, 4),
        added_dn=round(hit.added_dn, 1),
        pixels=hit.pixels,
        live=hit.live,
        nuisance=hit.nuisance,
    )
