"""What an agent says and does while something is wrong: nothing false, and it comes back."""

import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from agent_box import PATIENCE_S, SITE, Camera, Run, write_background

from edge.agent import BLINDING, LOOK_S
from edge.capture.camera_fault import KINDS
from edge.capture.live import Clock
from edge.config.device import DeviceSettings
from edge.control_room.subscriber import Subscriber
from edge.observer import Observer
from edge.supervision import Watchdog

pytestmark = pytest.mark.parametrize("new_broker", ["iotcore"], indirect=True)

STOPPED = {"lost", "stalled", "frozen"}
BACK_S = 10.0  # after the end of a fault the box is back and right
TOLD_S = 5.0


@pytest.fixture
def camera(monkeypatch):
    calm = {"fault": None, "told": (), "hits_hz": 0.0, "hang_on_close": False, "release": threading.Event()}
    for name, value in calm.items():
        monkeypatch.setattr(Camera, name, value)
    monkeypatch.setattr("edge.capture.playback.open_source", Camera)
    # The same rules in less time.
    monkeypatch.setattr("edge.alarm.condition.MIN_SECONDS", 2)
    monkeypatch.setattr("edge.reporting.CLEAR_AFTER_S", 1.0)
    monkeypatch.setattr("edge.telemetry.health.STALL_S", 3.0)
    yield Camera
    Camera.release.set()


@pytest.fixture
def start(tmp_path, tiny_bundle, new_broker):
    """Start an agent on the camera, with a broker and a control room that see all of it."""
    running = new_broker()
    running.start()
    started = []

    def make(*, clock=None, **changes):
        given = {
            "site": SITE,
            "device": f"box-{secrets.token_hex(4)}",
            "source": {"spec": "/dev/video7"},
            "model": tiny_bundle,
            "mqtt": {"host": "127.0.0.1", "port": running.port},
            "outbox": {"path": tmp_path / "outbox.sqlite"},
            "telemetry": {"health_interval_s": 1.0},
            "detection": {"threads": 2},
            "state_file": tmp_path / "alarm.json",
        }
        settings = DeviceSettings.model_validate(given | changes)
        if not settings.state_file.exists():
            write_background(settings.state_file, settings.source.spec, tiny_bundle)
        run = Run(settings, Subscriber(settings.mqtt, SITE), clock)
        run.broker = running
        started.append(run)
        return run

    yield make
    for run in started:
        Camera.release.set()
        run.end()
        run.subscriber.close()


def says_nothing_false(run):
    """Whether one alarm stands, without an all-clear since it was raised and without a second id."""
    states = [message.state for message in run.messages("alarm")]
    raised = states.index("raised")
    ids = {message.alarm.id for message in run.messages("alarm") if message.alarm is not None}
    return set(states[raised:]) <= {"raised", "updated"} and len(ids) == 1


def raise_alarm(run, camera):
    camera.hits_hz = 8.0
    run.until(lambda: any(message.state == "raised" for message in run.messages("alarm")))


def frames_move(run):
    """Whether the last health message is of a time in which frames were analysed."""
    return run.messages("health")[-1].fps > 5


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("missing", ("lost", "no such device")),
        ("lost", ("lost", "the camera delivers no picture any more")),
        ("bug", ("lost", "a bug of the driver")),
        ("hangs", ("stalled", "camera silent")),
        ("frozen", ("frozen", "picture frozen")),
    ],
    ids=["missing", "lost", "bug", "hangs", "frozen"],
)
def test_agent_tells_a_camera_fault_and_comes_back(camera, start, fault, told):
    name, told = told
    run = start()
    run.until(lambda: run.messages("alarm") and run.messages("alarm")[-1].state == "cleared")
    camera.fault = fault
    assert run.until(lambda: told in run.faults()) < TOLD_S
    assert name in run.camera()
    run.until(lambda: run.messages("alarm")[-1].state == "learning", TOLD_S)
    camera.fault = None
    camera.release.set()
    assert run.until(lambda: frames_move(run) and told not in run.faults()) < BACK_S
    raise_alarm(run, camera)


