"""The commands of release and install: what they say, and where they refuse."""

import json
from pathlib import Path

import pytest
from release_rig import stand_in_wheels

import edge
from edge.installer.trust import key_id
from firmware_config.commands.cli import main
from firmware_config.release_keys import load

SITE = """\
site: docks
broker: {host: 192.0.2.7, port: 1883, tls: false}
boxes:
  - {device: gate-1, board: rpi4, camera: csi, position: a}
"""
NAME = f"gammabox-{edge.__version__}-7-rpi-bookworm-aarch64-py3.11.tar"
MAKE = ("release", "make", "--board", "rpi5", "--system", "bookworm", "--number", "7")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with wheels where they are looked for."""
    monkeypatch.chdir(tmp_path)
    stand_in_wheels(tmp_path / "wheels/rpi-bookworm-aarch64")
    return tmp_path


def test_release_makes_and_checks(said, folder) -> None:
    assert "release-keys/next.key off this machine" in said("release", "keys")
    out = said(*MAKE)
    assert out.startswith(f"{NAME}: release {edge.__version__}-7, ")
    assert (folder / NAME).exists()
    assert f"release {edge.__version__}-7 for rpi4, rpi5, debian-12, aarch64, Python 3.11" in said(
        "release", "check", NAME
    )


@pytest.mark.usefixtures("folder")
def test_release_says_the_same_as_json(said) -> None:
    said("release", "keys")
    made = json.loads(said(*MAKE, "--minimum", "5", "--out", "here", "--json"))
    assert (made["out"], made["manifest"]["minimum"], made["archive_sha256"]) == ("here", 5, None)
    found = json.loads(said("release", "check", "here", "--json"))
    assert found["sha256"] == made["sha256"]
    assert found["manifest"] == made["manifest"]


@pytest.mark.usefixtures("folder")
def test_release_check_ends_with_1_for_a_release_of_others(said, command) -> None:
    said("release", "keys")
    said("release", "keys", "other")
    said(*MAKE)
    ended = command(main, "release", "check", NAME, "--keys", "other")
    assert (ended.code, ended.err) == (1, "")
    assert "a key that this box does not know" in ended.out
    as_json = json.loads(command(main, "release", "check", NAME, "--keys", "other", "--json").out)
    assert not as_json["valid"]
    assert "does not know" in as_json["reason"]


def test_release_rotates_and_revokes(said, command, folder) -> None:
    said("release", "keys")
    old = key_id(load(folder / "release-keys").current)
    assert "the old one is kept, and signs on" in said("release", "rotate")
    assert "boxes that still trust it learn that" in said("release", "revoke", old[:12])
    assert "the old one is revoked" in said("release", "rotate", "--revoke")
    assert command(main, "release", "revoke", old[:12]).code == 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (MAKE, "release-keys/keys.json: is missing; make keys with: gammabox-firmware release keys"),
        ((*MAKE[:5], "trixi", *MAKE[6:]), "trixi: no system of rpi5; did you mean trixie?"),
        (("release", "fetch", "--board", "pc", "--system", "bookworm", "--machine", "armv7l"), "no 32-bit wheels"),
        (("release", "fetch", "--board", "rpi4", "--system", "bookworm"), "is there already; remove it to fetch"),
        (("release", "check", "none"), "none: is no release (no such file"),
        (("release", "check", "."), ".: is no release (no such file"),
        (("install", "none"), "name a box, or a stick with --usb"),
        (("install", "none", "box", "--usb", "."), "name a box, or a stick with --usb"),
        (("install", "none", "box", "--site", "site.yaml"), "needs both --site and --device"),
        (("install", "none", "box"), "none: is no release"),
        (
            ("install", "none", "--usb", "stick", "--site", "site.yaml", "--device", "gate"),
            "gate: no box of site docks",
        ),
        (("install", "none", "--", "-oX"), "HOST names no box"),
    ],
)
def test_commands_refuse_with_a_sentence(command, folder, words, sentence) -> None:
    (folder / "site.yaml").write_text(SITE)
    ended = command(main, *words)
    assert ended.code == 2
    assert sentence in ended.err


def test_install_writes_a_stick_with_the_settings_of_a_box(said, folder) -> None:
    (folder / "site.yaml").write_text(SITE)
    (folder / "stick").mkdir()
    said("release", "keys")
    said(*MAKE)
    out = said("install", NAME, "--usb", "stick", "--site", "site.yaml", "--device", "gate-1")
    assert "its folder boxes holds the key of gate-1. On the box: sudo sh gammabox/install.sh gate-1" in out
    stick = folder / "stick/gammabox"
    assert {path.name for path in stick.iterdir()} == {
        "boxes",
        "gammabox-box.pyz",
        "install.sh",
        "release",
        "trust.json",
    }
    assert "device: gate-1" in (stick / "boxes/gate-1/device.yaml").read_text()
