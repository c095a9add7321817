import pytest

from edge.detect.manifest import Sensitivity
from trainer.errors import SensorError
from trainer.judging import sensitivity
from trainer.judging.sensitivity import OnGround, as_table, measure_sensitivity
from trainer.sensor.camera import OV2710, change
from trainer.sensor.photons import source_spectrum


def test_measure_sensitivity_falls_with_brightness(bundle, monkeypatch):
    monkeypatch.setattr(sensitivity, "MEDIANS_DN", (30, 215))
    monkeypatch.setattr(sensitivity, "EDGES_DN", (0, 80, 180, 250))
    camera = change(OV2710, width=320, height=240, fps=25.0)
    told = []
    rows = measure_sensitivity(bundle, camera, source_spectrum("Tc-99m", ()), frames=30, progress=told.append)
    assert told == [1, 2]
    assert sum(row.hits for row in rows) > 300
    assert [row.ground_dn for row in rows] == sorted(row.ground_dn for row in rows)
    assert rows[0].ground_dn < 80
    assert rows[-1].ground_dn > 180
    assert rows[0].share > rows[-1].share + 0.1
    assert all(row.share_interval[0] < row.share == row.found / row.hits for row in rows)


def test_as_table_is_relative_to_the_best_ground():
    rows = [OnGround(20.0, 100, 80, 0.8, (0.7, 0.9)), OnGround(200.0, 100, 20, 0.2, (0.1, 0.3))]
    table = as_table(rows, {"source": "Tc-99m"})
    assert table == Sensitivity(ground_dn=(20.0, 200.0), relative=(1.0, 0.25), measured={"source": "Tc-99m"})


@pytest.mark.parametrize(
    "rows", [[], [OnGround(20.0, 100, 80, 0.8, (0.7, 0.9))], [OnGround(9.0, 100, 0, 0.0, (0, 0))] * 2]
)
def test_as_table_refuses_too_little(rows):
    with pytest.raises(SensorError, match="no table can be made"):
        as_table(rows, {})
