import numpy as np
import pytest

from edge.alarm.live_time import Observation
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings
from edge.simulation.hit_train import SIZE, HitTrain, draw_poisson
from edge.simulation.playback import START_UTC, FramePace, play


def each_frame(tracker, hits, seconds, fps=25):
    """Return the alarms of an update each frame, as the agent makes it."""
    numbers = np.floor(hits.times_s * fps).astype(int)
    places = [[] for _ in range(int(seconds * fps))]
    for number, (x, y) in zip(numbers, hits.places.tolist(), strict=True):
        places[number].append((x, y))
    return [
        alarm
        for number, here in enumerate(places)
        for alarm in tracker.update(
            Observation(
                number,
                number / fps,
                START_UTC,
                len(here),
                1 / fps,
                1 / fps,
                exposure_known=True,
                live_fraction=1.0,
                unclassified=0,
                positions=tuple(here),
                size=SIZE,
            )
        )
    ]


def scene(background_hz, source_hz, seed):
    """Return half an hour of background with a source between minutes 20 and 23."""
    rates_hz = np.full(1800, float(background_hz))
    rates_hz[1200:1380] += source_hz
    return draw_poisson(np.random.default_rng(seed), rates_hz, 1.0, 0.0)


@pytest.mark.parametrize(("background_hz", "source_hz"), [(0.05, 0.5), (0.05, 3.0), (0.5, 1.0), (5.0, 5.0)])
def test_play_decides_as_an_update_each_frame(background_hz, source_hz):
    hits = scene(background_hz, source_hz, seed=3)
    tracker, slow = AlarmTracker(AlarmSettings()), AlarmTracker(AlarmSettings())
    quick_steps = list(play(tracker, hits, 0.0, 1800.0))
    slow_steps = each_frame(slow, hits, 1800)
    for state in ("raised", "cleared"):
        quick_s, slow_s = (
            [step.time_s for step in steps if step.state == state] for steps in (quick_steps, slow_steps)
        )
        assert quick_s == pytest.approx(slow_s, abs=0.3)
        assert len(quick_s) == 1
    assert tracker.learner.rate.hits == pytest.approx(slow.learner.rate.hits, rel=0.01)
    assert tracker.learner.rate.live_s == pytest.approx(slow.learner.rate.live_s, rel=0.01)
    assert tracker.learner.dispersion.factor == pytest.approx(slow.learner.dispersion.factor, abs=0.05)


def test_play_counts_live_time_by_the_pace():
    tracker = AlarmTracker(AlarmSettings(learn_s=1))
    none = HitTrain(np.empty(0), np.empty((0, 2), np.int64))
    assert list(play(tracker, none, 0.0, 400.0, FramePace(fps=10, live_share=0.25))) == []
    # Of 400 s, those before the lag are learnt: (400 − 60) / 2.
    assert tracker.learner.learnt_s == pytest.approx((400 - 170) * 0.25, abs=5)


def test_play_gives_the_tracker_the_hits_of_a_frame_at_once():
    hits = HitTrain(np.array([1.001, 1.039, 1.041]), np.array([[5, 5], [900, 700], [1500, 9]]))
    seen = []

    class Counter:
        condition = "clear"

        def update(self, observation):
            seen.append((round(observation.monotonic_s, 3), observation.hits, round(observation.period_s, 3)))
            return ()

    assert list(play(Counter(), hits, 0.0, 2.0)) == []
    assert seen == [(0.0, 0, 1.0), (1.0, 2, 0.04), (1.04, 1, 0.04), (1.08, 0, 0.92)]
