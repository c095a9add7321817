from dataclasses import replace
from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from edge.alarm.background import Rate
from edge.alarm.condition import situation_of
from edge.alarm.crowding import log_tails
from edge.alarm.leak import LIGHT_SHARE, SURE_SHARE, log_share_tail, share_tail
from edge.alarm.live_time import Observation
from edge.alarm.population import Population, looks_like_radiation
from edge.alarm.tracker import AlarmTracker
from edge.config.device import AlarmSettings

START = datetime(2026, 1, 1, tzinfo=timezone.utc)
FPS = 25
SIZE = (640, 480)


def observation(number, hits, *, light=LIGHT_SHARE, explained=0, rng=None, area=None):
    """One frame: its hits lie anywhere in an area (x0, y0, x1, y1), and a share of them looks like light."""
    rng = np.random.default_rng(number) if rng is None else rng
    x0, y0, x1, y1 = (0, 0, *SIZE) if area is None else area
    positions = tuple((int(rng.integers(x0, x1)), int(rng.integers(y0, y1))) for _ in range(hits))
    return Observation(
        sequence=number,
        monotonic_s=number / FPS,
        utc=START + timedelta(seconds=number / FPS),
        hits=hits,
        live_s=1 / FPS,
        period_s=1 / FPS,
        exposure_known=True,
        live_fraction=1.0,
        unclassified=0,
        positions=positions,
        size=SIZE,
        like_light=tuple(bool(rng.random() < light) for _ in range(hits)),
        explained=explained,
    )


def faint(rate_hz, rng):
    """Places of the faint hits of a frame."""
    return tuple((int(rng.integers(SIZE[0])), int(rng.integers(SIZE[1]))) for _ in range(rng.poisson(rate_hz / FPS)))


def joined(first, second):
    """Put the hits of two frames into one."""
    return replace(
        first,
        hits=first.hits + second.hits,
        positions=first.positions + second.positions,
        like_light=first.like_light + second.like_light,
        explained=first.explained + second.explained,
        falling=first.falling or second.falling,
        faint=first.faint + second.faint,
        refused=first.refused + second.refused,
    )


@pytest.mark.parametrize("rate_hz", [0.05, 1.0, 10.0, 100.0, 1500.0])
def test_population_counts_all_hits_of_an_even_field(rate_hz):
    rng, population = np.random.default_rng(int(rate_hz * 20)), Population()
    frames = int(min(4000, max(500, 1000 * FPS / rate_hz)))
    for number, hits in enumerate(rng.poisson(rate_hz / FPS, frames)):
        frame = observation(number, hits, rng=rng)
        counted = population.update(frame)
        population.learn(counted)
        assert (counted.hits, counted.live_s) == (frame.hits, frame.live_s)
        assert counted.doubts == ()
        assert counted.leak_hz <= 0.01 * rate_hz


def test_population_closes_where_hits_crowd_and_opens_it_again():
    rng, population = np.random.default_rng(1), Population()
    for number in range(1000):
        crowd = observation(number, rng.poisson(0.2), rng=rng, area=(400, 300, 520, 400))
        counted = population.update(joined(crowd, observation(number, rng.poisson(0.004), rng=rng)))
    assert counted.live_s == pytest.approx(0.94 / FPS, rel=0.05)
    assert "crowd in" in counted.doubts[0]
    assert population.update(observation(1000, 1, rng=rng, area=(440, 340, 480, 360))).hits == 0
    assert population.update(observation(1001, 1, rng=rng, area=(0, 0, 200, 200))).hits == 1
    for number in range(1002, 2502):  # a second each
        later = replace(observation(number, rng.poisson(0.05), rng=rng), period_s=1.0, live_s=1.0)
        counted = population.update(later)
    assert counted.doubts == ()
    assert counted.live_s == 1.0


