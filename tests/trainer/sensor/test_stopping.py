import numpy as np
import pytest

from trainer.sensor.stopping import collision_stopping_mev_cm2_g, csda_range_um, transport_path_um


@pytest.mark.parametrize(
    ("energy_kev", "estar"),
    [(10.0, 16.89), (20.0, 10.10), (50.0, 5.175), (100.0, 3.265), (500.0, 1.638), (1000.0, 1.507)],
)
def test_collision_stopping_agrees_with_estar(energy_kev: float, estar: float) -> None:
    assert collision_stopping_mev_cm2_g(np.array([energy_kev]))[0] == pytest.approx(estar, rel=0.01)


def test_range_and_transport_path_grow_with_energy() -> None:
    energy = np.geomspace(1.0, 2000, 60)
    assert (np.diff(csda_range_um(energy)) > 0).all()
    assert (np.diff(transport_path_um(energy)) > 0).all()
