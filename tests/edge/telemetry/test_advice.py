from datetime import datetime, timezone

import pytest

from edge.telemetry.advice import advice
from edge.telemetry.messages import AlarmDetail

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
DETAIL = AlarmDetail(
    id="gate-1", raised_utc=NOW, onset_utc=NOW, significance_sigma=6.5, hits=9, live_s=2.0, rate_hz=4.5,
    rate_interval_hz=(2.0, 8.0), background_hz=0.2, background_interval_hz=(0.1, 0.3), false_alarms_per_1000_h=1.0,
    recent=(), maximum_hz=7.0, duration_s=20.0, lower_limit=False, overload=None, evidence=(), doubts=(),
    weakened_by=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("state", "change", "expected"),
    [
        ("raised", {}, "Send someone with a measuring instrument to North gate"),
        ("updated", {"lower_limit": True}, "Keep everybody away from North gate"),
        ("updated", {"overload": "crowded"}, "Keep everybody away from North gate"),
        ("updated", {"doubts": ("glints",)}, "instrument to North gate all the same; look at the picture as well"),
        ("changed", {}, "a source may have come to stay"),
        ("cleared", {}, "Nothing has to be done now"),
    ],
)
def test_advice_follows_the_alarm(state, change, expected):
    assert expected in advice(state, DETAIL.model_copy(update=change), "North gate")


def test_advice_of_a_strong_source_outweighs_doubts():
    assert advice("raised", DETAIL.model_copy(update={"overload": "x", "doubts": ("y",)}), None).startswith("Keep")


def test_advice_of_learning_is_no_all_clear():
    assert "not take this for an all-clear" in advice("learning", None, None)
