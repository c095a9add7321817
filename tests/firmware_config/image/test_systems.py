"""The first-boot system of an image is found by looking inside, and started by its adapter."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from lookalikes import CMDLINE, FIRST, KINDS, OS, file_systems, lookalike

from firmware_config.errors import ImageError
from firmware_config.image.adapters import adapter_of, user_data, with_words
from firmware_config.image.systems import System, system_of

WAYS = {
    "bookworm": "firstrun.sh",
    "trixie-first": "firstrun.sh",
    "trixie": "cloud-init on the boot partition",
    "preseed": "rpi-preseed.toml",
    "debian": "cloud-init in the root",
}


@pytest.mark.parametrize("kind", KINDS)
def test_system_is_found(tmp_path: Path, kind: str) -> None:
    system = system_of(*file_systems(lookalike(tmp_path, kind)))
    assert system.way == WAYS[kind]
    assert (system.target, system.python) == (f"debian-{OS[kind][0]}", OS[kind][1])
    assert system.machine == "aarch64"
    assert system.boot == ("/boot/efi" if kind == "debian" else "/boot/firmware")
    assert (system.has_machine_id, system.host_keys) == (False, ())


def test_system_is_found_beside_a_name_with_an_apostrophe(tmp_path: Path) -> None:
    text = b"PRETTY_NAME=Ann's Debian\nID=debian\nVERSION_ID=12\n"
    image = lookalike(tmp_path, "bookworm", **{"usr/lib/os-release": text})
    assert system_of(*file_systems(image)).target == "debian-12"


def test_what_all_boxes_would_share_is_found(tmp_path: Path) -> None:
    files = {"etc/machine-id": b"0123456789abcdef0123456789abcdef\n"}
    files |= {f"etc/ssh/ssh_host_{kind}_key{end}": b"" for kind in ("ed25519", "rsa") for end in ("", ".pub")}
    system = system_of(*file_systems(lookalike(tmp_path, "bookworm", **files)))
    assert system.has_machine_id
    assert len(system.host_keys) == 4


@pytest.mark.parametrize(
    ("kind", "files", "words"),
    [
        ("bookworm", {"usr/lib/raspberrypi-sys-mods/imager_custom": None}, "looked for /usr/bin/rpi-preseed"),
        ("debian", {"usr/bin/cloud-init": None}, "/usr/bin/cloud-init (Raspberry Pi OS Trixie, Debian)"),
        ("bookworm", {"usr/bin/python3": b""}, "no /usr/bin/python3"),
        ("bookworm", {"etc/fstab": b"/dev/x / ext4 defaults 0 1\n"}, "mounts no FAT partition"),
        ("bookworm", {"opt/gammabox/firstboot/settings.json": b"{}"}, "prepared or started before"),
    ],
)
def test_unsuitable_systems_are_refused(tmp_path: Path, kind: str, files: dict[str, bytes | None], words: str) -> None:
    with pytest.raises(ImageError) as error:
        system_of(*file_systems(lookalike(tmp_path, kind, **files)))
    assert words in str(error.value)


@pytest.mark.parametrize("kind", ["bookworm", "trixie"])
def test_customised_images_are_refused(tmp_path: Path, kind: str) -> None:
    root, boot = file_systems(lookalike(tmp_path, kind))
    adapter = adapter_of(system_of(root, boot), "gate-1", "gammabox-gate-1-0")
    boot.write({"cmdline.txt": with_words(boot.read("cmdline.txt") or b"", adapter.words)})
    with pytest.raises(ImageError, match="customised before"):
        system_of(root, boot)


def test_foreign_processor_is_told(tmp_path: Path) -> None:
    assert system_of(*file_systems(lookalike(tmp_path, "debian", machine=0x3E))).machine == "x86_64"


def system(kind: str) -> System:
    place = "/boot/efi" if kind == "debian" else "/boot/firmware"
    return System(WAYS[kind], place, "debian", "12", "aarch64", "3.11", has_machine_id=False, host_keys=())


def test_cloud_init_gets_an_instance_of_its_own() -> None:
    adapter = adapter_of(system("trixie"), "gate-1", "gammabox-gate-1-abc")
    assert adapter.words == ("ds=nocloud;i=gammabox-gate-1-abc",)
    assert json.loads(adapter.boot["meta-data"]) == {"instance-id": "gammabox-gate-1-abc", "local-hostname": "gate-1"}
    in_root = adapter_of(system("debian"), "gate-1", "gammabox-gate-1-abc")
    assert (in_root.boot, in_root.words) == ({}, ())
    assert {file.path: file.content for file in in_root.root} == {
        f"/var/lib/cloud/seed/nocloud/{name}": content for name, content in adapter.boot.items()
    }


def test_user_data_passes_the_schema_of_cloud_init(tmp_path: Path) -> None:
    if shutil.which("cloud-init") is None:
        pytest.skip("cloud-init is not installed")
    (tmp_path / "user-data").write_bytes(user_data("gate-1"))
    words = ["cloud-init", "schema", "--config-file", tmp_path / "user-data"]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_first_run_enables_the_service_and_goes(tmp_path: Path) -> None:
    """The script runs with its paths moved into a folder, as a shell of the system would run it."""
    adapter = adapter_of(system("bookworm"), "gate-1", "x")
    assert adapter.words[0] == "systemd.run=/boot/firmware/firstrun.sh"
    boot, units = tmp_path / "boot/firmware", tmp_path / "etc/systemd/system"
    boot.mkdir(parents=True)
    (boot / "cmdline.txt").write_bytes(with_words((CMDLINE + FIRST).encode(), adapter.words))
    script = adapter.boot["firstrun.sh"].decode()
    script = script.replace("/etc/", f"{tmp_path}/etc/").replace("/boot/", f"{tmp_path}/boot/")
    (boot / "firstrun.sh").write_text(script, encoding="utf-8")
    assert subprocess.run(["sh", boot / "firstrun.sh"], check=False).returncode == 0
    assert (boot / "cmdline.txt").read_text(encoding="utf-8") == f"{CMDLINE}{FIRST}\n"
    assert not (boot / "firstrun.sh").exists()
    link = units / "multi-user.target.wants/gammabox-firstboot.service"
    assert link.readlink() == Path("../gammabox-firstboot.service")


def test_preseed_is_toml_that_the_system_reads() -> None:
    text = adapter_of(system("preseed"), "gate-1", "x").boot["rpi-preseed.toml"].decode()
    tomllib = pytest.importorskip("tomllib")
    content = tomllib.loads(text)
    assert content["config_version"] == "1.1"
    assert content["system"] == {"hostname": "gate-1"}
    assert content["runcmd"] == {"early": ["systemctl enable --now --no-block gammabox-firstboot.service"]}