def test_population_keeps_ground_open_in_a_field_with_a_crowd():
    rng, population = np.random.default_rng(2), Population()
    for number in range(1500):
        crowd = observation(number, rng.poisson(0.2), rng=rng, area=(400, 300, 520, 400))
        counted = population.update(joined(crowd, observation(number, rng.poisson(2.0), rng=rng)))
    assert counted.live_s > 0.93 / FPS


def test_population_leaves_out_hits_like_light_if_too_many():
    rng, population = np.random.default_rng(3), Population()
    for number in range(500):
        counted = population.update(observation(number, rng.poisson(0.5), rng=rng, light=0.95))
        population.learn(counted)
    assert not any(counted.like_light)
    assert counted.live_s == pytest.approx(SURE_SHARE / FPS)
    assert "look like light" in counted.doubts[0]
    for number in range(500, 800):  # a source outshines it
        counted = population.update(observation(number, 5, rng=rng))
    assert counted.hits == 5
    assert counted.live_s == 1 / FPS


def test_population_leaves_grey_cameras_alone():
    rng, population = np.random.default_rng(4), Population()
    for number in range(300):
        counted = population.update(observation(number, 2, rng=rng, light=0.0))
    assert counted.hits == 2


def test_population_learns_the_leak_of_a_nuisance():
    rng, population = np.random.default_rng(5), Population()
    for number in range(1500):
        counted = population.update(observation(number, rng.poisson(0.04), rng=rng, explained=rng.poisson(4)))
        population.learn(counted)
    assert 1.0 < counted.leak_hz < 2.5
    assert "follow things that move" in counted.doubts[0]


def test_population_has_no_doubts_of_a_field_of_which_few_hits_seem_to_move():
    rng, population = np.random.default_rng(12), Population()
    for number in range(500):
        counted = population.update(observation(number, rng.poisson(0.9), rng=rng, explained=rng.poisson(0.08)))
        population.learn(counted)
        assert counted.doubts == ()


def test_population_leaves_frames_without_places_and_overloads():
    population = Population()
    frame = observation(0, 3)
    plain = replace(frame, like_light=())
    assert population.update(plain) is plain
    overload = replace(frame, overload="many")
    assert population.update(overload, overloaded=True) is overload


def test_population_judges_a_single_frame_of_overload():
    rng, population = np.random.default_rng(6), Population()
    for number in range(500):
        rain = replace(observation(number, rng.poisson(0.5), rng=rng, light=0.95), falling=True)
        population.update(rain)
    alone = replace(observation(500, 5, light=1.0), overload="many", weight=8.0)
    assert (population.update(alone).hits, population.update(alone).weight) == (0, 1.0)
    assert population.update(alone, overloaded=True).hits == 5


@pytest.mark.parametrize("ground", ["whole", "half", "window"])
@pytest.mark.parametrize("count", [5, 6, 12, 19, 40, 150])
def test_true_hits_mostly_look_like_radiation(count, ground):
    rng = np.random.default_rng(count)
    exposed_s = np.zeros((12, 16))
    exposed_s[{"whole": np.s_[:], "half": np.s_[:, :8], "window": np.s_[4:9, 3:12]}[ground]] = 1.0
    open_parts = np.flatnonzero(exposed_s)
    alike = [
        looks_like_radiation(
            rng.choice(open_parts, count).tolist(), (rng.random(count) < 0.35).tolist(), exposed_s.ravel()
        )
        for _ in range(400)
    ]
    assert np.mean(alike) > (0.82 if count < 20 else 0.965)


@pytest.mark.parametrize(
    ("parts", "light"), [(48, 0.3), (24, 0.3), (192, 1.0)], ids=["a quarter", "an eighth", "light"]
)
@pytest.mark.parametrize("count", [6, 12, 40])
def test_crowds_and_light_do_not_look_like_radiation(parts, light, count):
    rng = np.random.default_rng(count)
    rows, columns = {48: (6, 8), 24: (4, 6), 192: (12, 16)}[parts]
    alike = [
        looks_like_radiation(
            (rng.integers(rows, size=count) * 16 + rng.integers(columns, size=count)).tolist(),
            (rng.random(count) < light).tolist(),
            np.ones(192),
        )
        for _ in range(200)
    ]
    assert np.mean(alike) < 0.05


