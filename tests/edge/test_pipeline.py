from datetime import datetime, timezone

import numpy as np
import pytest

from edge.alarm.tracker import AlarmTracker
from edge.capture.frame import Frame
from edge.config.device import AlarmSettings
from edge.detect.hit import Detection, Hit
from edge.pipeline import Account, analysed_frames, walk

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)
GREY = np.zeros((64, 64), np.uint8)


class ScriptedDetector:
    """Finds as many hits in a frame as it is told to; the last of them lies outside live ground."""

    def __init__(self, hits):
        self.hits = hits

    def propose(self, triple):
        return triple

    def judge(self, proposal):
        return proposal

    def decide(self, triple):
        number = triple.current.sequence
        count = self.hits.get(number, 0)
        rows, columns = GREY.shape
        places = np.random.default_rng(number).integers(0, (columns, rows), (count, 2)).tolist()
        hits = tuple(Hit(x, y, 0.9, 50.0, 3, live=i < count - 1) for i, (x, y) in enumerate(places))
        return Detection(number, hits, 0.8, candidates=count + 2, unclassified=1, stage_ms={"classify": 2.0})


def frames(numbers):
    return [Frame(i, i / 25, UTC, GREY, exposure_s=0.02, decode_ms=float(i)) for i in numbers]


def test_only_frames_between_two_others_are_analysed():
    found = list(analysed_frames(frames([0, 1, 2, 3, 5, 6, 7]), ScriptedDetector({2: 3})))
    assert [analysed.frame.sequence for analysed in found] == [1, 2, 6]
    assert [len(analysed.detection.hits) for analysed in found] == [0, 3, 0]
    assert [analysed.observation.hits for analysed in found] == [0, 2, 0]


def test_stage_times_hold_the_newest_decode_and_the_alarm():
    first = next(analysed_frames(frames(range(3)), ScriptedDetector({})))
    assert first.stage_ms.keys() == {"decode", "classify", "alarm"}
    assert (first.stage_ms["decode"], first.stage_ms["classify"]) == (2.0, 2.0)
    assert first.stage_ms["alarm"] >= 0


@pytest.mark.parametrize(("tracker", "raised"), [(AlarmTracker(AlarmSettings()), 1), (None, 0)], ids=["alarm", "none"])
def test_alarms_are_raised_only_with_a_tracker(tracker, raised):
    hits = dict.fromkeys(range(100, 400), 3)
    account = Account()
    for analysed in analysed_frames(frames(range(400)), ScriptedDetector(hits), tracker):
        account = account.plus(analysed)
    assert account.alarms == raised


def test_account_adds_up_what_frames_hold():
    account = Account()
    for analysed in analysed_frames(frames(range(6)), ScriptedDetector({1: 2, 3: 3})):
        account = account.plus(analysed)
    assert (account.analysed, account.hits, account.live_hits) == (4, 5, 3)
    assert (account.candidates, account.unclassified, account.alarms) == (13, 4, 0)
    assert account.live_s == pytest.approx(4 * 0.02 * 0.8)
    assert (account.live_fraction, account.sensitivity) == (pytest.approx(0.8), 1.0)
    assert account.mean_ms["classify"] == 2.0
    assert account.mean_ms["decode"] == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_account_since_holds_the_later_frames_only():
    accounts = [Account()]
    for analysed in analysed_frames(frames(range(8)), ScriptedDetector({5: 4})):
        accounts.append(accounts[-1].plus(analysed))
    later = accounts[-1].since(accounts[3])
    assert (later.analysed, later.hits, later.candidates) == (3, 4, 10)
    assert later.mean_ms["decode"] == pytest.approx((5 + 6 + 7) / 3)
    assert accounts[3].hits == 0


def test_account_without_frames_has_no_means():
    empty = Account()
    assert (empty.live_fraction, empty.sensitivity, empty.mean_ms) == (None, None, {})
    account = empty.plus(next(analysed_frames(frames(range(3)), ScriptedDetector({}))))
    assert account.since(account).mean_ms == {}


def test_walk_shows_each_triple_to_every_step():
    detectors = [ScriptedDetector({1: 1}), ScriptedDetector({2: 2})]
    walked = list(walk(iter(frames(range(4))), *(detector.decide for detector in detectors)))
    assert [[len(detection.hits) for detection in both] for both in walked] == [[1, 0], [0, 2]]
