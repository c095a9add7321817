"""Export of an alarm to the Common Alerting Protocol 1.2 of OASIS."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from edge.control_room.export.xml import child, document, time_of

if TYPE_CHECKING:
    from edge.control_room.history_records import AlarmRecord

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
UTC = "-00:00"
"""CAP writes UTC so, and not Z."""
RADIUS_KM = 0.1
MAX_HEADLINE = 160
CAVEAT = (
    "An alarm on the rate of hits in a camera's picture. It says where to measure; it is no dose rate and no proof."
)


def cap_document(alarm: AlarmRecord) -> str:
    """Return an alarm as a CAP 1.2 alert: one that stands is immediate, one that is over is past."""
    box, detail = alarm.box, alarm.detail
    stands = alarm.end in {"stands", "changed"}
    where = box.place or f"{box.site}/{box.device}"
    alert = ET.Element("alert", {"xmlns": NAMESPACE})
    child(alert, "identifier", f"gammabox.{box.site}.{box.device}.{alarm.event_id}")
    child(alert, "sender", f"gammabox.{box.site}.{box.device}")
    child(alert, "sent", time_of(alarm.last_utc, UTC))
    child(alert, "status", "Actual")
    child(alert, "msgType", "Alert")
    child(alert, "scope", "Restricted")
    child(alert, "restriction", f"for the control room of {box.site}")
    child(alert, "note", CAVEAT)
    child(alert, "incidents", detail.id)
    info = child(alert, "info")
    child(info, "language", "en-GB")
    child(info, "category", "CBRNE")
    child(info, "event", "Rate of ionising radiation above background")
    child(info, "responseType", "Assess" if stands else "Monitor")
    child(info, "urgency", "Immediate" if stands else "Past")
    child(info, "severity", "Unknown")
    child(info, "certainty", "Possible" if detail.weakened_by else "Likely")
    child(info, "effective", time_of(alarm.raised_utc, UTC))
    child(info, "onset", time_of(detail.onset_utc, UTC))
    child(info, "senderName", f"Gammabox {box.site}/{box.device}")
    child(info, "headline", f"Radiation alarm at {where}"[:MAX_HEADLINE])
    child(info, "description", _description(alarm))
    if alarm.advice:
        child(info, "instruction", alarm.advice)
    for name, value in _parameters(alarm):
        parameter = child(info, "parameter")
        child(parameter, "valueName", name)
        child(parameter, "value", value)
    area = child(info, "area")
    child(area, "areaDesc", where)
    if box.latitude is not None and box.longitude is not None:
        child(area, "circle", f"{box.latitude:.6f},{box.longitude:.6f} {RADIUS_KM}")
    return document(alert)


def _description(alarm: AlarmRecord) -> str:
    detail = alarm.detail
    least = "at least " * detail.lower_limit
    return (
        f"{least}{detail.rate_hz:.3g} hits per live second against a background of {detail.background_hz:.3g},"
        f" {alarm.significance_sigma:.1f} sigma, maximum {alarm.maximum_hz:.3g}, for {alarm.duration_s:.0f} s;"
        f" {alarm.end}"
    )


def _parameters(alarm: AlarmRecord) -> list[tuple[str, str]]:
    detail = alarm.detail
    taken = [("acknowledged_by", each.person) for each in alarm.acknowledged]
    weak = [("weakened_by", reason) for reason in detail.weakened_by]
    return [
        ("hits", str(detail.hits)),
        ("live_s", f"{detail.live_s:.3f}"),
        ("rate_hz", f"{detail.rate_hz:.4g}"),
        ("maximum_hz", f"{alarm.maximum_hz:.4g}"),
        ("background_hz", f"{detail.background_hz:.4g}"),
        ("significance_sigma", f"{alarm.significance_sigma:.2f}"),
        *weak,
        *taken,
    ]
