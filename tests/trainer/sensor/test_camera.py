"""Every parameter of the camera is documented and bounded; impossible ones are refused by name."""

import pytest

from trainer.errors import SensorError
from trainer.sensor.camera import OV2710, PRESETS, Camera, change, parameter_table, preset


def test_camera_documents_every_parameter() -> None:
    for name, info in Camera.model_fields.items():
        assert info.description, name
        assert isinstance(info.json_schema_extra, dict), name
        assert {"unit", "source"} <= info.json_schema_extra.keys(), name
        assert info.json_schema_extra["source"], name


def test_parameter_table_lists_ranges() -> None:
    table = parameter_table()
    assert all(f"| `{name}` |" in table for name in Camera.model_fields)
    assert "| `epi_um` | 5 | µm | 2 to 40 | assumed |" in table


@pytest.mark.parametrize("name", PRESETS)
def test_preset_ignores_case(name: str) -> None:
    assert preset(name.upper()) is PRESETS[name]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"epi_um": -1}, "epi_um"),
        ({"gain": float("nan")}, "gain"),
        ({"jpeg_quality": 101}, "jpeg_quality"),
        ({"width": 641}, "641x1080"),
        ({"fps": 60}, "exposure_s"),
        ({"depletion_um": 8.0}, "depletion_um"),
        ({"lens": "none"}, "lens"),
        ({"temperature_c": "warm"}, "temperature_c"),
    ],
)
def test_change_refuses_impossible_parameters(values: dict[str, object], named: str) -> None:
    with pytest.raises(SensorError) as caught:
        change(OV2710, **values)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_preset_lists_the_known_names() -> None:
    with pytest.raises(SensorError, match="ov2710"):
        preset("ov9999")


def test_camera_area_and_duty() -> None:
    assert OV2710.area_cm2 == pytest.approx(0.1866, rel=1e-3)
    assert change(OV2710, exposure_s=0.005).duty == pytest.approx(0.15)
