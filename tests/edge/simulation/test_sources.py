"""Sources before the whole tracker: slow ones, restarts beside one, and what the sensor model makes of a dose rate."""

from datetime import timedelta

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.state import AlarmState, Identity, state_of, tracker_of
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.simulation.background import BackgroundModel
from edge.simulation.hit_train import draw_poisson
from edge.simulation.passages import Passage, detect
from edge.simulation.playback import START_UTC, play
from edge.simulation.sensor import SENSOR_FACTORS, extra_hz

IDENTITY = Identity(camera="test", width=1920, height=1080, exposure_s=0.04, gain=1.0, model_sha256="0")


def raised_s(steps):
    return [step.time_s for step in steps if step.state == "raised"]


@pytest.mark.parametrize("quiet_s", [1200, 7200])
@pytest.mark.parametrize("seed", range(10))
def test_tracker_raises_for_a_source_that_comes_in_an_hour(quiet_s, seed):
    cells_s = np.arange(0, quiet_s + 5400, 10.0)
    rates_hz = 0.05 + 0.2 * np.clip((cells_s - quiet_s) / 3600, 0, 1)
    hits = draw_poisson(np.random.default_rng((1, seed)), rates_hz, 10.0, 0.0)
    raised = raised_s(play(AlarmTracker(AlarmSettings()), hits, 0.0, cells_s[-1] + 10))
    assert raised
    assert quiet_s < raised[0] < quiet_s + 3600


def before_restart(seed):
    """Play 70 s of background and 20 s of a source of 4 hits per second."""
    hits = draw_poisson(np.random.default_rng((2, seed)), np.repeat([0.05, 4.0], [70, 20]), 1.0, 0.0)
    tracker = AlarmTracker(AlarmSettings(), "gate")
    assert raised_s(play(tracker, hits, 0.0, 90.0))
    return tracker


@pytest.mark.parametrize("seed", range(5))
def test_alarm_stands_at_once_after_a_restart_beside_the_source(seed):
    utc = START_UTC + timedelta(seconds=100)
    kept = AlarmState.model_validate_json(state_of(before_restart(seed), IDENTITY, utc).model_dump_json())
    tracker = tracker_of(kept, AlarmSettings(), "gate", None, (100.0, utc))
    assert tracker.stands
    hits = draw_poisson(np.random.default_rng((3, seed)), np.full(600, 4.0), 1.0, 100.0)
    steps = list(play(tracker, hits, 100.0, 700.0))
    assert steps[0].time_s < 101
    assert {(step.id, step.state) for step in steps} == {("gate-1", "updated")}
    assert any("taken over" in phrase for phrase in steps[0].weakened_by)


@pytest.mark.parametrize("seed", range(5))
def test_restart_without_a_state_says_never_that_all_is_clear(seed):
    tracker = AlarmTracker(AlarmSettings(), "gate")
    hits = draw_poisson(np.random.default_rng((3, seed)), np.full(600, 4.0), 1.0, 0.0)
    assert [step.state for step in play(tracker, hits, 0.0, 600.0) if step.state == "cleared"] == []
    assert tracker.condition in {"learning", "alarm"}


def test_calibrated_background_raises_for_a_source_at_the_start():
    tracker = AlarmTracker(AlarmSettings(), "gate", known=Rate(30, 600))
    hits = draw_poisson(np.random.default_rng(4), np.full(20, 4.0), 1.0, 0.0)
    assert raised_s(play(tracker, hits, 0.0, 20.0))[0] < 5


def test_tc99m_at_50_usv_h_raises_within_a_minute():
    passage = Passage(AlarmSettings(), extra_hz("Tc-99m", 50), 60.0, "stay", BackgroundModel(0.05))
    found = detect(passage, 100, (5,))
    assert found.probability_interval[0] > 0.9
    assert found.p90_s < 20


def test_tc99m_at_50_usv_h_raises_at_the_lowest_sensitivity():
    passage = Passage(AlarmSettings(), SENSOR_FACTORS[0] * extra_hz("Tc-99m", 50), 60.0, "stay", BackgroundModel(0.05))
    assert detect(passage, 100, (6,)).probability_interval[0] > 0.9


def test_strong_source_is_found_before_it_is_closest():
    found = detect(Passage(AlarmSettings(), 20.0, 10.0, "pass"), 20, (7,))
    assert found.detected == 20
    assert found.median_s < 0  # of the time at which it gives half its rate


def test_weak_source_that_hurries_past_is_not_found():
    found = detect(Passage(AlarmSettings(), 0.5, 2.0, "pass"), 20, (7,))
    assert (found.detected, found.median_s, found.p90_s) == (0, None, None)


def test_detection_is_the_same_for_the_same_seed():
    passage = Passage(AlarmSettings(), 0.3)
    assert detect(passage, 20, (8,)) == detect(passage, 20, (8,))
    assert detect(passage, 20, (8,)) != detect(passage, 20, (9,))