@pytest.mark.parametrize("fault", ["missing", "lost", "bug", "hangs", "frozen"])
def test_agent_keeps_an_alarm_over_a_camera_fault(camera, start, fault):
    run = start()
    raise_alarm(run, camera)
    camera.fault = fault
    run.until(lambda: STOPPED & run.camera(), TOLD_S)
    run.listen(3.0)
    camera.fault = None
    camera.release.set()
    assert run.until(lambda: frames_move(run) and not STOPPED & run.camera()) < BACK_S
    run.listen(2.0)
    assert says_nothing_false(run)
    assert run.messages("health")[-1].alarm_stands


def test_agent_keeps_an_alarm_of_the_run_before_until_its_first_frame_is_reported(camera, start, monkeypatch):
    before = start()
    raise_alarm(before, camera)
    before.end()
    observe = Observer.observe

    def observe_slowly(*given):
        concluded = observe(*given)
        slow.wait(2 * LOOK_S)  # a look for faults comes between
        slow.set()
        return concluded

    slow = threading.Event()
    monkeypatch.setattr(Observer, "observe", observe_slowly)
    camera.told = ("dark",)
    run = start(device=before.device)
    run.until(lambda: slow.is_set() and run.told_since_start("alarm"))
    run.listen(1.0)
    assert {message.state for message in run.told_since_start("alarm")} == {"updated"}


@pytest.mark.parametrize("name", KINDS)
def test_agent_tells_each_state_of_the_camera(camera, start, name, caplog):
    run = start()
    run.until(lambda: run.messages("alarm") and run.messages("alarm")[-1].state == "cleared")
    camera.told = (name,)
    assert run.until(lambda: name in run.camera()) < TOLD_S
    assert KINDS[name].title in run.faults()
    run.listen(1.0)
    # Who sees nothing cannot say that all is clear.
    assert run.messages("alarm")[-1].state == ("learning" if name in BLINDING else "cleared")
    camera.told = ()
    assert run.until(lambda: not run.camera()) < BACK_S
    run.until(lambda: run.messages("alarm")[-1].state == "cleared")
    assert caplog.text.count(f"fault: {KINDS[name].title}") == 1


