"""Messages of boxes for tests of the control room, made by the product's models."""

from datetime import datetime, timedelta, timezone

from edge.telemetry.acknowledgements import Acknowledgement
from edge.telemetry.messages import (
    AlarmDetail,
    AlarmMessage,
    Camera,
    Health,
    Info,
    Model,
    OutboxState,
    Position,
    Recent,
    Stamp,
    Status,
    encode,
)

NOW = datetime(2026, 11, 30, 2, 0, tzinfo=timezone.utc)


class Sender:
    """A box that says what a test wants, at times of the test's choice."""

    def __init__(self, device="gate-1", site="docks", boot_id="b0071d", now=NOW):
        self.site, self.device, self.now = site, device, now
        self.stamp = Stamp(site, device, boot_id)

    def topic(self, kind):
        return f"gammabox/{self.site}/{self.device}/{kind}"

    def at(self, second):
        return self.now + timedelta(seconds=second)

    def alarm(self, state="raised", second=0.0, number=1, *, rate_hz=8.0, by=None, earlier=(), **fields):
        """Return an alarm message; with `by`, acknowledged by this person 5 s before, and by `earlier` ones."""
        detail = None
        if state not in {"learning", "none"}:
            detail = AlarmDetail(
                id=f"{self.device}-{self.stamp.boot_id}-{number}",
                raised_utc=self.at(0),
                onset_utc=self.at(-2),
                significance_sigma=6.5,
                hits=13,
                live_s=1.25,
                rate_hz=rate_hz,
                rate_interval_hz=(rate_hz / 2, rate_hz * 2),
                background_hz=0.03,
                background_interval_hz=(0.0, 0.75),
                false_alarms_per_1000_h=1.0,
                recent=(Recent(window_s=10, rate_hz=rate_hz, interval_hz=(rate_hz / 2, rate_hz * 2)),),
                maximum_hz=rate_hz,
                duration_s=second + 2.0,
                lower_limit=False,
                overload=None,
                evidence=(),
                doubts=(),
                weakened_by=("bright ground",),
            )
        taken = by and Acknowledgement(by=by, utc=self.at(second - 5), reason="patrol sent", earlier=earlier)
        return self.stamp.make(
            AlarmMessage,
            self.at(second),
            state="cleared" if state == "none" else state,
            alarm=detail,
            acknowledged=taken,
            **fields,
        )

    def health(self, second=0.0, faults=(), rate_hz=0.03, **fields):
        given = {
            "frames": 100,
            "delivered": 100,
            "not_analysed": 0,
            "fps": 25.0,
            "repeated": 0,
            "dropped": 0,
            "damaged": 0,
            "live_fraction": 0.9,
            "live_s_per_s": 0.5,
            "stage_ms": {"decode": 1.0},
            "hits": 3,
            "unclassified": 0,
            "background_hz": 0.03,
            "background_interval_hz": (0.0, 0.75),
            "background_learnt": True,
            "condition": "clear",
            "recent": (Recent(window_s=60, rate_hz=rate_hz, interval_hz=(0.0, 1.0)),),
            "alarm_stands": False,
            "temperature_c": 50.0,
            "uptime_s": 10.0,
            "outbox": OutboxState(depth=0, dropped=0),
            "faults": faults,
        }
        return self.stamp.make(Health, self.at(second), **{**given, **fields})

    def status(self, state="online", reason="connected", second=0.0):
        return self.stamp.make(Status, self.at(second), state=state, reason=reason)

    def info(self, second=0.0, place="north gate", position=(52.5, 13.4)):
        return self.stamp.make(
            Info,
            self.at(second),
            software="0.1.0",
            place=place,
            position=position and Position(latitude=position[0], longitude=position[1]),
            model=Model(name="alexnet_edge", sha256="0" * 64, runtime="litert"),
            camera=Camera(kind="MJPG", width=1920, height=1080, fps=30.0),
            false_alarms_per_1000_h=1.0,
            started_utc=self.at(second),
        )


def kind_of(message):
    return {AlarmMessage: "alarm", Health: "health", Status: "status", Info: "info"}[type(message)]


def payload_of(message):
    return encode(message)
