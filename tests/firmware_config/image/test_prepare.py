"""Images that look like those of Raspberry Pi OS and Debian are prepared for a box, and are clean afterwards."""

import json
from pathlib import Path

import pytest
from disk_images import packed
from lookalikes import KINDS, OS, file_systems, lookalike
from release_rig import CONTENT, STRANGER, TRUST, a_manifest, write_release

from edge.errors import ReleaseError
from edge.installer.manifest import Target
from edge.installer.trust import Trust
from firmware_config.errors import ImageError, OutputError
from firmware_config.image import prepare as module
from firmware_config.image.prepare import Login, Order, prepare
from firmware_config.image.systems import PRESEED
from firmware_config.image.table import partitions_of

FILES = {"device.yaml": "site: docks\n", "gammabox-edge.service": "[Unit]\n", "box.crt": "public", "box.key": "secret"}
FIRST_BOOT = "/opt/gammabox/firstboot"


def order(folder: Path, kind: str = "bookworm", **changes: object) -> Order:
    board = "pc" if kind == "debian" else "rpi5"
    release = folder / f"release-{kind}"
    if not release.exists():
        version, python = OS[kind]
        machine = "x86_64" if kind == "debian" else "aarch64"
        write_release(release, a_manifest(target=Target((board,), f"debian-{version}", machine, python)))
    known = {"site": "docks", "device": "gate_1", "board": board, "has_tls": True, "files": FILES}
    return Order(**{**known, "release": release, "trust": TRUST, **changes})


def quiet(_: str) -> None:
    """Take progress."""


@pytest.mark.parametrize("kind", KINDS)
def test_image_is_prepared(tmp_path: Path, kind: str) -> None:
    base = lookalike(tmp_path / "base", kind, machine=0x3E if kind == "debian" else 0xB7)
    out = tmp_path / "gate-1.img"
    done = prepare(base, order(tmp_path, kind), out, quiet)
    assert done.release == "0.1.0-7"
    assert out.stat().st_mode & 0o777 == 0o600
    root, boot = file_systems(out)
    root.check()
    boot.check()
    names = ["gammabox-box.pyz", "gammabox-firstboot", "release.tar", "settings.json", "trust.json"]
    assert root.names(FIRST_BOOT) == names
    assert root.read(f"{FIRST_BOOT}/gammabox-box.pyz") == CONTENT["gammabox-box.pyz"][1]
    settings = json.loads(root.read(f"{FIRST_BOOT}/settings.json") or b"")
    assert settings["boot"] == ("/boot/efi" if kind == "debian" else "/boot/firmware")
    assert root.kind("/etc/systemd/system/gammabox-firstboot.service") == "file"
    assert root.read("/etc/fstab")
    assert {name: boot.read(f"gammabox/{name}") for name in FILES} == {n: text.encode() for n, text in FILES.items()}
    seed = root.read("/var/lib/cloud/seed/nocloud/meta-data") if kind == "debian" else boot.read("meta-data")
    if kind in {"debian", "trixie"}:
        assert json.loads(seed or b"")["instance-id"] == done.instance_id
    line = (boot.read("cmdline.txt") or b"").decode()
    assert (line.count("\n"), "systemd.run=" in line) == (kind != "debian", kind in {"bookworm", "trixie-first"})
    assert (boot.read("rpi-preseed.toml") is not None) == (kind == "preseed")


def test_no_private_key_is_in_the_root(tmp_path: Path) -> None:
    out = tmp_path / "gate-1.img"
    files = {**FILES, "box.key": "a key that is found nowhere else"}
    prepare(lookalike(tmp_path / "base", "debian", machine=0x3E), order(tmp_path, "debian", files=files), out, quiet)
    boot, root = partitions_of(out)
    content = out.read_bytes()
    place = content.find(b"found nowhere else")
    assert boot.offset <= place < boot.offset + boot.size_bytes
    assert content.find(b"found nowhere else", root.offset) == -1


