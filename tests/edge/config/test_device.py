from pathlib import Path

import pytest
from pydantic import BaseModel

from edge.config.device import DeviceSettings, load_settings
from edge.errors import SettingsError

LEAST = "site: docks\ndevice: gate-1\nsource: {spec: clip.avi}\nmqtt: {host: localhost}\n"


def all_models(model, seen=None):
    seen = {} if seen is None else seen
    seen[model] = None
    for field in model.model_fields.values():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel) and kind not in seen:
                all_models(kind, seen)
    return list(seen)


@pytest.mark.parametrize("model", all_models(DeviceSettings))
def test_every_setting_has_a_title_and_a_description(model):
    assert model.__doc__
    for name, field in model.model_fields.items():
        assert field.title, f"{model.__name__}.{name}"
        assert field.description, f"{model.__name__}.{name}"


def test_load_settings_takes_paths_from_the_file(tmp_path):
    path = tmp_path / "device.yaml"
    path.write_text(LEAST)
    settings = load_settings(path)
    assert settings.source.spec == str(tmp_path / "clip.avi")
    assert settings.outbox.path == tmp_path / "outbox.sqlite"
    assert settings.model is None


@pytest.mark.parametrize("spec", ["rtsp://user:pw@host/stream", "http://host/mjpeg", "csi:0", "/dev/video0"])
def test_load_settings_leaves_addresses_and_devices_alone(tmp_path, spec):
    path = tmp_path / "device.yaml"
    path.write_text(LEAST.replace("clip.avi", f"'{spec}'"))
    assert load_settings(path).source.spec == spec


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("source: {spec: clip.avi, width: 640}", "3: source: found only one of width and height"),
        ("source: {spec: clip.avi, pace: slow}", "3: source.pace: found the text 'slow', expected 'camera' or 'fast'"),
        (
            "alarm: {false_alarms_per_1000_h: 0}",
            "alarm.false_alarms_per_1000_h: found the number 0, expected at least 0.001",
        ),
        (
            "detection: {masks: [{rectangle: [0, 0, 9, 9], polygon: [[0, 0], [1, 1], [2, 0]]}]}",
            "expected either a rect",
        ),
        ("detection: {masks: [{polygon: [[0, 0], [1, 1]]}]}", "expected at least 3 entries"),
        ("mqtt: {host: a, password_file: p}", "found password_file without username"),
        ("mqtt: {host: a, tls: {cert_file: c}}", "mqtt.tls: found only one of cert_file and key_file"),
        ("alarms: {}", "alarms: unknown key; did you mean alarm?"),
        ("exposure_s: 1", "exposure_s: unknown key; did you mean source.exposure_s?"),
        ("device: Gate 1", "device: found the text 'Gate 1', expected text that matches"),
    ],
)
def test_load_settings_says_what_is_expected(tmp_path, change, expected):
    path = tmp_path / "device.yaml"
    key = change.partition(":")[0]
    kept = [line for line in LEAST.splitlines() if not line.startswith(f"{key}:")]
    at = next((i for i, line in enumerate(LEAST.splitlines()) if line.startswith(f"{key}:")), len(kept))
    path.write_text("\n".join([*kept[:at], change, *kept[at:]]) + "\n")
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert len(caught.value.faults) == 1
    assert expected in caught.value.faults[0]


def test_settings_survive_their_own_json(tmp_path):
    path = tmp_path / "device.yaml"
    path.write_text(LEAST)
    settings = load_settings(path)
    assert DeviceSettings.model_validate_json(settings.model_dump_json()) == settings
    assert isinstance(settings.outbox.path, Path)
