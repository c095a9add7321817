"""The command image from a site file to an image, and what it refuses."""

import json
from pathlib import Path

import pytest
from lookalikes import file_systems, lookalike
from release_rig import CURRENT, NEXT, a_manifest, write_release

from firmware_config.commands.cli import main

SITE = """\
site: docks
broker:
  host: broker.lan
boxes:
  - {device: gate-1, board: rpi5, camera: csi, position: gate}
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "site.yaml").write_text(SITE, encoding="utf-8")
    write_release(tmp_path / "release", a_manifest())
    keys = {"schema": 1, "current": CURRENT.public, "next": NEXT.public, "retired": [], "revoked": []}
    (tmp_path / "release-keys").mkdir()
    (tmp_path / "release-keys/keys.json").write_text(json.dumps(keys), encoding="utf-8")
    lookalike(tmp_path / "base", "bookworm").rename(tmp_path / "base.img")
    return tmp_path


WORDS = ("image", "site.yaml", "gate-1", "base.img", "--release", "release", "--out", "gate-1.img")


def test_image_holds_what_the_box_needs(command, place: Path) -> None:
    assert command(main, "credentials", "create", "site.yaml").code == 0
    (place / "id.pub").write_text("ssh-ed25519 AAAAC3Nz ann@desk\n", encoding="utf-8")
    ended = command(main, *WORDS, "--ssh-key", "id.pub")
    assert ended.code == 0, ended
    assert "holds the key of the box: keep it secret. Next: gammabox-firmware flash gate-1.img" in ended.out
    assert "found debian-12, aarch64, Python 3.11; first boot by firstrun.sh" in ended.err
    _, fat = file_systems(place / "gate-1.img")
    key = (place / "credentials/boxes/gate-1/box.key").read_bytes()
    assert fat.read("gammabox/box.key") == key
    assert b"path: /var/lib/gammabox/outbox.sqlite" in (fat.read("gammabox/device.yaml") or b"")
    assert command(main, *WORDS).refused("is there already")


def test_box_can_make_its_key_itself(command, place: Path) -> None:
    assert command(main, "credentials", "create", "site.yaml", "--no-box-keys").code == 0
    assert command(main, *WORDS).refused("gate-1 has no certificate")
    ended = command(main, *WORDS, "--key-on-box", "--json")
    assert ended.code == 0, ended
    assert ended.json["system"]["way"] == "firstrun.sh"
    names = file_systems(place / "gate-1.img")[1].names("gammabox")
    assert {"ca.crt", "device.yaml", "gammabox-edge.service"} <= set(names)
    assert [name for name in names if name.startswith("box.")] == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((*WORDS, "--ssh-key", "base.img"), "name a public key"),
        ((*WORDS, "--ssh-key", "site.yaml"), "holds no public ssh key"),
        ((*WORDS[:2], "gate-2", *WORDS[3:]), "no box of site docks"),
        ((*WORDS[:5], "base.img", *WORDS[6:]), "is no release"),
        ((*WORDS, "--keys", "none"), "gammabox-firmware release keys"),
    ],
)
def test_wrong_input_is_refused(command, place: Path, words: tuple[str, ...], message: str) -> None:
    assert command(main, "credentials", "create", "site.yaml").code == 0
    assert command(main, *words).refused(message)
    assert not (place / "gate-1.img").exists()


def test_passwords_are_not_put_onto_cards(command, place: Path) -> None:
    text = SITE.replace("host: broker.lan", "host: broker.lan\n  tls: false\n  port: 1883")
    (place / "site.yaml").write_text(text, encoding="utf-8")
    assert command(main, *WORDS).refused("set broker.tls: true")
