"""Export of alarms to ANSI N42.42-2012, the data format of radiation instruments: a document for each box."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from edge import __version__
from edge.control_room.export.xml import child, document, duration_of, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from edge.control_room.history_records import AlarmRecord, BoxRecord

NAMESPACE = "http://physics.nist.gov/N42/2011/N42"
INSTRUMENT, DETECTOR = "instrument", "camera"
CAVEAT = (
    "Counts are hits that a camera without cover sees in its picture, counts per second are hits per live second. They"
    " are no dose rate, and their kind of radiation is not known."
)


def n42_document(box: BoxRecord, alarms: Sequence[AlarmRecord], now: datetime) -> str:
    """Return the alarms of a box as an N42.42 document; the same alarms have the same document id."""
    name = f"{box.site}/{box.device}"
    content = "".join(alarm.event_id for alarm in alarms)
    root = ET.Element(
        "RadInstrumentData",
        {
            "xmlns": NAMESPACE,
            "n42DocUUID": str(uuid.uuid5(uuid.NAMESPACE_URL, f"gammabox/{name}/{content}")),
            "n42DocDateTime": time_of(now),
        },
    )
    child(root, "RadInstrumentDataCreatorName", f"Gammabox {__version__}")
    _instrument(root, box, name)
    for number, alarm in enumerate(alarms, start=1):
        _measurement(root, box, alarm, f"alarm-{number}")
    for number, alarm in enumerate(alarms, start=1):
        _analysis(root, alarm, f"alarm-{number}")
    return document(root)


def _instrument(root: ET.Element, box: BoxRecord, name: str) -> None:
    instrument = child(root, "RadInstrumentInformation", id=INSTRUMENT)
    child(instrument, "RadInstrumentManufacturerName", "Gammabox")
    child(instrument, "RadInstrumentIdentifier", name)
    child(instrument, "RadInstrumentModelName", "Gammabox camera box")
    child(instrument, "RadInstrumentDescription", CAVEAT)
    child(instrument, "RadInstrumentClassCode", "Network Area Monitor")
    for part, version in (("Software", box.software or __version__), ("Model", box.model or "unknown")):
        component = child(instrument, "RadInstrumentVersion")
        child(component, "RadInstrumentComponentName", part)
        child(component, "RadInstrumentComponentVersion", version)
    detector = child(root, "RadDetectorInformation", id=DETECTOR)
    child(detector, "RadDetectorName", box.camera or "camera")
    child(detector, "RadDetectorCategoryCode", "Gamma")
    child(detector, "RadDetectorKindCode", "Other")
    child(detector, "RadDetectorDescription", "CMOS image sensor without a cover")


def _measurement(root: ET.Element, box: BoxRecord, alarm: AlarmRecord, name: str) -> None:
    measurement = child(root, "RadMeasurement", id=name)
    child(measurement, "MeasurementClassCode", "Foreground")
    child(measurement, "StartDateTime", time_of(alarm.detail.onset_utc))
    child(measurement, "RealTimeDuration", duration_of(alarm.duration_s))
    counts = child(measurement, "GrossCounts", id=f"{name}-counts", radDetectorInformationReference=DETECTOR)
    child(counts, "LiveTimeDuration", duration_of(alarm.detail.live_s))
    child(counts, "CountData", float(alarm.detail.hits))
    state = child(measurement, "RadInstrumentState", radInstrumentInformationReference=INSTRUMENT)
    vector = child(state, "StateVector")
    if box.latitude is not None and box.longitude is not None:
        point = child(vector, "GeographicPoint")
        child(point, "LatitudeValue", box.latitude)
        child(point, "LongitudeValue", box.longitude)
    else:
        child(vector, "LocationDescription", box.place or f"{box.site}/{box.device}")


def _analysis(root: ET.Element, alarm: AlarmRecord, name: str) -> None:
    detail = alarm.detail
    analysis = child(root, "AnalysisResults", radMeasurementReferences=name)
    child(analysis, "AnalysisAlgorithmName", "Gammabox alarm on the rate of hits")
    child(analysis, "AnalysisResultStatusCode", "Success")
    weak = f"; weakened by: {'; '.join(detail.weakened_by)}" if detail.weakened_by else ""
    least = "at least " * detail.lower_limit
    child(
        analysis,
        "AnalysisResultDescription",
        f"{detail.id}: {alarm.significance_sigma:.1f} sigma above background, {least}{detail.rate_hz:.3g} hits per live"
        f" second, {alarm.end}{weak}",
    )
    raised = child(analysis, "RadAlarm", radDetectorInformationReferences=DETECTOR)
    child(raised, "RadAlarmDateTime", time_of(alarm.raised_utc))
    child(raised, "RadAlarmCategoryCode", "Gamma")
    counts = child(analysis, "GrossCountAnalysisResults")
    child(counts, "AverageCountRateValue", detail.rate_hz)
    child(counts, "MaximumCountRateValue", max(alarm.maximum_hz, detail.rate_hz))
    child(counts, "TotalCountsValue", float(detail.hits))
    child(counts, "BackgroundCountRateValue", detail.background_hz)
