"""The commands of credentials, broker and export: what they say, and where they refuse."""

from pathlib import Path

import pytest

from firmware_config import connection
from firmware_config.commands.cli import main
from firmware_config.ledger import load_ledger

SITE = """\
site: docks
broker: {host: 192.0.2.7}
boxes:
  - {device: gate-1, board: rpi4, camera: csi, position: a}
  - {device: gate-2, board: rpi4, camera: csi, position: b}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    return tmp_path / "site.yaml"


def test_commands_make_change_and_revoke(said, site: Path) -> None:
    folder = site.parent
    everybody = "broker, control-room, administrator, gate-1, gate-2"
    assert f"5 certificates made for {everybody}" in said("credentials", "create", site)
    assert "0 certificates made" in said("credentials", "create", site)
    assert "start the broker with: sh" in said("broker", site)
    assert said("credentials", "list", site).count(" current ") == 5
    assert "1 new certificate: gate-1\ncopy " in said("credentials", "rotate", site, "gate-1")
    before = (folder / "broker/crl.pem").read_text(encoding="ascii")
    out = said("credentials", "revoke", site, "gate-2")
    assert "1 certificate of gate-2 revoked" in out
    assert "run.sh takes that up within seconds" in out
    assert (folder / "broker/crl.pem").read_text(encoding="ascii") != before
    assert "12 files written" in said("export", "box", site, "gate-1", "--out", folder / "gate-1")
    assert {path.name for path in (folder / "gate-1").iterdir()} >= {"box.key", "next.key", "ca.crt", "device.yaml"}
    assert "12 files written" in said("export", "ansible", site, "--out", folder / "ansible")


def test_list_warns_of_boxes_that_left(said, command, site: Path) -> None:
    said("credentials", "create", site)
    site.write_text(SITE.replace("gate-2", "gate-3"), encoding="utf-8")
    ended = command(main, "credentials", "list", site)
    assert ended.code == 1
    assert "gate-2 is not in the site file any more; revoke it" in ended.err
    assert "gate-3                   none" in ended.out
    assert command(main, "credentials", "list", site, "--json").json["without"] == ["gate-3"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["credentials", "list", "SITE"], "holds no credentials; make them with"),
        (["credentials", "revoke", "SITE", "gate-1"], "holds no credentials"),
        (["credentials", "revoke", "SITE"], "give either a name or --crl"),
        (["credentials", "rotate", "SITE"], "name boxes, or give --due or --finish"),
        (["credentials", "rotate", "SITE", "--finish"], "make it with: gammabox-firmware credentials create"),
        (["credentials", "create", "SITE", "--authority-key", "x"], "needs --authority"),
        (["credentials", "create", "SITE", "--authority", "SITE"], "holds no certificate as PEM"),
        (["credentials", "issue", "SITE", "gate-1", "SITE"], "holds no credentials"),
        (["broker", "SITE"], "holds no credentials"),
        (["export", "box", "SITE", "gate-1", "--out", "OUT"], "holds no credentials"),
        (["label", "SITE"], "holds no credentials"),
        (["label", "SITE", "gate-11"], "no box of site docks; did you mean gate-1?"),
        (["verify", "SITE", "--ssh", "pi@box"], "is for one box; name it"),
    ],
)
def test_commands_refuse_in_one_line(command, site: Path, words: list[str], message: str) -> None:
    places = {"SITE": site, "OUT": site.parent / "out"}
    ended = command(main, *(places.get(word, word) for word in words))
    assert ended.refused(message), ended
    assert sorted(path.name for path in site.parent.iterdir()) == ["site.yaml"]


def test_certificates_need_tls(command, site: Path) -> None:
    site.write_text(SITE.replace("192.0.2.7", "192.0.2.7, tls: false"), encoding="utf-8")
    assert command(main, "credentials", "create", site).refused("set tls: true")
    assert command(main, "verify", site).refused("give the password of control-room in a file")


def test_revoke_reaches_a_broker_whose_acl_was_edited(said, command, site: Path) -> None:
    said("credentials", "create", site)
    said("broker", site)
    acl, crl = (site.parent / "broker" / name for name in ("acl", "crl.pem"))
    edited = acl.read_text(encoding="utf-8") + "# mine\n"
    acl.write_text(edited, encoding="utf-8")
    ended = command(main, "credentials", "revoke", site, "gate-2")
    assert ended.code == 0, ended
    assert f"gammabox-firmware broker {site} --force" in ended.err
    assert crl.read_bytes() == (site.parent / "credentials/crl.pem").read_bytes()
    assert acl.read_text(encoding="utf-8") == edited
    crl.write_text("old", encoding="ascii")
    ended = command(main, "credentials", "revoke", site, "gate-2")
    assert "gate-2: is revoked already" in ended.out
    assert crl.read_bytes() == (site.parent / "credentials/crl.pem").read_bytes()


def test_revoke_says_that_the_broker_lets_a_box_in(said, command, site: Path) -> None:
    said("credentials", "create", site)
    said("broker", site)
    (site.parent / "broker/.gammabox-rendered.json").write_text("{", encoding="utf-8")
    ended = command(main, "credentials", "revoke", site, "gate-2")
    assert ended.code == 2
    assert f"lets gate-2 in: copy {site.parent}/credentials/crl.pem to {site.parent}/broker/" in ended.err


def test_rotate_names_the_restart_and_the_command(said, site: Path) -> None:
    said("credentials", "create", site)
    out = said("credentials", "rotate", site, "gate-1")
    assert "sudo systemctl restart gammabox-edge" in out
    assert f"gammabox-firmware credentials rotate {site} --finish" in out


def test_export_box_speaks_of_a_key_that_it_holds(said, site: Path) -> None:
    said("credentials", "create", site)
    assert "holds the key" in said("export", "box", site, "gate-1", "--out", site.parent / "gate-1")
    (site.parent / "credentials/boxes/gate-2/box.key").unlink()
    assert "its key is not in it" in said("export", "box", site, "gate-2", "--out", site.parent / "gate-2")


def test_rotate_finish_says_what_is_left_to_do(said, command, site: Path, monkeypatch) -> None:
    said("credentials", "create", site)
    said("broker", site)
    said("credentials", "rotate", site, "gate-1", "gate-2")
    ledger = load_ledger(site.parent / "credentials")
    (proven,) = ledger.of("gate-1", "next")
    monkeypatch.setattr(connection, "connected_certificates", lambda *_: {"gate-1": proven.sha256})
    ended = command(main, "credentials", "rotate", site, "--finish")
    assert ended.code == 1
    assert "on gate-1, before its next change: move next.crt over box.crt, and next.key over box.key" in ended.out
    assert "gate-2; their old one stays valid\nrestart these boxes" in ended.out
    lists = [(site.parent / folder / "crl.pem").read_bytes() for folder in ("broker", "credentials")]
    assert lists[0] == lists[1]  # although gate-2 still waits