@pytest.mark.parametrize("count", [12, 40, 200])
def test_hits_on_half_of_the_picture_may_raise_an_alarm(count):
    rng = np.random.default_rng(count)
    parts = (rng.integers(12, size=count) * 16 + rng.integers(3, 13, size=count)).tolist()
    assert looks_like_radiation(parts, [False] * count, np.ones(192))


def test_tails_bound_probabilities():
    none, few = log_tails(np.array([3.0, 12.0]), np.array([5.0, 5.0]))
    assert none == 0.0
    assert np.exp(few) > 0.0055  # the exact tail
    assert share_tail(10, 10) == pytest.approx(LIGHT_SHARE**10)
    assert log_share_tail(4, 10) == 0.0
    assert np.exp(log_share_tail(10, 10)) == pytest.approx(LIGHT_SHARE**10)


def alarms(frames):
    tracker = AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    return [(step.state, step.time_s, step) for frame in frames for step in tracker.update(frame)]


def weather(rng, begin, end, *, frame, source_hz=0.0):
    """Frames with a background of 0.05 /s, a source, and what `frame` makes of a nuisance."""
    for number in range(int(begin * FPS), int(end * FPS)):
        true = observation(number, rng.poisson((0.05 + source_hz) / FPS), rng=rng, light=0.35)
        yield joined(true, frame(number, rng))


def snow(number, rng):
    return observation(number, rng.poisson(2 / FPS), rng=rng, light=0.7, explained=rng.poisson(300 / FPS))


def glints(number, rng):
    return observation(number, rng.poisson(60 / FPS), rng=rng, light=0.97)


def foliage(number, rng):
    return observation(number, rng.poisson(12 / FPS), rng=rng, light=0.55, area=(100, 200, 260, 320))


@pytest.mark.parametrize("frame", [snow, glints, foliage])
def test_weather_raises_no_alarm_but_a_source_in_it_does(frame):
    rng = np.random.default_rng(7)
    steps = alarms([*weather(rng, 0, 150, frame=frame), *weather(rng, 150, 185, source_hz=5, frame=frame)])
    assert [round(time_s) for state, time_s, _ in steps if state == "raised" and time_s < 150] == []
    raised = next(step for state, _, step in steps if state == "raised")
    assert raised.time_s < 180
    assert raised.doubts


@pytest.mark.parametrize("rate_hz", [2.0, 5.0, 20.0, 100.0, 1500.0])
def test_field_alarms_as_fast_as_without_places(rate_hz):
    delays = {places: [] for places in (True, False)}
    for seed in range(8):
        for places, delay in delays.items():
            rng = np.random.default_rng(seed)
            frames = [
                observation(number, hits, light=0.4, rng=rng)
                for number, hits in enumerate(
                    rng.poisson(rate_hz / FPS, max(40, round(20 * FPS / max(1, rate_hz / 5))))
                )
            ]
            if not places:
                frames = [replace(frame, like_light=(), positions=()) for frame in frames]
            delay.append(next(time_s for state, time_s, _ in alarms(frames) if state == "raised"))
    assert np.mean(delays[True]) <= np.mean(delays[False]) + 1.0
    assert rate_hz < 100 or max(delays[True]) < 0.8


def test_field_after_glints_alarms_within_a_second():
    rng = np.random.default_rng(8)
    frames = [*weather(rng, 0, 60, frame=glints), *weather(rng, 60, 63, source_hz=250, frame=glints)]
    raised = next(time_s for state, time_s, _ in alarms(frames) if state == "raised")
    assert 60 < raised < 61


