import numpy as np
import pytest
from pydantic import ValidationError

from edge.detect.manifest import Sensitivity
from edge.detect.sensitivity import mean_sensitivity, sensitivity_table

TABLE = Sensitivity(ground_dn=(50.0, 100.0, 200.0), relative=(1.0, 1.0, 0.2))


def test_sensitivity_table_is_linear_between_its_grounds():
    laid = sensitivity_table(TABLE)
    assert laid.shape == (256,)
    assert laid[[0, 50, 75, 100, 150, 200, 255]] == pytest.approx([1, 1, 1, 1, 0.6, 0.2, 0.2])


def test_mean_sensitivity_is_of_live_ground():
    brightness = np.array([[50, 200], [150, 255]], np.uint8)
    live = np.array([[True, True], [False, False]])
    assert mean_sensitivity(brightness, live, sensitivity_table(TABLE)) == pytest.approx(0.6)
    assert mean_sensitivity(brightness, ~live, sensitivity_table(TABLE)) == pytest.approx(0.4)


def test_mean_sensitivity_is_1_without_table_or_live_ground():
    brightness = np.full((2, 2), 200, np.uint8)
    assert mean_sensitivity(brightness, np.ones((2, 2), bool), sensitivity_table(None)) == 1
    assert mean_sensitivity(brightness, np.zeros((2, 2), bool), sensitivity_table(TABLE)) == 1


@pytest.mark.parametrize(
    ("ground_dn", "relative", "complaint"),
    [
        ((10.0, 20.0), (1.0, 0.5, 0.2), "2 grounds and 3 sensitivities"),
        ((20.0, 20.0), (1.0, 0.5), "has to rise"),
        ((10.0, 20.0), (1.0, 1.5), "less than or equal to 1"),
        ((10.0,), (1.0,), "at least 2"),
    ],
)
def test_sensitivity_refuses_an_impossible_table(ground_dn, relative, complaint):
    with pytest.raises(ValidationError, match=complaint):
        Sensitivity(ground_dn=ground_dn, relative=relative)
