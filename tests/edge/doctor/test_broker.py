import subprocess

import pytest
from brokers import RealBroker, installed

from edge.config.device import load_settings
from edge.doctor.broker import certificates, connection, login

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not installed("mosquitto"), reason="the rights are those of Mosquitto"),
]
ACL = "user gate\ntopic readwrite gammabox/hall/gate/#\n"
WORD = "open-sesame"


@pytest.fixture
def settings(config, tmp_path):
    (tmp_path / "password").write_text(WORD + "\n")

    def read(port, **mqtt):
        login_files = {"username": "gate", "password_file": "password"}
        return load_settings(config(mqtt={"host": "127.0.0.1", "port": port, **login_files, **mqtt}))

    return read


@pytest.fixture
def broker(tmp_path):
    def start(acl=ACL):
        (tmp_path / "acl").write_text(acl)
        return RealBroker("mosquitto", tmp_path, ("gate", WORD), (f"acl_file {tmp_path / 'acl'}",))

    return start


def states(findings):
    return {finding.check: finding.state for finding in findings}


def test_login_and_rights_are_found_good(settings, broker):
    with broker() as running:
        good = {"login": "ok", "publish": "ok", "own messages": "ok", "commands": "ok"}
        assert states(login(settings(running.port))) == good
        old = states(login(settings(running.port, protocol="3.1.1")))
        assert old == {**good, "publish": "skipped"}
        assert states(connection(settings(running.port).mqtt)) == {"broker": "ok", "TLS": "skipped"}


@pytest.mark.parametrize(
    ("acl", "faults"),
    [
        pytest.param("user gate\ntopic read gammabox/hall/gate/cmd/#\n", {"publish"}, id="no writing"),
        pytest.param("user gate\ntopic write gammabox/hall/other/#\n", {"publish"}, id="another box"),
        pytest.param(
            "user gate\ntopic write gammabox/hall/gate/#\ntopic read gammabox/hall/gate/cmd/#\n",
            {"own messages"},
            id="as rendered before",
        ),
    ],
)
def test_missing_rights_are_faults(settings, broker, acl, faults):
    with broker(acl) as running:
        found = list(login(settings(running.port)))
    assert {finding.check for finding in found if finding.state == "fault"} >= faults
    assert all(finding.remedy for finding in found if finding.state == "fault")


def test_wrong_password_is_a_fault_that_does_not_tell_it(settings, broker, tmp_path):
    with broker() as running:
        wrong = settings(running.port)
        (tmp_path / "password").write_text("wrong-word\n")
        [found] = login(wrong)
    assert (found.check, found.state) == ("login", "fault")
    assert "gate" in found.found
    assert "wrong-word" not in found.found + found.remedy


def test_absent_broker_is_a_fault(settings):
    [found] = connection(settings(1).mqtt)
    assert (found.check, found.state) == ("broker", "fault")
    assert "refused" in found.found.lower()


def make_certificate(folder, name, days):
    words = (
        f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days {days} -subj /CN=127.0.0.1 "
        f"-addext subjectAltName=IP:127.0.0.1 -keyout {folder / name}.key -out {folder / name}.crt"
    )
    subprocess.run(["openssl", *words.split()], check=True, capture_output=True)


def test_tls_is_tried_and_its_certificates_read(settings, tmp_path):
    make_certificate(tmp_path, "broker", 10)
    make_certificate(tmp_path, "other", 400)
    lines = (f"certfile {tmp_path / 'broker.crt'}", f"keyfile {tmp_path / 'broker.key'}")
    with RealBroker("mosquitto", tmp_path, ("gate", WORD), lines) as running:
        good = settings(running.port, tls={"ca_file": "broker.crt"})
        assert states(connection(good.mqtt)) == {"broker": "ok", "TLS": "ok", "broker's certificate": "fault"}
        assert states(login(good))["login"] == "ok"
        other = settings(running.port, tls={"ca_file": "other.crt"})
        assert states(connection(other.mqtt))["TLS"] == "fault"
        assert states(certificates(other.mqtt)) == {"authority": "ok"}
        assert states(certificates(good.mqtt)) == {"authority": "fault"}
        mixed = settings(running.port, tls={"ca_file": "broker.crt", "cert_file": "password", "key_file": "broker.key"})
        assert states(certificates(mixed.mqtt)) == {"authority": "fault", "own certificate": "fault"}


def test_password_over_a_network_wants_tls(settings):
    mqtt = settings(1).mqtt.model_copy(update={"host": "broker.example"})
    from edge.doctor.broker import _unencrypted

    assert _unencrypted(mqtt).state == "fault"
