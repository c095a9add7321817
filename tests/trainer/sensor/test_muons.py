import numpy as np
import pytest

from trainer.sensor.camera import OV2710
from trainer.sensor.muons import muon_directions, muon_hits_per_s, muon_library


def test_muon_rate_is_one_a_minute_and_square_centimetre() -> None:
    _, level = muon_directions(np.random.default_rng(1), 20_000, 0.0)
    _, upright = muon_directions(np.random.default_rng(1), 20_000, 90.0)
    assert level * 60 == pytest.approx(1.0, rel=0.03)
    assert 0.3 < upright / level < 0.8
    muons = muon_library(OV2710, 200)
    assert 0.05 < 60 * muon_hits_per_s(OV2710, muons) < 0.2
    assert len(muons) > 180  # nearly every muon leaves more than 25 electrons
