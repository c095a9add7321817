"""Releases are installed over a real ssh server and from a stick, below a root folder of this machine."""

import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from release_rig import SigningKey, a_root, installable, this_target
from ssh_server import ssh_server

from edge.errors import InputError, ReleaseError
from edge.installer.install import shown_state
from edge.installer.trust import load_trust
from firmware_config import release_keys
from firmware_config.credentials import create
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.install import BoxFolder, Order, install_over_ssh, write_stick
from firmware_config.site import Box, Broker, Site
from firmware_config.ssh import checked_address, connection

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as the installation on a box does")

CAMERA = "/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0"
SITE = Site(site="campus", broker=Broker(host="broker.lan"), boxes=(Box(device="gate", board="pc", camera=CAMERA),))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with ssh_server(tmp_path_factory.mktemp("ssh")) as config:
        yield config


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Keys, releases that are signed with them, and certificates of the site."""
    folder = tmp_path_factory.mktemp("parts")
    ring = release_keys.create(folder / "keys")
    (private,) = release_keys.signers(folder / "keys", ring)
    signer = SigningKey(private, ring.current)
    installable(folder / "release", signer, keys=ring.keys)
    installable(folder / "foreign", signer, keys=ring.keys, target=replace(this_target(), boards=("jetson",)))
    create(folder / "credentials", SITE)
    return folder


@pytest.fixture
def root(tmp_path):
    root = a_root(tmp_path / "root")
    (root / "opt/gammabox/trust.json").unlink()
    return root


def ordered(parts, root, release="release", **changes) -> Order:
    return Order(parts / release, parts / "keys", root=str(root), **changes)


def left_over() -> list[Path]:
    return list(Path("/var/tmp").glob("gammabox-install.*"))  # noqa: S108 - where boxes are given files


def require_set_up(root) -> None:
    assert "slot a: release 0.1.0-7, number 7 (active)" in shown_state(root)
    settings = root / "etc/gammabox"
    assert sorted(path.name for path in settings.iterdir()) == ["box.crt", "box.key", "ca.crt", "device.yaml"]
    assert stat.S_IMODE((settings / "box.key").stat().st_mode) == 0o640
    assert (root / "etc/systemd/system/multi-user.target.wants/gammabox-edge.service").is_symlink()


def test_install_over_ssh_sets_up_a_box(parts, root, server) -> None:
    box = BoxFolder(SITE, "gate", parts / "credentials")
    said: list[str] = []
    with connection("box", server) as ssh:
        install_over_ssh(ordered(parts, root, box=box), ssh, said.append)
    assert said[0] == "copying release 0.1.0-7 to box"
    assert said[-1] == "box: release 0.1.0-7 is installed in slot a"
    assert load_trust(root / "opt/gammabox/trust.json").current == release_keys.load(parts / "keys").current
    require_set_up(root)
    assert left_over() == []


def test_install_over_ssh_passes_on_why_a_box_refuses(parts, root, server) -> None:
    with connection("box", server) as ssh, pytest.raises(FirmwareError) as caught:
        install_over_ssh(ordered(parts, root, "foreign"), ssh, lambda _: None)
    assert str(caught.value).startswith("box: release 0.1.0-7 is for a Jetson, and this box is a PC")
    assert not (root / "opt/gammabox/slots").exists()
    assert left_over() == []


def test_install_over_ssh_copies_nothing_that_others_signed(parts, root, server, tmp_path) -> None:
    release_keys.create(tmp_path / "keys")
    with connection("box", server) as ssh, pytest.raises(ReleaseError, match="a key that this box does not know"):
        install_over_ssh(replace(ordered(parts, root), keys=tmp_path / "keys"), ssh, pytest.fail)


def test_connection_says_why_ssh_fails(server, tmp_path) -> None:
    (tmp_path / "config").write_text(server.read_text().replace("Port ", "Port 1 #"))
    with (
        connection("box", tmp_path / "config") as ssh,
        pytest.raises(FirmwareError, match=r"box: .* refused"),
    ):
        ssh.run("true")
    with connection("box", server) as ssh, pytest.raises(FirmwareError, match="box: two"):
        ssh.run("echo one >&2; echo two >&2; exit 3")


def test_run_shown_passes_on_lines_without_control_signs(server) -> None:
    said: list[str] = []
    with connection("box", server) as ssh:
        ssh.run_shown("printf 'one\\n\\033[2Jtwo\\n'", said.append)
        with pytest.raises(FirmwareError, match="box: too bad"):
            ssh.run_shown("echo 'error: too bad' >&2; exit 2", said.append)
        with pytest.raises(FirmwareError, match="it ended with code 3 and without a reason"):
            ssh.run_shown("exit 3", said.append)
    assert said == ["box: one", r"box: \x1b[2Jtwo"]


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "", "a;b", "$(x)"])
def test_checked_address_refuses_what_is_no_host(host) -> None:
    with pytest.raises(InputError, match="HOST names no box"):
        checked_address(host, "HOST")


def test_ssh_says_when_it_is_not_installed(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with connection("box") as ssh, pytest.raises(FirmwareError, match="ssh is not installed here"):
        ssh.run("true")


def from_stick(stick, root, *words) -> subprocess.CompletedProcess[str]:
    command = ["sh", stick / "install.sh", *words, "--root", root]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_write_stick_installs_and_sets_up_a_box(parts, root, tmp_path) -> None:
    (tmp_path / "usb").mkdir()
    (tmp_path / "usb/mine.txt").write_text("")
    write_stick(ordered(parts, root), tmp_path / "usb")
    stick = write_stick(ordered(parts, root, box=BoxFolder(SITE, "gate", parts / "credentials")), tmp_path / "usb")
    assert from_stick(stick, root, "gat").stderr == "error: the stick has no box gat; it has: gate \n"
    ran = from_stick(stick, root, "gate")
    assert (ran.returncode, ran.stderr) == (0, "")
    require_set_up(root)
    assert (tmp_path / "usb/mine.txt").exists()


def test_write_stick_needs_a_folder_and_own_keys(parts, root, tmp_path) -> None:
    with pytest.raises(OutputError, match="is no folder; mount the stick and name where"):
        write_stick(ordered(parts, root), tmp_path / "none")
    release_keys.create(tmp_path / "keys")
    with pytest.raises(ReleaseError, match="does not know"):
        write_stick(replace(ordered(parts, root), keys=tmp_path / "keys"), tmp_path)
