"""Networks are paired with their runs, and each side has its decision."""

from dataclasses import replace

import numpy as np
import pytest

from edge.detect.decision import Decision
from edge.detect.network import scores_of
from quantize.errors import QuantiseError
from quantize.pairing import at_unit_temperature, chosen_together, decision_changes, float_decisions, pair_networks

MAIN, FIRST = Decision(threshold=0.4, temperature=2.0), Decision(threshold=0.1)


def with_decision(run, decision, decided_with=None):
    update = {"decision": decision, "decided_with": decided_with}
    return replace(run, manifest=run.manifest.model_copy(update=update))


def test_chosen_together_holds_for_decisions_of_cascade_only(tiny):
    main, screen = with_decision(tiny.run, MAIN, "screen"), with_decision(tiny.run, FIRST, "main")
    assert chosen_together(main, screen)
    assert not chosen_together(with_decision(tiny.run, MAIN), screen)
    assert not chosen_together(with_decision(tiny.run, None), None)


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        ("no screen", "chosen together with that of the_screen and no screen is named"),
        (None, "has no decision of `cascade` and that of"),
        (FIRST, "has no decision of `cascade` and that of"),
    ],
)
def test_chosen_together_refuses_half_of_a_decision(tiny, decision, message):
    screen = None if decision == "no screen" else with_decision(tiny.run, decision)
    with pytest.raises(QuantiseError, match=message):
        chosen_together(with_decision(tiny.run, MAIN, "the_screen"), screen)


def test_decision_changes_names_every_field_that_differs(tiny):
    assert decision_changes(pair_networks(tiny.bundle, tiny.run, tiny.run)) is None
    main, screen = with_decision(tiny.run, MAIN, "screen"), with_decision(tiny.run, FIRST, "main")
    changes = decision_changes(pair_networks(tiny.bundle, main, screen))
    assert [change.partition(" ")[0] for change in changes] == ["threshold", "temperature", "threshold"]
    assert changes[-1].endswith("(screen)")


def test_decision_changes_takes_a_matched_threshold_for_the_runs(tiny):
    noted = tiny.bundle.manifest.provenance["threshold"]["matched_to"]
    main = with_decision(tiny.run, Decision(threshold=noted), "the_screen")
    screen = with_decision(tiny.run, Decision(threshold=noted + 0.01), "main")
    pairs = pair_networks(tiny.bundle, main, screen)
    assert [change.endswith("(screen)") for change in decision_changes(pairs)] == [True]
    crowded = with_decision(tiny.run, Decision(threshold=noted, crowd_weight=1.0), "the_screen")
    assert "crowd_weight 0 instead of 1" in decision_changes(pair_networks(tiny.bundle, crowded, screen))


def test_decision_changes_names_a_screen_that_is_missing(tiny):
    manifest = tiny.bundle.manifest.model_copy(update={"screen": None, "decision": MAIN})
    alone = type(tiny.bundle)(tiny.bundle.path, manifest, tiny.bundle.model)
    pairs = pair_networks(alone, with_decision(tiny.run, MAIN, "the_screen"), None)
    assert decision_changes(pairs) == ["no screen instead of the_screen"]


def test_float_decisions_are_the_runs_or_what_convert_noted(tiny):
    pairs = pair_networks(tiny.bundle, with_decision(tiny.run, MAIN), tiny.run)
    noted = tiny.bundle.manifest.provenance["screen"]["threshold"]["matched_to"]
    assert float_decisions(pairs, []) == [MAIN, Decision(threshold=noted)]


@pytest.mark.parametrize(("threshold", "temperature"), [(0.3, 2.0), (0.9, 0.5), (0.0, 1.0), (1.0, 3.0)])
def test_at_unit_temperature_decides_alike(threshold, temperature):
    decision = Decision(threshold=threshold, temperature=temperature)
    logits = np.stack([np.zeros(201), np.linspace(-9.03, 9.07, 201)], axis=1).astype(np.float32)
    plain = at_unit_temperature(decision)
    wanted = scores_of(logits, temperature) >= threshold
    assert ((scores_of(logits) >= plain.threshold) == wanted).all()


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
