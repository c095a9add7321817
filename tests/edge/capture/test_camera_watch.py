from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from drawn_scenes import drawn_scene
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.camera_fault import KINDS, FaultLatch, Sign
from edge.capture.camera_watch import CameraWatch, SourceFacts
from edge.capture.picture_facts import picture_facts
from edge.capture.repeats import Likeness

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
NEW, REPEAT = Likeness(repeats=False, still_s=0), Likeness(repeats=True, still_s=0.04)


class Run:
    """A watch with a clock of its own, and all that it told."""

    def __init__(self, fps=25.0, expected_fps=None):
        self.watch, self.fps, self.now_s, self.sequence = CameraWatch(expected_fps), fps, 0.0, 0
        self.told = []

    def pictures(self, seconds, likeness=lambda _: NEW, facts=None, fps=None):
        fps = fps or self.fps
        for number in range(round(seconds * fps)):
            self.now_s += 1 / fps
            self.sequence += 1
            utc = START + timedelta(seconds=self.now_s)
            self._tell(self.watch.update(self.sequence, likeness(number), facts, self.now_s, utc))
        return self

    def checks(self, seconds, source):
        for number in range(2 * seconds):
            self.now_s += 0.5
            self._tell(self.watch.check(source(number), self.now_s, START + timedelta(seconds=self.now_s)))
        return self

    def _tell(self, changes):
        self.told += [(change.fault.name, change.begins, round(change.time_s, 1)) for change in changes]

    @property
    def names(self):
        return [(name, begins) for name, begins, _ in self.told]


def test_watch_of_a_good_camera_tells_nothing():
    facts = picture_facts(drawn_scene())
    run = Run(expected_fps=25).pictures(60, facts=facts)
    run.checks(30, lambda i: SourceFacts(pictures=25 * i))
    assert run.told == []
    assert run.watch.faults == ()


def standing(number):
    return Likeness(repeats=True, still_s=number / 25)


def test_watch_tells_a_frozen_picture_within_5_s():
    run = Run().pictures(10).pictures(20, standing).pictures(5)
    assert [name for name, _, _ in run.told] == ["frozen", "frozen"]
    assert run.told[0][2] - 10 == pytest.approx(3.1, abs=0.1)
    assert run.told[1][2] - 30 == pytest.approx(1.0, abs=0.2)


def test_frozen_black_picture_has_a_remedy_of_its_own():
    run = Run().pictures(6, lambda number: replace(standing(number), black=True))
    fault = run.watch.faults[0]
    assert "black, without any noise" in fault.detail
    assert "longer exposure" in fault.remedy


@pytest.mark.parametrize(("every", "told"), [(1, True), (2, True), (5, True), (50, False)])
def test_watch_tells_repeats_with_their_share(every, told):
    def likeness(number):
        return REPEAT if number % (every + 1) == every else NEW

    run = Run().pictures(20, likeness)
    assert run.names == ([("repeated", True)] if told else [])
    if told:
        assert f"{1 / (every + 1):.0%} of the pictures" in run.watch.faults[0].detail
        run.pictures(20)
        assert run.names == [("repeated", True), ("repeated", False)]


@pytest.mark.parametrize("expected_fps", [25, None], ids=["asked for", "as at first"])
def test_watch_tells_a_wrong_rate_and_its_end(expected_fps):
    run = Run(expected_fps=expected_fps).pictures(20).pictures(30, fps=6).pictures(30)
    assert run.names == [("wrong_rate", True), ("wrong_rate", False)]
    assert 20 < run.told[0][2] < 38
    assert run.told[1][2] < 75