def test_rain_that_leaves_plain_hits_raises_no_alarm():
    rng = np.random.default_rng(9)

    def rain(number, rng):
        drops = observation(number, rng.poisson(1.3 / FPS), rng=rng, light=0.7, explained=rng.poisson(0.3 / FPS))
        return replace(drops, falling=number % 4 == 0)

    frames = [*weather(rng, 0, 200, frame=rain), *weather(rng, 200, 230, source_hz=5, frame=rain)]
    raised = [time_s for state, time_s, _ in alarms(frames) if state == "raised"]
    assert 200 < raised[0] < 220


def faint_in_glints(number, rng, source_hz=0.0):
    """Glints, whose candidates are refused by the dozen, and a source that makes faint hits and hits like light."""
    plain = observation(number, rng.poisson(60 / FPS), rng=rng, light=1.0)
    shining = replace(plain, faint=faint(0.5 + 0.4 * source_hz, rng), refused=rng.poisson(90 / FPS))
    return joined(shining, observation(number, rng.poisson(0.4 * source_hz / FPS), rng=rng, light=1.0))


def test_source_of_faint_hits_in_glints_alarms():
    def shine(number, rng):
        return faint_in_glints(number, rng, source_hz=5.0 if number >= 60 * FPS else 0.0)

    steps = alarms(weather(np.random.default_rng(12), 0, 90, frame=shine))
    assert 60 < next(time_s for state, time_s, _ in steps if state == "raised") < 85


def test_faint_hits_of_a_nuisance_alone_raise_no_alarm():
    frames = weather(np.random.default_rng(13), 0, 120, frame=faint_in_glints)
    assert [state for state, _, _ in alarms(frames)] == []


def test_faint_hits_count_only_while_hits_like_light_do_not():
    rng, population = np.random.default_rng(14), Population()
    for number in range(100):
        clear = population.update(replace(observation(number, 0), faint=faint(20, rng), refused=2))
        assert clear.hits == 0
        assert not clear.positions
    for number in range(100, 400):
        population.update(observation(number, 3, rng=rng, light=1.0))
    shining = replace(observation(400, 2, light=1.0), faint=((10, 20), (500, 300), (320, 90)))
    counted = population.update(shining)
    assert (counted.hits, counted.positions) == (3, shining.faint)
    assert counted.explained == 2


def test_leak_of_faint_hits_follows_what_is_refused():
    leaks = []
    for more in (0, 60):
        rng, population = np.random.default_rng(15), Population()
        for number in range(2000):
            frame = observation(number, rng.poisson(2), rng=rng, light=1.0)
            population.update(replace(frame, faint=faint(2.0, rng), refused=20))
            population.learn(frame)
        # Hits of a source that are not sure hardly change what is left out, nor what is expected of the nuisance.
        for number in range(2000, 2150):
            population.update(replace(observation(number, 2, light=1.0), refused=20 + more * (number % 25 == 0) // 20))
        leaks.append(population.leak_hz * SURE_SHARE)
    assert leaks[0] == pytest.approx(2.0, rel=0.35)
    assert leaks[1] < 1.1 * leaks[0]


def test_alarm_of_hits_like_light_never_clears_by_leaving_them_out():
    rng, tracker = np.random.default_rng(10), AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    mixed = [observation(number, rng.poisson(1), rng=rng, light=0.35) for number in range(50)]
    wide = [observation(number, rng.poisson(1), rng=rng, light=1.0) for number in range(50, 3000)]
    steps = [step.state for frame in (*mixed, *wide) for step in tracker.update(frame)]
    assert steps[0] == "raised"
    assert "cleared" not in steps
    assert tracker.population.blinds


def test_box_cannot_say_clear_where_a_source_could_hide():
    rng, tracker = np.random.default_rng(11), AlarmTracker(AlarmSettings(), known=Rate(360, 7200))
    for frame in weather(rng, 0, 30, frame=glints):
        tracker.update(frame)
    situation = situation_of(tracker, AlarmSettings())
    assert situation.condition == "learning"
    assert any(reason.startswith("cannot tell a source from a nuisance") for reason in situation.reasons)
    assert situation.nuisances
