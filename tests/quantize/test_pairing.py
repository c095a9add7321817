"""Networks are paired with their runs, and each side has its decision."""

from dataclasses import replace

import numpy as np
import pytest

from edge.detect.decision import Decision
from edge.detect.network import scores_of
from quantize.errors import QuantiseError
from quantize.pairing import at_unit_temperature, chosen_together, decision_changes, decisions_alone, pair_networks
from quantize.predictions import predict

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


def with_decision(run, decision):
    return replace(run, manifest=run.manifest.model_copy(update={"decision": decision}))


def test_chosen_together_holds_for_a_joint_decision_only(tiny):
    assert chosen_together(with_decision(tiny.run, JOINT), with_decision(tiny.run, Decision(threshold=0.1)))
    assert not chosen_together(with_decision(tiny.run, Decision(threshold=0.4)), tiny.run)
    assert not chosen_together(with_decision(tiny.run, None), None)


@pytest.mark.parametrize(
    ("with_screen", "message"),
    [(False, "weighs a screen and no screen is named"), (True, "has no decision and that of")],
)
def test_chosen_together_refuses_a_decision_without_a_screen(tiny, with_screen, message):
    screen = with_decision(tiny.run, None) if with_screen else None
    with pytest.raises(QuantiseError, match=message):
        chosen_together(with_decision(tiny.run, JOINT), screen)


def test_decision_changes_names_every_field_that_differs(tiny):
    assert decision_changes(pair_networks(tiny.bundle, tiny.run, tiny.run)) is None
    joint, screen = with_decision(tiny.run, JOINT), with_decision(tiny.run, Decision(threshold=0.1))
    changes = decision_changes(pair_networks(tiny.bundle, joint, screen))
    assert [change.partition(" ")[0] for change in changes] == [
        *("threshold", "temperature", "screen_weight", "motion_weight", "scene_weight"),
        *("border_weight", "extent_weight", "drift_weight", "colour_weight"),
        "threshold",  # of the screen
    ]


@pytest.mark.parametrize(("threshold", "temperature"), [(0.3, 2.0), (0.9, 0.5), (0.0, 1.0), (1.0, 3.0)])
def test_at_unit_temperature_decides_alike(threshold, temperature):
    decision = Decision(threshold=threshold, temperature=temperature)
    logits = np.stack([np.zeros(201), np.linspace(-9.03, 9.07, 201)], axis=1).astype(np.float32)
    plain = at_unit_temperature(decision)
    wanted = scores_of(logits, temperature) >= threshold
    assert ((scores_of(logits) >= plain.threshold) == wanted).all()


def test_decisions_alone_of_a_joint_decision_keep_a_stated_rate():
    first = Decision(threshold=0.2)
    logits = np.random.default_rng(1).normal(0, 3, (500, 2)).astype(np.float32)
    label = np.arange(500, dtype=np.uint8) % 2
    reference, own, used = decisions_alone(logits, label, JOINT, JOINT)
    assert (reference, used) == (own, False)
    assert predict(logits, reference).hit[label == 0].mean() <= 0.01
    assert decisions_alone(logits, label, first, first) == (first, first, True)


@pytest.mark.parametrize("label", [np.zeros(20, np.uint8), np.ones(20, np.uint8)], ids=["no hits", "hits only"])
def test_decisions_alone_exist_for_crops_of_one_label(label):
    logits = np.stack([np.zeros(20), np.linspace(40, 50, 20)], axis=1).astype(np.float32)  # every score is 1
    assert 0 <= decisions_alone(logits, label, JOINT, JOINT)[0].threshold <= 1


@pytest.mark.parametrize(("field", "value"), [("planes", "spike"), ("scale", 1 / 127.5), ("offset", -1.0)])
def test_pair_networks_refuses_another_input_contract(tiny, field, value):
    other = tiny.run.manifest.input.model_copy(update={field: value})
    run = type(tiny.run)(tiny.run.path, tiny.run.manifest.model_copy(update={"input": other}))
    with pytest.raises(QuantiseError, match=f"its input {field} is"):
        pair_networks(tiny.bundle, run, tiny.run)


def test_pair_networks_refuses_a_run_for_a_missing_screen(tiny):
    bundle = type(tiny.bundle)(
        tiny.bundle.path, tiny.bundle.manifest.model_copy(update={"screen": None}), tiny.bundle.model
    )
    with pytest.raises(QuantiseError, match="it holds no screen"):
        pair_networks(bundle, tiny.run, tiny.run)


def test_pair_networks_refuses_half_of_a_bundle(tiny):
    with pytest.raises(QuantiseError, match="its screen's run is not named"):
        pair_networks(tiny.bundle, tiny.run, None)