def test_boxes_share_nothing_that_is_theirs(tmp_path: Path) -> None:
    shared = {"etc/machine-id": b"0123456789abcdef0123456789abcdef\n", "etc/ssh/ssh_host_rsa_key": b"key"}
    base = packed(lookalike(tmp_path / "base", "trixie", **shared))
    instances = set()
    for device in ("gate_1", "gate_2"):
        out = tmp_path / f"{device}.img"
        instances.add(prepare(base, order(tmp_path, "trixie", device=device), out, quiet).instance_id)
        root, _ = file_systems(out)
        assert root.read("/etc/machine-id") == b""
        assert root.names("/etc/ssh") == ["sshd_config"]
    assert len(instances) == 2


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    base = lookalike(tmp_path / "base", "bookworm")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        prepare(base, order(tmp_path), tmp_path / name / "gate-1.img", quiet)
    assert (tmp_path / "a/gate-1.img").read_bytes() == (tmp_path / "b/gate-1.img").read_bytes()


def test_root_grows_for_the_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SPARE_BYTES", 40 << 20)
    base = lookalike(tmp_path / "base", "debian", machine=0x3E)
    out = tmp_path / "gate-1.img"
    prepare(base, order(tmp_path, "debian"), out, quiet)
    assert out.stat().st_size > base.stat().st_size
    root, _ = file_systems(out)
    root.check()
    assert root.free_bytes() > 30 << 20


def test_login_is_noted_for_the_first_boot(tmp_path: Path) -> None:
    out = tmp_path / "gate-1.img"
    login = Login("technician", "ssh-ed25519 AAAA ann")
    prepare(lookalike(tmp_path / "base", "preseed"), order(tmp_path, "preseed", login=login), out, quiet)
    settings = json.loads(file_systems(out)[0].read(f"{FIRST_BOOT}/settings.json") or b"")
    assert (settings["login"], settings["login_key"]) == (login.name, login.key)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("bookworm", {"board": "jetson"}, "is for a Raspberry Pi 5, and this box is a Jetson"),
        ("bookworm", {"trust": Trust(STRANGER.public, STRANGER.public)}, "signed"),
        ("bookworm", {"trust": Trust(TRUST.current, TRUST.next, minimum=8)}, "is too old"),
    ],
)
def test_release_of_others_is_refused(tmp_path: Path, kind: str, changes: dict[str, object], words: str) -> None:
    base, out = lookalike(tmp_path / "base", kind), tmp_path / "gate-1.img"
    with pytest.raises(ReleaseError, match=words):
        prepare(base, order(tmp_path, kind, **changes), out, quiet)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(("gate-1", ".gammabox"))] == []


def test_release_for_another_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="is for debian-12, and this box has debian-13"):
        prepare(lookalike(tmp_path / "base", "trixie"), order(tmp_path), tmp_path / "x.img", quiet)


def test_damaged_release_is_refused(tmp_path: Path) -> None:
    wanted = order(tmp_path)
    next((wanted.release / "blobs").iterdir()).write_bytes(b"else")
    with pytest.raises(ReleaseError, match="damaged"):
        prepare(lookalike(tmp_path / "base", "bookworm"), wanted, tmp_path / "x.img", quiet)


def test_unknown_system_is_refused(tmp_path: Path) -> None:
    base = lookalike(tmp_path / "base", "debian", **{"usr/bin/cloud-init": None})
    with pytest.raises(ImageError, match=PRESEED):
        prepare(base, order(tmp_path), tmp_path / "x.img", quiet)


def test_prepared_image_is_not_prepared_again(tmp_path: Path) -> None:
    wanted, out = order(tmp_path), tmp_path / "gate-1.img"
    prepare(lookalike(tmp_path / "base", "bookworm"), wanted, out, quiet)
    with pytest.raises(ImageError, match="prepared or started before"):
        prepare(out, wanted, tmp_path / "again.img", quiet)


def test_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        prepare(lookalike(tmp_path / "base", "bookworm"), order(tmp_path), tmp_path / "none/x.img", quiet)