class Systemd:
    """What systemd hears of the agent."""

    def __init__(self, folder, monkeypatch):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(folder / "notify"))
        self.socket.setblocking(False)  # noqa: FBT003
        monkeypatch.setenv("NOTIFY_SOCKET", str(folder / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "2000000")
        monkeypatch.setattr("edge.agent.Watchdog", partial(Watchdog, hung_s=3.0))

    def heard(self):
        lines = []
        with suppress(BlockingIOError):
            while True:
                lines += self.socket.recv(1000).decode().split("\n")
        return lines


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    heard = Systemd(tmp_path, monkeypatch)
    yield heard
    heard.socket.close()


@pytest.mark.parametrize("fault", ["missing", "lost", "bug", "frozen"])
def test_agent_with_a_dead_camera_feeds_the_watchdog(camera, start, systemd, fault):
    run = start()
    run.until(lambda: run.messages("health") and frames_move(run))
    assert "READY=1" in systemd.heard()
    camera.fault = fault
    run.listen(6.0)
    assert "WATCHDOG=1" in systemd.heard()
    run.listen(4.0)
    assert systemd.heard().count("WATCHDOG=1") >= 4


def test_agent_without_its_camera_is_ready(camera, start, systemd):
    camera.fault = "missing"
    run = start()
    run.until(lambda: "lost" in run.camera())
    run.listen(1.0)
    heard = systemd.heard()
    assert {"READY=1", "WATCHDOG=1"} <= set(heard)
    assert any(line.startswith("STATUS=") and "no such device" in line for line in heard)


@pytest.mark.parametrize("hang", ["driver", "frame"])
def test_agent_that_hangs_does_not_feed_the_watchdog(camera, start, systemd, hang):
    run = start()
    run.until(lambda: run.messages("health") and frames_move(run))
    if hang == "driver":
        camera.fault = "hangs"
    else:
        detector = run.agent._observer.detector
        judge = detector.judge
        detector.judge = lambda proposal: camera.release.wait() and judge(proposal)
    run.listen(5.0)
    systemd.heard()
    run.listen(3.0)
    assert "WATCHDOG=1" not in systemd.heard()


def test_agent_starts_without_its_camera(camera, start):
    camera.fault = "missing"
    run = start()
    run.until(lambda: "no such device; plug the camera in" in run.faults(), TOLD_S)
    run.until(lambda: run.messages("alarm"))
    message = run.messages("alarm")[-1]
    assert (message.state, message.reasons[0]) == ("learning", "the camera is lost")
    assert run.messages("info")[-1].camera.width is None
    camera.fault = None
    assert run.until(lambda: frames_move(run) and run.faults() == "") < BACK_S
    assert run.messages("info")[-1].camera.width == Camera.size[0]
    run.until(lambda: run.messages("alarm")[-1].state == "cleared")


def test_agent_says_nothing_of_an_old_alarm_before_a_frame(camera, start):
    first = start()
    raise_alarm(first, camera)
    first.end()
    camera.fault = "missing"
    second = start(device=first.device)
    second.until(lambda: "no such device" in second.faults(), TOLD_S)
    second.listen(1.0)
    assert not second.told_since_start("alarm")
    camera.fault = None
    second.until(lambda: second.told_since_start("alarm"))
    last = second.messages("alarm")[-1]
    assert (last.state, last.alarm.id) == ("updated", first.messages("alarm")[-1].alarm.id)


def test_agent_raises_and_delivers_without_its_broker(camera, start):
    run = start()
    run.until(lambda: run.messages("health"))
    run.broker.stop()
    camera.hits_hz = 8.0
    deadline = time.monotonic() + PATIENCE_S
    while run.agent._tally.account.alarms == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert "broker" in run.agent._faults
    run.broker.start()
    came_back_s = run.until(lambda: any(message.state == "raised" for message in run.messages("alarm")))
    assert came_back_s < BACK_S
    run.until(lambda: "broker" not in run.faults())
    assert says_nothing_false(run)


class Skewed:
    """A wall clock that can be set."""

    def __init__(self, **skew):
        self.by = timedelta(**skew)

    def clock(self):
        return Clock(utc=lambda: datetime.now(timezone.utc) + self.by)


@pytest.mark.parametrize("days", [1, -1])
def test_agent_with_a_clock_that_steps_says_nothing_false(camera, start, days, monkeypatch):
    monkeypatch.setattr("edge.clock.STEP_TOLD_S", 4.0)
    wall = Skewed()
    run = start(clock=wall.clock())
    raise_alarm(run, camera)
    wall.by = timedelta(days=days)
    run.until(lambda: f"set {'forward' if days > 0 else 'back'} by 86,400 s" in run.faults(), TOLD_S)
    run.until(lambda: run.faults() == "", TOLD_S)
    assert says_nothing_false(run)
    assert not any(each.message.historical for each in run.heard)
    run.end()
    wall.by = timedelta(0)
    again = start(device=run.device, clock=wall.clock())
    again.until(
        lambda: any(message.boot_id == again.agent._stamp.boot_id for message in again.messages("alarm")), BACK_S
    )
    last = again.messages("alarm")[-1]
    assert (last.state, last.alarm.id) == ("updated", run.messages("alarm")[-1].alarm.id)


def test_agent_with_a_clock_that_is_not_set_says_so(camera, start):
    wall = Skewed(days=-15_000)
    run = start(clock=wall.clock())
    run.until(lambda: "the clock is not set (19" in run.faults(), TOLD_S)
    raise_alarm(run, camera)
    wall.by = timedelta(0)
    run.until(lambda: "not set" not in run.faults() and "set forward" in run.faults(), TOLD_S)
    assert says_nothing_false(run)


def test_agent_believes_no_state_of_another_exposure(camera, start, caplog):
    first = start()
    raise_alarm(first, camera)
    first.end()
    second = start(device=first.device, source={"spec": "/dev/video7", "exposure_s": 0.01})
    second.until(lambda: "belongs to another exposure" in second.faults(), TOLD_S)
    second.until(lambda: second.told_since_start("alarm"))
    assert "cleared" not in {message.state for message in second.messages("alarm")}
    second.end()
    assert caplog.text.count("belongs to another exposure") == 1
