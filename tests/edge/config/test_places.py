import pytest

from edge.config.device import load_settings
from edge.errors import SettingsError


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("state_file: device.yaml", "state_file: names the same file as the settings"),
        ("calibration: ./sub/../clip.avi", "calibration: names the same file as source.spec"),
        ("outbox: {path: secret}", "outbox.path: names the same file as mqtt.password_file"),
        ("state_file: camera.pem", "state_file: names the same file as source.ca_file"),
        ("calibration: a.json\nstate_file: a.json", "state_file: names the same file as calibration"),
    ],
)
def test_load_settings_refuses_to_write_over_what_is_read(tmp_path, line, said):
    path = tmp_path / "device.yaml"
    path.write_text(
        "site: docks\ndevice: gate\nsource: {spec: clip.avi, ca_file: camera.pem}\n"
        f"mqtt: {{host: localhost, username: gate, password_file: secret}}\n{line}\n"
    )
    with pytest.raises(SettingsError, match=said):
        load_settings(path)