def test_watch_judges_the_rate_of_bunches_and_after_gaps():
    run = Run(expected_fps=25)
    for number in range(1000):
        if number == 500:
            run.now_s += 60
        run.sequence += 1
        now_s = run.now_s + (number // 5) * 0.2
        run._tell(run.watch.update(run.sequence, NEW, None, now_s, START))
    assert run.told == []


def test_watch_of_a_recording_judges_no_rate():
    assert Run(expected_fps=0).pictures(10).pictures(30, fps=3).told == []


def test_watch_tells_loss_with_cause_and_remedy():
    lost = SourceFacts(lost="no such device", lost_remedy="plug it in", silent_s=9)
    run = Run().checks(2, lambda _: SourceFacts()).checks(2, lambda _: lost)
    fault = run.watch.faults[0]
    assert (fault.name, fault.detail, fault.remedy) == ("lost", "no such device", "plug it in")
    assert fault.text == "camera lost: no such device; plug it in"
    assert run.checks(1, lambda _: SourceFacts()).names == [("lost", True), ("lost", False)]


def test_watch_tells_silence_until_a_picture_comes():
    run = Run().checks(10, lambda i: SourceFacts(silent_s=i / 2)).checks(1, lambda _: SourceFacts(silent_s=0.1))
    assert run.names == [("stalled", True), ("stalled", False)]
    assert run.told[0][2] == pytest.approx(4.0)


def test_watch_waits_for_a_camera_of_few_pictures():
    run = Run().checks(20, lambda i: SourceFacts(silent_s=i % 10 / 2, period_s=5.0))
    assert run.told == []


def test_watch_tells_refused_controls():
    run = Run().checks(1, lambda _: SourceFacts(refused=("its automatic gain stays on", "it has no gain to set")))
    assert run.watch.faults[0].detail == "its automatic gain stays on; it has no gain to set"
    assert run.checks(1, lambda _: SourceFacts()).names == [("controls", True), ("controls", False)]


@pytest.mark.parametrize(("damaged", "told"), [(0, False), (1, False), (2, True), (25, True)])
def test_watch_tells_damaged_pictures_by_their_share(damaged, told):
    run = Run()
    run.checks(20, lambda i: SourceFacts(pictures=13 * i, damaged=damaged * i // 2, damage="cut short"))
    assert run.names == ([("damaged", True)] if told else [])
    if told:
        assert "cut short" in run.watch.faults[0].detail
        last = SourceFacts(pictures=13 * 39, damaged=damaged * 39 // 2)
        run.checks(30, lambda i: replace(last, pictures=last.pictures + 13 * i))
        assert run.names[-1] == ("damaged", False)


@pytest.mark.parametrize(
    ("picture", "name"),
    [(np.zeros((480, 640), np.uint8), "dark"), (np.full((480, 640), 255, np.uint8), "blinded")],
    ids=["dark", "blinded"],
)
def test_watch_tells_a_useless_picture_within_5_s(picture, name):
    run = Run().pictures(5, facts=picture_facts(picture)).pictures(5, facts=picture_facts(drawn_scene()))
    assert run.names == [(name, True), (name, False)]
    assert run.told[0][2] < 3


def test_every_state_has_a_title_and_a_remedy():
    assert all(kind.title and kind.remedy and "\n" not in kind.remedy for kind in KINDS.values())


@given(
    st.lists(st.tuples(st.sampled_from([True, False, None]), st.floats(0, 30)), max_size=80), st.sampled_from([*KINDS])
)
def test_latch_begins_and_ends_in_turn_and_not_at_once(steps, name):
    latch, now_s, told = FaultLatch(name), 0.0, []
    since_s = dict.fromkeys((True, False))
    for is_there, passed_s in steps:
        now_s += passed_s
        for known, turned_s in since_s.items():
            since_s[known] = None if is_there is not known else now_s if turned_s is None else turned_s
        sign = None if is_there is None else Sign(is_there, "detail")
        change = latch.update(sign, now_s, START)
        if change is not None:
            held_s = KINDS[name].begin_s if change.begins else KINDS[name].end_s
            assert now_s - since_s[change.begins] >= held_s
            told.append(change.begins)
    assert told == [i % 2 == 0 for i in range(len(told))]
    assert (latch.fault is not None) == (len(told) % 2 == 1)


def test_change_is_a_line_and_an_event():
    latch = FaultLatch("damaged")
    begun = latch.update(Sign(is_there=True, detail="bad\nline"), 5.0, START)
    latch.update(Sign(is_there=False), 8.0, START)
    ended = latch.update(Sign(is_there=False), 30.0, START)
    assert begun.text == f"pictures damaged: bad\\nline; {KINDS['damaged'].remedy}"
    assert ended.text == "pictures damaged: over after 25 s"
    event = ended.as_event()
    assert (event["type"], event["state"], event["name"], event["time_s"]) == ("camera", "end", "damaged", 30.0)
