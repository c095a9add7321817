"""Which decision goes into a bundle, and when two runs cannot make one."""

from dataclasses import replace

import pytest

from edge.bundle import Decision
from quantize.decisions import carried
from quantize.errors import QuantiseError
from quantize.subjects import decision_changes, subjects_of

JOINT = Decision(
    threshold=0.4,
    temperature=2.0,
    screen_weight=1.0,
    motion_weight=2.0,
    scene_weight=0.5,
    border_weight=0.2,
    extent_weight=0.6,
    drift_weight=0.7,
    colour_weight=0.3,
)


def decided(run, decision):
    return replace(run, manifest=run.manifest.model_copy(update={"decision": decision}))


def test_only_a_joint_decision_is_carried(tiny):
    assert carried(decided(tiny.run, JOINT), decided(tiny.run, Decision(threshold=0.1)))
    assert not carried(decided(tiny.run, Decision(threshold=0.4)), tiny.run)
    assert not carried(decided(tiny.run, None), None)


@pytest.mark.parametrize(
    ("with_screen", "message"),
    [(False, "weighs a screen and no screen is named"), (True, "has no decision and that of")],
)
def test_a_joint_decision_without_its_screens_is_refused(tiny, with_screen, message):
    screen = decided(tiny.run, None) if with_screen else None
    with pytest.raises(QuantiseError, match=message):
        carried(decided(tiny.run, JOINT), screen)


def test_changes_between_bundle_and_runs_are_named(tiny):
    assert decision_changes(subjects_of(tiny.bundle, tiny.run, tiny.run)) is None
    joint, screen = decided(tiny.run, JOINT), decided(tiny.run, Decision(threshold=0.1))
    changes = decision_changes(subjects_of(tiny.bundle, joint, screen))
    assert [change.partition(" ")[0] for change in changes] == [
        *("threshold", "temperature", "screen_weight", "motion_weight", "scene_weight"),
        *("border_weight", "extent_weight", "drift_weight", "colour_weight"),
        "threshold",  # of the screen
    ]
