from datetime import datetime, timezone

import pytest

from edge.alarm.alarm import Alarm
from edge.alarm.episodes import episodes

UTC = datetime(2026, 1, 1, tzinfo=timezone.utc)


def step(state, time_s, *, name="alarm-1", sigma=5.0, rate_hz=20.0):
    return Alarm(
        id=name,
        state=state,
        time_s=time_s,
        utc=UTC,
        onset_s=time_s - 2,
        onset_utc=UTC,
        raised_utc=UTC,
        significance_sigma=sigma,
        hits=9,
        live_s=1.0,
        rate_hz=rate_hz,
        rate_interval_hz=(1.0, 2.0),
        background_hz=0.5,
        background_interval_hz=(0.1, 1.0),
        false_alarms_per_1000_h=1.0,
        recent=(),
        maximum_hz=3.0,
        duration_s=1.0,
        lower_limit=False,
        frames=(),
        overload=None,
        doubts=(),
        weakened_by=(),
    )


def test_episode_lasts_from_onset_to_end():
    steps = [step("raised", 10.0), step("updated", 20.0, sigma=8.0, rate_hz=30.0), step("cleared", 40.0, rate_hz=1.0)]
    (episode,) = episodes(steps)
    assert (episode.onset_s, episode.raised_s, episode.ended_s) == (8.0, 10.0, 40.0)
    assert (episode.significance_sigma, episode.rate_hz) == (8.0, 30.0)
    words = "alarm-1: raised at 10.0 s, onset at 8.0 s, cleared at 40.0 s; 30 hits a live second over 0.5, 8.0 σ"
    assert str(episode) == words


@pytest.mark.parametrize(
    ("states", "ended_s"),
    [(("raised",), None), (("raised", "cleared", "raised"), None), (("raised", "cleared", "raised", "cleared"), 3.0)],
    ids=["stands", "comes again", "ends twice"],
)
def test_episode_ends_with_its_last_step(states, ended_s):
    (episode,) = episodes([step(state, float(number)) for number, state in enumerate(states)])
    assert episode.ended_s == ended_s
    assert ("stands at the end" in str(episode)) == (ended_s is None)


def test_alarms_of_other_names_are_episodes_of_their_own():
    found = episodes([step("raised", 1.0), step("raised", 2.0, name="alarm-2"), step("cleared", 3.0)])
    assert [(episode.id, episode.ended_s) for episode in found] == [("alarm-1", 3.0), ("alarm-2", None)]
