"""The view of a control room without a terminal or a broker: news from a list, the screen as text."""

import asyncio
from datetime import datetime, timedelta, timezone

from edge.control_room.subscriber import arrival_of
from edge.control_room.watch.app import WatchApp
from edge.control_room.watch.feed import News
from edge.telemetry.messages import AlarmDetail, AlarmMessage, Health, Info, Recent, Stamp, Status, encode
from edge.telemetry.topics import Topic

NOW = datetime(2026, 1, 2, 23, 4, 5, tzinfo=timezone.utc)
ZONE = timezone(timedelta(hours=1), "CET")


class ListFeed:
    """A feed that a test fills."""

    def __init__(self):
        self.arrivals, self.answers, self.sent, self.connected = [], [], [], True
        self.refusal = None

    def take(self):
        news = News(tuple(self.arrivals), tuple(self.answers), self.connected, self.refusal)
        self.arrivals, self.answers = [], []
        return news

    def send(self, topic, command):
        self.sent.append((topic, command))

    def add(self, kind, message, at=NOW):
        topic = Topic(message.site, message.device, kind)
        self.arrivals.append((at, arrival_of(topic, encode(message), retained=False)))


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


def detail(device, **changes):
    fields = {
        "id": f"{device}-1", "raised_utc": NOW - timedelta(seconds=75), "onset_utc": NOW - timedelta(seconds=78),
        "significance_sigma": 6.5, "hits": 90, "live_s": 20.0, "rate_hz": 4.5, "rate_interval_hz": (2.0, 8.0),
        "background_hz": 0.2, "background_interval_hz": (0.1, 0.3), "false_alarms_per_1000_h": 1.0,
        "recent": (Recent(window_s=10, rate_hz=5.25, interval_hz=(3.0, 8.0)),), "maximum_hz": 7.0, "duration_s": 78.0,
        "lower_limit": False, "overload": None, "evidence": (), "doubts": (), "weakened_by": (),
    }  # fmt: skip
    return AlarmDetail.model_validate(fields | changes)


def health(stamp, **changes):
    rate_hz = changes.pop("rate_hz", 0.2)
    fields = {
        "frames": 9, "fps": 29.97, "dropped": 0, "damaged": 0, "live_fraction": 0.97, "exposure_s": None,
        "live_s_per_s": 0.5, "stage_ms": {}, "hits": 1, "unclassified": 0, "background_hz": 0.2,
        "background_interval_hz": (0.0, 1.0), "background_learnt": True, "alarm_stands": False, "condition": "clear",
        "delivered": 9, "not_analysed": 0, "repeated": 0, "temperature_c": 51.0, "uptime_s": 1.0,
        "outbox": {"depth": 0, "dropped": 0}, "faults": (),
        "recent": (Recent(window_s=10, rate_hz=rate_hz, interval_hz=(0.0, 9.0)),),
    }  # fmt: skip
    return stamp.make(Health, NOW, **(fields | changes))


def box(feed, device, *, place=None, alarm="cleared", faults=(), status="online", site="docks", **fields):
    """Add the messages of a box: what it hangs at, and what it says."""
    stamp = Stamp(site, device, "b1")
    reason = {"online": "connected", "stopped": "stopped", "lost": "lost"}[status]
    camera, model = {"kind": "MJPG"}, {"name": "m", "sha256": "0", "runtime": "r"}
    feed.add("info", stamp.make(
        Info, NOW, software="1", place=place, model=model, camera=camera, false_alarms_per_1000_h=1.0, started_utc=NOW
    ))  # fmt: skip
    for rate_hz in fields.pop("rates", (0.2,)):
        feed.add("health", health(stamp, faults=faults, rate_hz=rate_hz))
    stands = alarm not in {"cleared", "learning"}
    changes = fields.pop("detail", {})
    feed.add("alarm", stamp.make(
        AlarmMessage, NOW, state=alarm, place=place, alarm=detail(device, **changes) if stands else None, **fields
    ))  # fmt: skip
    state = "online" if status == "online" else "offline"
    feed.add("status", stamp.make(Status, NOW, state=state, reason=reason))
    return stamp


def site(feed):
    """Add a small site with a box in each state."""
    box(feed, "quay-1", place="Quay, crane 1")
    box(feed, "gate-1", place="North gate, lane 1", alarm="updated", rates=(0.2, 0.1, 0.3, 2.0, 5.25),
        advice="Send someone with a measuring instrument to North gate, lane 1, who measures from a distance first",
        detail={"weakened_by": ("short exposure",)})  # fmt: skip
    box(feed, "hall-1", place="Customs hall", faults=("the camera is covered: look at the lens",))
    box(feed, "ramp-1", place="Ferry ramp", status="lost")
    box(feed, "yard-1", place="Scrap yard", alarm="learning", reasons=("background learnt for 12 of 60 live seconds",))
    box(feed, "quay-2", place="Quay, crane 2", status="stopped")


def play(steps, *, size=(80, 24), feed=None, clock=None, **options):
    """Run the view at a size of the terminal, let `steps` drive it, and return what it returns."""
    feed = feed or ListFeed()

    async def run():
        app = WatchApp(feed, clock or Clock(), broker="broker.example", zone=ZONE, **{"bell": False} | options)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            return await steps(app, pilot)

    return asyncio.run(run())


async def screen(app, pilot):
    """Return the screen as lines of text, once all that was begun is drawn."""
    await pilot.pause()
    app.look()
    await pilot.pause()
    lines = app.screen._compositor.render_strips()
    return ["".join(segment.text for segment in strip).rstrip() for strip in lines]


def keys(*pressed):
    """Return steps that press keys and return the screen."""

    async def steps(app, pilot):
        await pilot.press(*pressed)
        return await screen(app, pilot)

    return steps
