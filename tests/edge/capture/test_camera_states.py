"""States of a camera through real sources: recordings with repeats, streams that freeze, break or fall silent."""

import itertools
import threading
import time

import numpy as np
import pytest
from drawn_scenes import as_jpeg, drawn_scene, noisy

from edge.alarm.live_time import observe
from edge.capture import camera_watch, live
from edge.capture.back_off import BackOff
from edge.capture.frame import triples
from edge.capture.source import open_source
from edge.capture.stream import HttpSource
from edge.detect.hit import Detection

pytestmark = pytest.mark.timeout(120)

SIZE = (320, 240)
LONG_S = 60.0


def camera_jpegs(count, first=0):
    still = drawn_scene(size=SIZE)
    return [as_jpeg(noisy(still, first + number)) for number in range(count)]


def each(jpegs, times):
    return [jpeg for jpeg in jpegs for _ in range(times)]


def until(condition, seconds=120):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.01)


def read_on(source):
    """Read a source in a thread until it is closed."""
    reader = threading.Thread(target=lambda: list(source), daemon=True)
    reader.start()
    return reader


@pytest.mark.parametrize("times", [1, 2, 3])
def test_recording_of_repeats_gives_triples_of_new_pictures(make_clip, times):
    with open_source(make_clip(each(camera_jpegs(60), times), size=SIZE)) as source:
        frames = list(source)
    assert [frame.sequence for frame in frames] == list(range(0, 60 * times, times))
    assert source.report.repeated == 60 * (times - 1)
    found = list(triples(frames))
    assert len(found) == 58
    assert [frame.period_s for frame in frames[5:]] == pytest.approx([times / 25] * 55)
    changes = source.take_changes()
    assert [change.fault.name for change in changes] == ["repeated"] * (times > 1)
    live_s = sum(observe(Detection(1, (), 1.0, 0, 0), triple).live_s for triple in found)
    assert live_s == pytest.approx(58 * times / 25, rel=0.03)


def test_recording_with_known_exposure_counts_each_picture_once(make_clip):
    with open_source(make_clip(each(camera_jpegs(60), 2), size=SIZE), exposure_s=0.02) as source:
        live_s = sum(observe(Detection(1, (), 1.0, 0, 0), triple).live_s for triple in triples(source))
    assert live_s == pytest.approx(58 * 0.02)


def test_recording_that_freezes_gives_no_live_time(make_clip):
    jpegs = camera_jpegs(120)
    clip = make_clip(jpegs[:60] + jpegs[59:60] * 200 + jpegs[60:], size=SIZE)
    with open_source(clip, exposure_s=0.02) as source:
        middles = [triple.current.sequence for triple in triples(source)]
    assert middles == [*range(1, 59), *range(261, 319)]
    changes = source.take_changes()
    assert [(change.fault.name, change.begins) for change in changes] == [("frozen", True), ("frozen", False)]
    assert changes[0].time_s - 60 / 25 < 5


def test_recording_with_damaged_pictures_tells_it(make_clip):
    jpegs = [jpeg if number % 8 else jpeg[:900] + jpeg[-2:] for number, jpeg in enumerate(camera_jpegs(200))]
    with open_source(make_clip(jpegs, size=SIZE)) as source:
        list(source)
    (change,) = source.take_changes()
    assert (change.fault.name, change.begins) == ("damaged", True)
    assert "JPEG" in change.fault.detail


def test_recording_dark_from_the_start_tells_it(make_clip):
    jpegs = [as_jpeg(noisy(np.full((240, 320), 3, np.uint8), number)) for number in range(120)]
    with open_source(make_clip(jpegs, size=SIZE)) as source:
        assert len(list(source)) == 120
    (change,) = source.take_changes()
    assert change.fault.name == "dark"
    assert change.time_s < 5


def test_stream_that_freezes_is_told_and_opened_again(camera, monkeypatch):
    monkeypatch.setattr(live, "BackOff", lambda: BackOff(first_pause_s=0.5))
    first, later = camera_jpegs(20), camera_jpegs(60, first=50)

    def jpegs(visit):
        return itertools.chain(first, itertools.repeat(first[-1])) if visit == 1 else itertools.cycle(later)

    camera.jpegs, camera.pause_s = jpegs, 0.04
    with HttpSource(camera.address, first_pause_s=0.01) as source:
        read_on(source)
        began = time.monotonic()
        until(lambda: "frozen" in {fault.name for fault in source.faults})
        assert time.monotonic() - began < 7  # a second for the first pictures, and a busy machine
        until(lambda: source.faults is not None and camera.visits >= 2)
        until(lambda: "frozen" not in {fault.name for fault in source.faults})
        assert "opened again, as it delivered nothing of use" in source.report.losses


def test_stream_that_falls_silent_is_told(camera, monkeypatch):
    monkeypatch.setattr(camera_watch, "SILENT_S", 0.5)
    camera.jpegs, camera.silent_s = camera_jpegs(5), LONG_S
    with HttpSource(camera.address) as source:
        read_on(source)
        until(lambda: "stalled" in {fault.name for fault in source.faults})
        camera.over.set()


def test_stream_of_damaged_pictures_is_told(camera, monkeypatch):
    monkeypatch.setattr(live, "BackOff", lambda: BackOff(first_pause_s=0.5))
    good = camera_jpegs(600)

    def jpegs(visit):
        return [jpeg[: 900 if number and visit == 1 else None] for number, jpeg in enumerate(good)]

    camera.jpegs, camera.pause_s = jpegs, 0.02
    with HttpSource(camera.address, first_pause_s=0.01) as source:
        read_on(source)
        until(lambda: "damaged" in {fault.name for fault in source.faults})
        until(lambda: source.faults is not None and camera.visits >= 2)
        until(lambda: "damaged" not in {fault.name for fault in source.faults})


def test_stream_at_a_wrong_rate_is_told(camera):
    camera.jpegs, camera.pause_s = camera_jpegs(400), 0.1
    with HttpSource(camera.address, fps=25) as source:
        read_on(source)
        until(lambda: source.faults)
        (fault,) = source.faults
        assert fault.name == "wrong_rate"
        assert fault.detail.endswith("frames a second instead of 25")


def test_warnings_of_many_changes_of_size_stay_small(make_clip, make_jpeg):
    sizes = [(96, 80), (128, 96)]
    jpegs = [make_jpeg(number, size=sizes[number % 2]) for number in range(2000)]
    with open_source(make_clip(jpegs)) as source:
        assert sum(1 for _ in source) == 2000
    (warning,) = source.report.warnings
    assert warning.endswith("(1,999 times)")
    assert len(warning) < 200


def test_losses_and_damages_of_many_kinds_stay_few(camera):
    with open_source_of(camera) as source:
        for number in range(500):
            source._damage(number, f"reason {number}\nwith a line end")
        report = source.report
    assert len(report.reasons) == 21
    assert sum(report.reasons.values()) == report.damaged == 500
    assert not any("\n" in reason for reason in report.reasons)


def open_source_of(camera):
    camera.jpegs, camera.silent_s = camera_jpegs(3), LONG_S
    camera.over.set()
    return open_source(camera.address)
