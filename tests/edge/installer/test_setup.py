"""Boxes are set up below a root folder with the real commands of systemd."""

import os
import shutil
import stat

import pytest

from edge.errors import ReleaseError
from edge.installer import setup
from edge.installer.setup import set_up_box, system

pytestmark = pytest.mark.skipif(
    not (shutil.which("systemd-sysusers") and shutil.which("systemctl")), reason="needs systemd-sysusers and systemctl"
)
UNIT = "[Unit]\nDescription=agent\n[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"


@pytest.fixture
def box(tmp_path):
    folder = tmp_path / "box"
    folder.mkdir()
    for name, text in {
        "device.yaml": "site: campus\n",
        "gammabox-edge.service": UNIT,
        "gammabox.sysusers.conf": 'u gammabox - "agent" /var/lib/gammabox\n',
        "ca.crt": "authority",
        "box.key": "secret",
        "README.txt": "not for the box",
    }.items():
        (folder / name).write_text(text)
    return folder


def rights(path) -> str:
    return stat.filemode(path.stat().st_mode)


def test_set_up_box_puts_everything_in_its_place(box, tmp_path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    set_up_box(root, box)
    settings = root / "etc/gammabox"
    assert sorted(path.name for path in settings.iterdir()) == ["box.key", "ca.crt", "device.yaml"]
    assert rights(settings) == "drwxr-x---"
    assert {rights(path) for path in settings.iterdir()} == {"-rw-r-----"}
    assert (root / "etc/systemd/system/gammabox-edge.service").read_text() == UNIT
    assert (root / "etc/systemd/system/multi-user.target.wants/gammabox-edge.service").is_symlink()
    if os.geteuid() == 0:
        group = next(line for line in (root / "etc/group").read_text().splitlines() if line.startswith("gammabox:"))
        assert {path.stat().st_gid for path in settings.iterdir()} == {int(group.split(":")[2])}


def test_set_up_box_enables_the_updater_where_it_comes_along(box, tmp_path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    for name in setup.UPDATER_UNITS:
        target = {"path": "paths", "timer": "timers"}.get(name.rpartition(".")[2], "multi-user")
        install = "" if name == "gammabox-updater.service" else f"[Install]\nWantedBy={target}.target\n"
        (box / name).write_text(f"[Unit]\nDescription=updater\n{install}")
    set_up_box(root, box)
    enabled = {path.name for path in (root / "etc/systemd/system").glob("*.wants/*")}
    assert enabled == {"gammabox-edge.service", *setup.STARTED_AT_BOOT}
    assert (root / "etc/systemd/system/gammabox-updater.service").is_file()


def test_set_up_box_can_be_done_again(box, tmp_path) -> None:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    set_up_box(root, box)
    (box / "device.yaml").write_text("site: other\n")
    set_up_box(root, box)
    assert (root / "etc/gammabox/device.yaml").read_text() == "site: other\n"
    assert not list(root.rglob("*.part"))


def test_set_up_box_refuses_a_folder_that_is_not_of_a_box(tmp_path) -> None:
    with pytest.raises(ReleaseError, match=r"has no device\.yaml; write the folder with: gammabox-firmware export box"):
        set_up_box(tmp_path, tmp_path)


def test_set_up_box_needs_the_group(box, tmp_path, monkeypatch) -> None:
    (tmp_path / "root/etc").mkdir(parents=True)
    (tmp_path / "root/etc/group").write_text("other:x:5:\ngammabox:x\n")
    monkeypatch.setattr(setup, "system", lambda *_: None)
    with pytest.raises(ReleaseError, match="has no group gammabox"):
        set_up_box(tmp_path / "root", box)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("no-such-command",), "no-such-command is missing; this box needs a system with systemd"),
        (("sh", "-c", "echo one >&2; echo two >&2; exit 3"), "failed: two"),
        (("false",), "false failed: no reason given"),
    ],
)
def test_system_says_what_failed(command, sentence) -> None:
    with pytest.raises(ReleaseError, match=sentence):
        system(*command)
