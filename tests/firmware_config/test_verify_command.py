"""verify waits for boxes at a real broker, keeps the result, and names the first broken link on the way there."""

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from reports import GOOD_HEALTH, GOOD_INFO, STAMP
from site_broker import MOSQUITTO, SiteBroker, wait_until

from edge.bundle import load_bundle, shipped_bundle_path
from edge.telemetry.login import trusting
from edge.telemetry.messages import Camera, Health, Info, Message, Model, Status, encode
from firmware_config.commands import verify
from firmware_config.commands.cli import main
from firmware_config.connection import control_room_settings
from firmware_config.credentials import create, revoke
from firmware_config.ledger import load_ledger
from firmware_config.new_site import site_text
from firmware_config.path_to_broker import path_findings
from firmware_config.site import Site
from firmware_config.verify import Heard

pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")


@pytest.fixture
def broker(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[SiteBroker]:
    running = SiteBroker(tmp_path, free_port())
    yield running
    running.close()


@contextmanager
def reporting_box(broker: SiteBroker, **info: object) -> Iterator[None]:
    """Connect as a box and report what a good one does."""
    folder = broker.credentials / "boxes/gate-1"
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    context = trusting(broker.credentials / "ca.crt")
    context.load_cert_chain(folder / "box.crt", folder / "box.key")
    client.tls_set_context(context)
    ours = load_ledger(broker.credentials).of("gate-1", "current")[0].sha256
    sha256 = load_bundle(shipped_bundle_path()).manifest.sha256
    own = {"model": Model(name="net", sha256=sha256, runtime="x"), "certificate_sha256": ours}
    film = {"camera": Camera(kind="MJPG", width=64, height=64, fps=30)}
    messages: list[tuple[str, Message]] = [
        ("status", Status(**STAMP, state="online", reason="connected")),
        ("info", Info(**STAMP, **{**GOOD_INFO, **own, **film, **info})),
        ("health", Health(**STAMP, **{**GOOD_HEALTH, "exposure_s": 0.033})),
    ]

    def report(*_: object) -> None:
        for kind, message in messages:
            client.publish(f"gammabox/docks/gate-1/{kind}", encode(message), qos=1, retain=True)

    # What is retained already is state; a health message that arrives while verify listens is news.
    client.on_connect = report
    client.on_publish = lambda _c, _u, _mid, _r, _p: client.publish(
        "gammabox/docks/gate-1/health", encode(messages[2][1]), qos=0
    )
    client.connect("127.0.0.1", broker.site.broker.port)
    client.loop_start()
    try:
        yield
    finally:
        client.on_publish = None
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def site_file(broker: SiteBroker, tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    host = {"host": "127.0.0.1", "port": broker.site.broker.port, "tls": True}
    boxes = [{"device": box.device, "board": "pc", "camera": "/x.avi"} for box in broker.site.boxes]
    path.write_text(site_text("docks", host, boxes), encoding="utf-8")
    return path


def test_verify_says_that_a_box_works(command, broker: SiteBroker, site_file: Path) -> None:
    with reporting_box(broker):
        ended = command(main, "verify", site_file, "gate-1", "--release", "7", "--wait", "30")
    assert ended.code == 0, ended
    assert ended.out.splitlines()[-1] == "gate-1: works"
    assert '"state": "ok"' in (site_file.parent / "verified/gate-1.json").read_text(encoding="utf-8")
    ended = command(main, "label", site_file, "--out", site_file.parent / "labels.html")
    assert ended.code == 0, ended
    assert (site_file.parent / "labels.html").read_text(encoding="utf-8").count("Verified: works") == 1


def test_verify_names_what_is_wrong_with_a_box(command, broker: SiteBroker, site_file: Path) -> None:
    with reporting_box(broker, certificate_sha256="0" * 64):
        ended = command(main, "verify", site_file, "--release", "7", "--wait", "3", "--json")
    assert ended.code == 1
    first, second = ended.json
    assert (first["works"], first["first_fault"]["check"]) == (False, "certificate")
    assert (second["works"], second["first_fault"]["check"]) == (False, "birth")


def first_fault(broker: SiteBroker, site: Site) -> str:
    findings = list(path_findings(control_room_settings(site, broker.credentials), site.site))
    assert [finding.state for finding in findings[:-1]] == ["ok"] * (len(findings) - 1)
    assert findings[-1].remedy or findings[-1].state == "ok"
    return findings[-1].check


def with_host(site: Site, **changes: object) -> Site:
    return site.model_copy(update={"broker": site.broker.model_copy(update=changes)})


def test_path_names_the_first_broken_link(broker: SiteBroker, tmp_path: Path) -> None:
    assert first_fault(broker, broker.site) == "rights"
    assert first_fault(broker, with_host(broker.site, host="no-such-host.invalid")) == "DNS"
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]
    assert first_fault(broker, with_host(broker.site, port=closed)) == "network"
    create(tmp_path / "foreign", broker.site)
    room = broker.credentials / "control-room"
    kept = {path: path.read_bytes() for path in room.iterdir()}
    for path in room.iterdir():
        path.write_bytes((tmp_path / "foreign/control-room" / path.name).read_bytes())
    assert first_fault(broker, broker.site) == "TLS"
    for path, content in kept.items():
        path.write_bytes(content)
    revoke(broker.credentials, broker.site, "control-room")
    broker.refresh()
    assert wait_until(lambda: first_fault(broker, broker.site) == "TLS", 20)


def test_verify_without_credentials_names_the_command(command, site_file: Path, tmp_path: Path) -> None:
    ended = command(main, "verify", site_file, "--credentials", tmp_path / "none")
    assert ended.refused("gammabox-firmware credentials create"), ended


def test_verify_asks_a_silent_box_over_ssh(command, site_file: Path, monkeypatch, tmp_path: Path) -> None:
    links = [("camera", "fault", "it is busy"), ("broker", "ok", "can be reached"), ("TLS", "fault", "it has expired")]
    found = [{"check": check, "state": state, "found": said, "remedy": "renew"} for check, state, said in links]
    (tmp_path / "report").write_text(json.dumps({"findings": found}), encoding="utf-8")
    (tmp_path / "ssh").write_text(f"#!/bin/sh\ncat {tmp_path}/report\n", encoding="utf-8")
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    ended = command(main, "verify", site_file, "gate-1", "--wait", "1", "--ssh", "pi@box", "--json")
    assert ended.code == 1
    assert ended.json[0]["first_fault"] == {**found[2], "check": "TLS on the box"}


def test_verify_does_not_wait_for_a_revoked_box(command, broker: SiteBroker, site_file: Path) -> None:
    revoke(broker.credentials, broker.site, "gate-1")
    ended = command(main, "verify", site_file, "gate-1", "--wait", "600")
    assert "gate-1: certificate: its certificate is revoked" in ended.out, ended


def test_listen_never_says_less_than_nothing_left(monkeypatch) -> None:
    times = iter([0.0, 0.0, 5.3, 5.3, 5.3, 5.3])
    monkeypatch.setattr(verify.time, "monotonic", lambda: next(times))
    silent, said = SimpleNamespace(poll=lambda _: ()), []
    verify._listen(silent, {"desk": Heard()}, 5.0, lambda: False, said.append)
    assert said == ["waiting for desk: 0 s left"]
