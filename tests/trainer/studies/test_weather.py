from dataclasses import replace
from datetime import datetime, timezone
from itertools import pairwise

import numpy as np
import pytest

from edge.alarm.live_time import Observation
from edge.bundle import load_bundle, shipped_bundle_path
from trainer.studies.nuisances import Recipe, analyse_nuisances, film_nuisances
from trainer.studies.weather import as_markdown, in_blocks, judge_weather, times_of_alarms

FPS = 25.0


def train(rate_hz, seconds=30, light=0.35, seed=1):
    rng = np.random.default_rng(seed)
    return [
        Observation(
            sequence=number,
            monotonic_s=number / FPS,
            utc=datetime(2026, 1, 1, tzinfo=timezone.utc),
            hits=hits,
            live_s=1 / FPS,
            period_s=1 / FPS,
            exposure_known=True,
            live_fraction=1.0,
            unclassified=0,
            positions=tuple((int(x), int(y)) for x, y in rng.integers((0, 0), (640, 480), (hits, 2))),
            size=(640, 480),
            like_light=tuple(bool(found) for found in rng.random(hits) < light),
        )
        for number, hits in enumerate(rng.poisson(rate_hz / FPS, round(seconds * FPS)))
    ]


def test_blocks_keep_what_follows_one_another():
    frames = list(in_blocks(train(1.0), 1000, FPS, np.random.default_rng(1)))
    assert len(frames) == 1000
    steps = [second.sequence - first.sequence for first, second in pairwise(frames)]
    assert sum(step == 1 for step in steps) >= 1000 - 1000 / 100 - 1


def test_alarms_are_raised_for_a_source_only():
    rng = np.random.default_rng(2)
    assert times_of_alarms(train(0.0, 60), FPS, rng, known=None) == ()
    assert len(times_of_alarms(train(30.0, 20), FPS, rng, known=None)) == 1


def test_weather_counts_alarms_and_delays():
    weather = judge_weather("none", [train(0.0)], [train(5.0)], fps=FPS, minutes=1.0, runs=2)
    assert (weather.runs, weather.alarms, weather.cold_alarms) == (2, 0, 0)
    assert all(0 < delay < 10 for delay in weather.delays_s)
    assert "| none | 0 | 0 | 0 in 0.0333 h | 0 |" in as_markdown([weather])
    assert as_markdown([weather]).endswith("| 2 of 2 |")
    late = replace(weather, delays_s=(30.0, 30.04))
    assert as_markdown([late]).endswith("| 30.0 s, at most 30.0 s | 1 of 2 |")
    missed = judge_weather("none", [train(0.0)], [train(0.0)], fps=FPS, minutes=0.5, runs=1)
    assert missed.delays_s == (None,)
    assert as_markdown([missed]).endswith("| –; 1 of 1 missed | 0 of 1 |")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["stars", "snow", "rain", "glints", "leaves"])
def test_weather_raises_no_alarm_in_20_minutes_and_a_source_does(kind, tmp_path):
    recipe = Recipe(640, 480, 25.0, 45.0, 1, 1)
    bundle = load_bundle(shipped_bundle_path())
    trains = [
        [
            clip.observations
            for clip in analyse_nuisances(
                film_nuisances(tmp_path / "clips", recipe, [kind], source=source), bundle, recipe
            )[kind]
        ]
        for source in (False, True)
    ]
    weather = judge_weather(kind, *trains, fps=recipe.fps, minutes=20, runs=3)
    assert weather.alarms == 0
    assert all(delay is not None and delay < 30 for delay in weather.delays_s)
