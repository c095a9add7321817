from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge.alarm.standing import Standing
from edge.capture.base import Mode
from edge.capture.frame import Frame, triples
from edge.capture.live import Clock
from edge.config.device import DeviceSettings
from edge.observer import Observer
from edge.site.calibration import Calibration, Darkness, SiteBackground, identity_of, write_calibration

START = datetime(2026, 3, 1, tzinfo=timezone.utc)
SIZE = (160, 120)
MODE = Mode(*SIZE, 25.0, "grey")


@pytest.fixture
def settings(tmp_path, tiny_bundle):
    return DeviceSettings(
        site="docks",
        device="gate",
        source={"spec": "/dev/video0", "exposure_s": 0.03},
        model=tiny_bundle,
        mqtt={"host": "broker"},
        outbox={"path": tmp_path / "outbox.sqlite"},
    )


@pytest.fixture
def observer(settings):
    return Observer(settings, "gate", Clock(utc=lambda: START))


def calibrate(observer, folder, **identity):
    mine = identity_of(observer._settings.source, MODE, observer.manifest.sha256)
    dark = Darkness(
        frames=100, seconds=4, mean_dn=2, sigma_dn=1, maxima=[0] * 256, target_share=0.04, threshold_dn=9,
        hot_pixels=[], hits=0, live_s=4,
    )  # fmt: skip
    background = SiteBackground(
        frames=15_000, seconds=600, hits=30, live_s=300, live_fraction=0.9, sensitivity=1, brightness_dn=70
    )
    calibration = Calibration(
        measured_utc=START - timedelta(days=1),
        software="0",
        temperature_c=None,
        identity=mine.model_copy(update=identity),
        dark=dark,
        noise_dn=[[2.0] * 20] * 15,
        background=background,
    )
    write_calibration(folder / "calibration.json", calibration)


def frames(count, size=SIZE, first=0, hits_every=0):
    rng = np.random.default_rng(first)
    for number in range(first, first + count):
        grey = np.clip(70 + rng.normal(0, 2, (size[1], size[0])), 0, 255).astype(np.uint8)
        if hits_every and number % hits_every == 0:
            x, y = rng.integers(10, size[0] - 20), rng.integers(10, size[1] - 20)
            grey[y : y + 3, x : x + 3] += 90
        yield Frame(number, number / 25, START + timedelta(seconds=number / 25), grey, exposure_s=0.03)


def observe(observer, pictures):
    steps = []
    for triple in triples(pictures):
        if observer.is_new(triple.current):
            observer.meet(triple.current, MODE)
        analysed, _ = observer.observe(triple, observer.detector.detect(triple))
        steps += analysed.alarms
    return steps


def test_observer_without_a_calibration_learns(observer):
    assert observer.situation is None
    observe(observer, frames(10))
    assert observer.situation.condition == "learning"
    assert observer.faults == {}


def test_observer_knows_the_background_of_its_calibration(observer, tmp_path):
    calibrate(observer, tmp_path)
    detector = observer.detector
    observe(observer, frames(400))
    assert observer.situation.condition == "clear"
    assert observer.situation.background.mean_hz == pytest.approx(0.1, rel=0.05)
    assert observer.detector is not detector
    assert observer.faults == {}


def test_observer_believes_no_calibration_of_another_camera(observer, tmp_path):
    calibrate(observer, tmp_path, exposure_s=0.01)
    observe(observer, frames(400))
    assert observer.situation.condition == "learning"
    assert "belongs to another exposure" in observer.faults["calibration"]


def test_observer_of_another_picture_size_begins_anew(observer, tmp_path):
    calibrate(observer, tmp_path)
    observe(observer, frames(400))
    observe(observer, frames(20, size=(320, 240), first=400))
    assert observer.situation.condition == "learning"
    assert "belongs to another picture size" in observer.faults["calibration"]


def test_observer_keeps_an_alarm_over_another_picture_size(observer, tmp_path):
    calibrate(observer, tmp_path)
    steps = observe(observer, frames(400, hits_every=3))
    assert steps[0].state == "raised"
    later = observe(observer, frames(300, size=(320, 240), first=400, hits_every=3))
    assert {step.state for step in later} == {"updated"}
    assert {step.id for step in later} == {steps[0].id}


def test_observer_goes_on_where_the_last_run_ended(observer, settings, tmp_path):
    calibrate(observer, tmp_path)
    steps = observe(observer, frames(400, hits_every=3))
    observer.finish()
    again = Observer(settings, "other", Clock(utc=lambda: START + timedelta(seconds=30)))
    later = observe(again, frames(10, hits_every=3))
    assert [(step.state, step.id) for step in later] == [("updated", steps[0].id)]


def test_observer_forgets_who_took_charge_before_the_file_says_that_an_alarm_stands(settings, tmp_path):
    told = []
    observer = Observer(
        settings,
        "gate",
        Clock(utc=lambda: START),
        forget=lambda alarm_id: told.append((alarm_id, observer.state_file.holds_alarm())),
    )
    calibrate(observer, tmp_path)
    steps = observe(observer, frames(400, hits_every=3))
    assert [step.id for step in steps if step.state == "raised"] == ["gate-1"]
    assert told == [("gate-1", False)]
    assert observer.state_file.holds_alarm()


def relearning(settings, folder):
    quick = settings.model_copy(update={"alarm": settings.alarm.model_copy(update={"learn_s": 1.0})})
    observer = Observer(quick, "gate", Clock(utc=lambda: START))
    calibrate(observer, folder)
    observe(observer, frames(10))
    return observer


def standing(rate, *, changed=False):
    return Standing(
        "gate-7", START, 0, 0, rate, learnt_before=True, rounds=0, moderate=True, changed=changed, maximum_hz=1.0
    )


def test_observer_relearns_the_background(settings, tmp_path):
    observer = relearning(settings, tmp_path)
    before = observer._tracker
    assert (before.known, observer.relearn()) == (True, None)
    observe(observer, frames(20, first=10))
    assert observer._tracker is not before
    assert (observer._tracker.known, observer.situation.condition) == (False, "learning")
    observe(observer, frames(100, first=30))
    assert observer._tracker.known


def test_observer_ends_a_changed_background_on_request(settings, tmp_path):
    observer = relearning(settings, tmp_path)
    tracker = observer._tracker
    rate = tracker.background
    tracker.standing = standing(rate, changed=True)
    assert observer.relearn() is None
    assert [step.state for step in observe(observer, frames(5, first=10))] == ["cleared"]


def test_observer_refuses_to_relearn_beside_an_alarm(settings, tmp_path):
    observer = relearning(settings, tmp_path)
    observer._tracker.standing = standing(observer._tracker.background)
    assert "an alarm stands" in observer.relearn()


def test_observer_refuses_to_relearn_without_a_calibration(observer):
    assert "no picture" in observer.relearn()
    observe(observer, frames(5))
    assert "not calibrated" in observer.relearn()


def test_observer_relearning_beside_an_alarm_stays_unknown(settings, tmp_path):
    observer = relearning(settings, tmp_path)
    observer.relearn()
    observe(observer, frames(5, first=10))
    observer._tracker.standing = standing(observer._tracker.background)
    observe(observer, frames(5, first=15))
    observer._tracker.standing = None
    observe(observer, frames(100, first=20))
    assert (observer._tracker.learnt, observer._tracker.known) == (True, False)
