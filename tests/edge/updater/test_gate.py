"""The gate asks for what worked before, waits as long as it says, and blames no release for a network that is away."""

from dataclasses import replace

import pytest

from edge.updater.gate import Baseline, Gate, Limits, ProbeResult, baseline_of
from edge.updater.heartbeat import Heartbeat

BROKER = ("broker.lan", 8883)
GOOD = Heartbeat("b", 0.0, frames=100, fps=25.0, live_fraction=0.8, online=True, broker=BROKER)
BEFORE = Baseline(fps=25.0, live_fraction=0.8, needs_broker=True, broker=BROKER)
LIMITS = Limits()


def verdict(baseline=BEFORE, *, seconds=600, reachable=True, crashed_at=None, **changes):
    """Return the first verdict that is no waiting, when it came, and its reason; a heartbeat comes every 2 s."""
    gate = Gate(baseline, 0.0)
    for second in range(1, seconds):
        heartbeat = replace(GOOD, beat_s=float(second - second % 2), **changes)
        crashed = "exit-code" if crashed_at is not None and second >= crashed_at else None
        found = gate.judge(ProbeResult(float(second), crashed, heartbeat, reachable))
        if found.word != "wait":
            return found.word, second, found.reason
    return "wait", seconds, ""


def test_gate_takes_what_works_after_some_seconds():
    word, second, _ = verdict()
    assert word == "good"
    assert LIMITS.steady_s <= second <= LIMITS.steady_s + 4


@pytest.mark.parametrize(
    ("changes", "within_s", "reason"),
    [
        ({"frames": 0, "fps": 0.0, "live_fraction": None}, LIMITS.working_s, "no frames, which came before"),
        ({"fps": 0.0}, LIMITS.working_s, "no frames, which came before"),
        ({"fps": 12.0}, LIMITS.working_s, "12.0 frames a second, and 25.0 before"),
        ({"live_fraction": 0.3}, LIMITS.working_s, "a live fraction of 30%, and 80% before"),
        ({"live_fraction": None}, LIMITS.working_s, "a live fraction of 0%, and 80% before"),
        ({"online": False}, LIMITS.steady_s + LIMITS.broker_s, "no connection for 90 s to broker broker.lan:8883"),
        ({"crashed_at": 5}, 5, "the agent ended by itself (exit-code)"),
    ],
)
def test_gate_refuses_what_worked_before_within_a_deadline(changes, within_s, reason):
    word, second, said = verdict(**changes)
    assert word == "bad"
    assert second <= within_s + 5
    assert said.startswith(reason)


@pytest.mark.parametrize(
    ("baseline", "changes"),
    [
        (Baseline(), {"frames": 0, "fps": 0.0, "live_fraction": None, "online": False}),
        (replace(BEFORE, needs_broker=False), {"online": False}),
        (replace(BEFORE, live_fraction=None), {"live_fraction": 0.0}),
        (BEFORE, {"fps": 13.0, "live_fraction": 0.41}),
    ],
)
def test_gate_asks_nothing_that_did_not_work_before(baseline, changes):
    assert verdict(baseline, **changes)[0] == "good"


def test_gate_blames_no_release_for_a_network_that_is_away():
    assert verdict(online=False, reachable=False)[0] == "away"
    gate = Gate(BEFORE, 0.0)
    words = set()
    for second in range(1, 5000):  # reachable for a second now and then, far from 90 s in all
        heartbeat = replace(GOOD, beat_s=float(second), online=False)
        words.add(gate.judge(ProbeResult(float(second), None, heartbeat, reachable=second % 100 == 0)).word)
    assert words == {"wait", "away"}


@pytest.mark.parametrize(
    ("last_s", "reason"), [(0, "no sign of life"), (10, "the agent hangs"), (19, "the agent hangs")]
)
def test_gate_refuses_an_agent_that_falls_silent(last_s, reason):
    gate = Gate(BEFORE, 0.0)
    found = None
    for second in range(1, 200):
        heartbeat = replace(GOOD, beat_s=float(min(second, last_s)))
        found = gate.judge(ProbeResult(float(second), None, heartbeat if last_s else None, reachable=True))
        assert found.word in {"wait", "bad"}
        if found.word == "bad":
            break
    assert found.reason.startswith(reason)
    assert second <= 100


def test_baseline_of_an_agent_that_says_nothing_asks_for_life_only():
    assert baseline_of(None, 100.0, reachable=True) == Baseline()
    assert baseline_of(replace(GOOD, beat_s=50.0), 100.0, reachable=True) == Baseline()
    assert baseline_of(replace(GOOD, beat_s=99.0), 100.0, reachable=True) == BEFORE


@pytest.mark.parametrize(
    ("online", "reachable", "needs"), [(True, True, True), (False, True, False), (False, False, True)]
)
def test_baseline_needs_a_broker_unless_it_refused_the_agent_before(online, reachable, needs):
    heartbeat = replace(GOOD, beat_s=99.0, online=online)
    assert baseline_of(heartbeat, 100.0, reachable=reachable).needs_broker is needs
