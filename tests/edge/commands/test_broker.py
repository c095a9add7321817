import re
from pathlib import Path

import pytest

from edge.commands.broker import broker_settings
from edge.errors import BrokerError


@pytest.mark.parametrize(
    ("broker", "host", "port"),
    [("box", "box", 1883), ("10.0.0.1:2000", "10.0.0.1", 2000), ("[::1]:9", "::1", 9), ("[fe80::1]", "fe80::1", 1883)],
)
def test_broker_settings_read_host_and_port(broker, host, port):
    settings = broker_settings(broker)
    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"broker": "a:99999"}, "broker 'a:99999': port: found the number 99999, expected at most 65535"),
        ({"broker": "a", "password_file": Path("p")}, "broker 'a': found password_file without username, expected"),
        (
            {"broker": "a", "username": ""},
            "broker 'a': username: found the text (not shown), expected at least 1",
        ),
    ],
)
def test_broker_settings_refuse_impossible_logins(given, said):
    with pytest.raises(BrokerError, match=re.escape(said)):
        broker_settings(**given)


@pytest.mark.parametrize("broker", ["", "a:b", "a:1:2", "a:99999", "mqtt://a", "a b", ":1883"])
def test_broker_settings_refuse_what_names_no_broker(broker):
    with pytest.raises(BrokerError, match="broker"):
        broker_settings(broker)


def test_broker_settings_take_a_certificate_with_tls_only():
    settings = broker_settings("a", ca_file=Path("ca"), cert_file=Path("c"), key_file=Path("k"))
    assert (settings.port, settings.tls.key_file) == (8883, Path("k"))
    with pytest.raises(BrokerError, match="--ca-file"):
        broker_settings("a", cert_file=Path("c"), key_file=Path("k"))
    with pytest.raises(BrokerError, match="expected both or neither"):
        broker_settings("a", ca_file=Path("ca"), cert_file=Path("c"))
