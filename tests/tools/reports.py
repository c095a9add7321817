"""What a box reports that works well."""

from datetime import datetime, timezone

from edge.telemetry.messages import Camera, Model, OutboxState

NOW = datetime(2026, 5, 1, tzinfo=timezone.utc)
STAMP = {"event_id": "b-1", "boot_id": "b", "seq": 1, "utc": NOW, "site": "docks", "device": "gate-1"}
GOOD_INFO = {
    "software": "0",
    "release": "7",
    "model": Model(name="net", sha256="m" * 64, runtime="LiteRT"),
    "camera": Camera(kind="MJPG", width=1920, height=1080, fps=30),
    "false_alarms_per_1000_h": 1,
    "started_utc": NOW,
    "certificate_sha256": "a" * 64,
}
GOOD_HEALTH = {
    **dict.fromkeys(("frames", "delivered", "hits", "uptime_s"), 300),
    **dict.fromkeys(("not_analysed", "repeated", "dropped", "damaged", "unclassified"), 0),
    **dict.fromkeys(("background_hz", "background_interval_hz", "temperature_c"), None),
    "fps": 29.7,
    "live_fraction": 0.93,
    "exposure_s": 0.0201,
    "live_s_per_s": 0.5,
    "stage_ms": {},
    "background_learnt": False,
    "condition": "learning",
    "alarm_stands": False,
    "outbox": OutboxState(depth=0, dropped=0),
}
