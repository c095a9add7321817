from pathlib import Path

import numpy as np
import pytest

from edge.bundle import InputContract
from trainer.cascade import choose
from trainer.data.synthetic import write_synthetic
from trainer.fit import fit
from trainer.run import FitSettings, NetworkChoice


def test_both_thresholds_keep_to_what_was_asked(tmp_path: Path) -> None:
    splits = (("train", 96), ("validation", 96))
    data = write_synthetic(tmp_path / "data", crop_size=32, splits=splits)
    contract = InputContract(crop_size=17, planes="temporal", dtype="float32")
    settings = FitSettings(epochs=3, batch_size=16, learning_rate=3e-3)
    run = fit(tmp_path / "run", NetworkChoice(name="screen", options={"width": 0.5}), contract, [data], settings)
    strict, lax = (
        choose(run, run, [data], keep_recall=0.9, false_positive_rate=rate, motion_weight=1.0) for rate in (0.02, 0.3)
    )
    assert strict.false_positive_rate <= 0.02
    assert lax.false_positive_rate <= 0.3
    assert strict.recall <= lax.recall <= 0.96
    assert strict.classifier.threshold >= lax.classifier.threshold
    assert strict.classifier.temperature == pytest.approx(1 / 0.43)
    assert strict.screen == lax.screen
    assert strict.hits == np.sum([one["added_dn"] is not None for one in data.samples("validation").strata])
