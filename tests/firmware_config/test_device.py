"""Boxes of the site file become settings of the agent."""

import pytest

from edge.config.device import DeviceSettings
from firmware_config.device import FIXED, device_settings, settings_faults
from firmware_config.site import Box, Broker, Site

USB = "/dev/v4l/by-path/pci-0-video-index0"


def box(**values: object) -> Box:
    return Box.model_validate({"device": "b", "board": "rpi4", "camera": USB, **values})


def test_device_settings_are_accepted_by_the_agent(site: Site) -> None:
    settings = DeviceSettings.model_validate(device_settings(site.site, site.broker, site.boxes[0]))
    assert (settings.site, settings.device, settings.mqtt.username) == ("campus", "gate-north", "gate-north")
    assert settings.source.spec.startswith("/dev/v4l/by-path/")
    assert (settings.source.exposure_s, settings.detection.threads, settings.mqtt.tls) == (0.02, 2, None)


def test_device_settings_with_tls_name_the_authority() -> None:
    settings = DeviceSettings.model_validate(device_settings("s", Broker(host="h"), box()))
    assert settings.mqtt.tls is not None
    assert list(map(str, settings.mqtt.tls.model_dump().values())) == ["ca.crt", "box.crt", "box.key"]
    assert (settings.mqtt.username, settings.mqtt.password_file) == (None, None)
    assert settings.mqtt.port == 8883


def test_device_settings_hold_place_and_position() -> None:
    placed = box(position="North gate", coordinates={"latitude": 50.5, "longitude": -6.25})
    settings = DeviceSettings.model_validate(device_settings("s", Broker(host="h"), placed))
    assert settings.place == "North gate"
    assert settings.position is not None
    assert (settings.position.latitude, settings.position.longitude) == (50.5, -6.25)
    assert DeviceSettings.model_validate(device_settings("s", Broker(host="h"), box())).place is None


def test_device_settings_merge_those_of_the_box() -> None:
    over = {"source": {"width": 1280, "height": 720}, "mqtt": {"keepalive_s": 60}}
    settings = DeviceSettings.model_validate(device_settings("s", Broker(host="h"), box(settings=over)))
    assert (settings.source.width, settings.source.fps, settings.mqtt.keepalive_s) == (1280, 30.0, 60)
    assert settings.mqtt.tls is not None


@pytest.mark.parametrize("place", FIXED, ids=".".join)
def test_settings_faults_name_settings_that_are_fixed(place: tuple[str, ...]) -> None:

    over: object = "x"
    for part in reversed(place):
        over = {part: over}
    faults = list(settings_faults("s", Broker(host="h"), box(settings=over)))
    assert [at for at, _ in faults] == [place]
    assert "remove it here" in faults[0][1]


@pytest.mark.parametrize("tls", [True, False])
@pytest.mark.parametrize("value", [None, False, {}, {"cert_file": "box.crt"}])
def test_settings_faults_name_tls_beside_the_broker(*, tls: bool, value: object) -> None:
    broker = Broker(host="h", tls=tls)
    sentences = [text for _, text in settings_faults("s", broker, box(settings={"mqtt": {"tls": value}}))]
    assert sentences == ["mqtt.tls: follows from broker.tls; remove it here"]
