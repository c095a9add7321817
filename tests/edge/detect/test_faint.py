import json
from pathlib import Path

import numpy as np
import pytest

from edge.detect import faint
from edge.detect.faint import NAMES, FaintNetworks, describe_more, shipped_networks
from edge.detect.light import NAMES as LIGHT_NAMES


def test_shipped_networks_fit_the_description():
    networks = shipped_networks()
    stored = json.loads(Path(faint.__file__).with_name("faint.json").read_text(encoding="utf-8"))
    assert stored["names"] == list(NAMES)
    assert networks.mean.shape == networks.scale.shape == (len(NAMES),)
    assert (networks.scale > 0).all()
    inputs = len(NAMES)
    for weights, bias in networks.layers:
        assert weights.shape == (len(bias), inputs, bias.shape[1])
        inputs = bias.shape[1]
    assert inputs == 1


def test_log_odds_are_the_mean_of_the_networks():
    eye = np.eye(2, dtype=np.float32)
    networks = FaintNetworks(
        np.zeros(2, np.float32),
        np.ones(2, np.float32),
        (
            (np.stack([eye, -eye]), np.zeros((2, 2), np.float32)),
            (np.ones((2, 2, 1), np.float32), np.array([[0], [1]], np.float32)),
        ),
    )
    # The first network sums what is positive, the second what is negative, and adds 1; 9 is clipped to 4.
    assert networks.log_odds(np.array([[2, 1], [9, -3]], np.float32)).tolist() == [2.0, 4.0]


def test_describe_more_adds_its_numbers_in_order():
    described = np.zeros((2, len(LIGHT_NAMES)), np.float32)
    shares = np.array([[0.4, 0.1], [7.0, 0.2]], np.float32)
    more = describe_more(described, shares, np.array([False, True]), candidates=95)
    assert more.shape == (2, len(NAMES))
    named = dict(zip(NAMES, more.T, strict=True))
    assert named["companions"].tolist() == pytest.approx([0.4, 1.5])
    assert named["companions_by_chance"].tolist() == pytest.approx([0.1, 0.2])
    assert named["on_light"].tolist() == [0, 1]
    assert named["candidates"].tolist() == pytest.approx([np.log(100)] * 2)
