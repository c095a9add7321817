"""Rendered files are accepted by the agent, systemd and OpenSSL, and the same site has the same bytes."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.config.device import load_settings
from edge.installer.setup import UPDATER_UNITS
from edge.updater.layout import Layout
from firmware_config.render import render_site
from firmware_config.site import Box, Broker, Site
from firmware_config.site_file import load_site

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
needs_sysusers = pytest.mark.skipif(
    shutil.which("systemd-sysusers") is None, reason="systemd-sysusers is not installed"
)
WORST_EXPOSURE = 2.0  # of 10; systemd's own word for less than 2.5 is OK


def with_tls(site: Site, host: str = "broker.lan") -> Site:
    return site.model_copy(update={"broker": Broker(host=host)})


def test_render_site_names_these_files(site: Site) -> None:
    assert sorted(render_site(site)) == [
        "README.txt",
        "boxes/gate-north/device.yaml",
        "boxes/gate-north/gammabox-edge.service",
        "boxes/gate-north/gammabox-updater-boot.service",
        "boxes/gate-north/gammabox-updater.path",
        "boxes/gate-north/gammabox-updater.service",
        "boxes/gate-north/gammabox-updater.timer",
        "boxes/gate-north/gammabox.sysusers.conf",
        "boxes/gate-south/device.yaml",
        "boxes/gate-south/gammabox-edge.service",
        "boxes/gate-south/gammabox-updater-boot.service",
        "boxes/gate-south/gammabox-updater.path",
        "boxes/gate-south/gammabox-updater.service",
        "boxes/gate-south/gammabox-updater.timer",
        "boxes/gate-south/gammabox.sysusers.conf",
        "broker/acl",
        "broker/compose.yaml",
        "broker/gammabox-broker.service",
        "broker/mosquitto.conf",
        "broker/run.sh",
    ]


def test_render_site_is_the_same_for_the_same_site(site: Site, site_file: Path) -> None:
    assert render_site(site) == render_site(load_site(site_file))


def test_files_end_in_a_line_feed_and_hold_no_template(site: Site) -> None:
    for name, content in {**render_site(site), **render_site(with_tls(site))}.items():
        assert content.endswith("\n"), name
        assert not content.endswith("\n\n"), name
        assert not re.search(r"\{[{%#]|[%#]\}|[ \t]$|\r", content, re.MULTILINE), name


@pytest.mark.parametrize("tls", [True, False])
def test_device_yaml_is_accepted_by_the_agent(site: Site, tmp_path: Path, *, tls: bool) -> None:
    rendered = render_site(with_tls(site) if tls else site)
    for box in site.boxes:
        path = tmp_path / "device.yaml"
        path.write_text(rendered[f"boxes/{box.device}/device.yaml"], encoding="utf-8")
        loaded = load_settings(path)
        assert (loaded.site, loaded.device) == (site.site, box.device)
        assert loaded.mqtt.username == (None if tls else box.device)
        assert (loaded.mqtt.tls is not None) == tls
        assert loaded.source.spec == box.camera


PRINTABLE = st.text(max_size=60).filter(str.isprintable)


@given(position=PRINTABLE, model=st.text(min_size=1, max_size=30).filter(lambda text: "\x00" not in text))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_device_yaml_keeps_any_text(tmp_path: Path, site: Site, position: str, model: str) -> None:
    box = Box(device="d", board="rpi4", camera="csi", position=position, settings={"model": model})
    path = tmp_path / "device.yaml"
    rendered = render_site(site.model_copy(update={"boxes": (box,)}))
    path.write_text(rendered["boxes/d/device.yaml"], encoding="utf-8", newline="\n")
    loaded = load_settings(path)
    assert (loaded.model, loaded.place) == (tmp_path / model, position or None)


@pytest.mark.parametrize(
    "text", ["null", "true", "017", "1e5", "1_000", "12:30", "~", "yes", "- a", "a: b", "#", "*a", "!x"]
)
def test_device_yaml_keeps_text_that_looks_like_other_types(tmp_path: Path, site: Site, text: str) -> None:
    box = Box(device="d", board="rpi4", camera="csi", settings={"model": text})
    path = tmp_path / "device.yaml"
    rendered = render_site(site.model_copy(update={"boxes": (box,)}))
    path.write_text(rendered["boxes/d/device.yaml"], encoding="utf-8")
    assert load_settings(path).model == tmp_path / text


def test_files_hold_no_secret(site: Site) -> None:
    for name, content in render_site(with_tls(site)).items():
        assert "PRIVATE KEY" not in content, name
        assert not re.search(r"\$7\$|\$6\$", content), name  # hashes as mosquitto_passwd writes them
        # Passwords are named by their file only.
        assert not re.search(r"^\s*password\s*[:=]", content, re.MULTILINE), name


def unit(site: Site, tmp_path: Path, device: str, name: str = "gammabox-edge.service") -> Path:
    path = tmp_path / name
    text = render_site(site)[f"boxes/{device}/{name}"]
    path.write_text(re.sub("^ExecStart=[^ ]*", "ExecStart=/bin/true", text, flags=re.MULTILINE), encoding="utf-8")
    return path


@needs_systemd
@pytest.mark.parametrize("device", ["gate-north", "gate-south"])
def test_unit_is_accepted_by_systemd(site: Site, tmp_path: Path, device: str) -> None:
    command = ["systemd-analyze", "verify", "--man=no", str(unit(site, tmp_path, device))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize(
    ("device", "name", "worst"),
    [
        ("gate-north", "gammabox-edge.service", WORST_EXPOSURE),
        ("gate-south", "gammabox-edge.service", WORST_EXPOSURE),
        ("gate-north", "gammabox-updater.service", 2.5),
        ("gate-north", "gammabox-updater-boot.service", WORST_EXPOSURE),
    ],
)
def test_unit_exposes_little(site: Site, tmp_path: Path, device: str, name: str, worst: float) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit(site, tmp_path, device, name))]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unknown option" in ran.stderr or "unrecognized option" in ran.stderr:
        pytest.skip("this systemd-analyze cannot rate a file")
    score = re.search(r"Overall exposure level[^:]*: ([0-9.]+)", ran.stdout)
    assert score is not None, ran.stdout + ran.stderr
    assert float(score[1]) <= worst


@needs_systemd
def test_updater_units_are_accepted_by_systemd(site: Site, tmp_path: Path) -> None:
    paths = [str(unit(site, tmp_path, "gate-north", name)) for name in ("gammabox-edge.service", *UPDATER_UNITS)]
    command = ["systemd-analyze", "verify", "--man=no", *paths]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "line",
    [
        "User=gammabox",
        "SupplementaryGroups=video",
        "StateDirectory=gammabox",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "DevicePolicy=closed",
        "DeviceAllow=char-video4linux rw",
        "Restart=always",
        "WatchdogSec=60",
        "RuntimeDirectory=gammabox",
        "Environment=GAMMABOX_UPDATER=/var/lib/gammabox-updater",
        "MemoryMax=768M",
    ],
)
def test_unit_has_the_line(site: Site, line: str) -> None:
    for box in site.boxes:
        assert line in render_site(site)[f"boxes/{box.device}/gammabox-edge.service"].splitlines()


def test_unit_allows_devices_of_libcamera_for_csi_only(site: Site) -> None:
    rendered = render_site(site)
    assert "char-dma_heap" not in rendered["boxes/gate-north/gammabox-edge.service"]
    assert "DeviceAllow=char-dma_heap rw" in rendered["boxes/gate-south/gammabox-edge.service"]


def test_unit_settings_and_user_agree_on_paths(site: Site) -> None:
    rendered = render_site(site)
    unit_text = rendered["boxes/gate-north/gammabox-edge.service"]
    device = rendered["boxes/gate-north/device.yaml"]
    assert "--config /etc/gammabox/device.yaml" in unit_text
    assert "LoadCredential=broker-password:" in unit_text
    assert "password_file: /run/credentials/gammabox-edge.service/broker-password" in device
    assert "path: /var/lib/gammabox/" in device
    assert "u gammabox " in rendered["boxes/gate-north/gammabox.sysusers.conf"]


def test_updater_units_agree_with_the_updater(site: Site) -> None:
    rendered, layout = render_site(site), Layout()
    agent, updater, boot, path = (
        rendered[f"boxes/gate-north/{name}"]
        for name in ("gammabox-edge.service", UPDATER_UNITS[0], UPDATER_UNITS[1], UPDATER_UNITS[2])
    )
    assert f"PathChanged={layout.offer}\n" in path
    assert f"Environment=GAMMABOX_UPDATER={layout.own}\n" in agent
    assert f"/run/gammabox/{layout.heartbeat.name}" == str(layout.heartbeat)
    for unit_text, command in ((updater, "update"), (boot, "recover")):
        assert f"ExecStart=/usr/bin/python3 -I {layout.home}/gammabox-box.pyz {command}\n" in unit_text
        assert f"StateDirectory={layout.own.name}\n" in unit_text
        assert f"ReadWritePaths={layout.home} -{layout.agent}\n" in unit_text
        assert f"ConditionPathIsSymbolicLink={layout.pointer}\n" in unit_text
    assert "Before=gammabox-edge.service\n" in boot


@needs_sysusers
def test_sysusers_makes_the_user_a_member_of_video(site: Site, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("video:x:44:\n", encoding="utf-8")
    conf = tmp_path / "gammabox.conf"
    conf.write_text(render_site(site)["boxes/gate-north/gammabox.sysusers.conf"], encoding="utf-8")
    ran = subprocess.run(
        ["systemd-sysusers", f"--root={tmp_path}", str(conf)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"^video:.*:gammabox$", (tmp_path / "etc/group").read_text(encoding="utf-8"), re.MULTILINE)
    passwd = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    assert re.search(r"^gammabox:.*:/var/lib/gammabox:.*nologin$", passwd, re.MULTILINE)


def test_readme_counts_its_steps_and_names_every_box(site: Site) -> None:
    for variant in (site, with_tls(site)):
        text = render_site(variant)["README.txt"]
        steps = [int(number) for number in re.findall(r"^([0-9]+)\. ", text, re.MULTILINE)]
        assert steps == list(range(1, len(steps) + 1))
        for box in site.boxes:
            assert f"    {box.device} ({box.board})" in text
            assert (f"mosquitto_passwd passwords {box.device}\n" in text) != variant.broker.tls
        assert max(map(len, text.splitlines())) <= 122


def test_readme_names_every_rendered_file(site: Site) -> None:
    for variant in (site, with_tls(site)):
        rendered = render_site(variant)
        for name in rendered:
            assert name.rpartition("/")[2] in {"README.txt", "compose.yaml", "mosquitto.conf"} or (
                name.rpartition("/")[2] in rendered["README.txt"]
            )
    assert all(name in rendered["README.txt"] for name in ("ca.crt", "box.crt", "box.key"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_readme_commands_are_sound_shell(site: Site) -> None:
    for variant in (site, with_tls(site)):
        readme = render_site(variant)["README.txt"]
        commands = "\n".join(
            line
            for line in readme.splitlines()
            if line.startswith("    ") and not re.search(r"<device>|<address>", line)
        )
        steps = commands[commands.index("sudo apt-get") :]
        ran = subprocess.run(["bash", "-n"], input=steps, capture_output=True, text=True, check=False)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_readme_copies_the_broker_twice_to_one_place(site: Site, tmp_path: Path) -> None:
    line = next(line for line in render_site(site)["README.txt"].splitlines() if "cp -r broker" in line)
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker/acl").touch()
    script = line.replace("sudo ", "").replace("/opt/", f"{tmp_path}/opt/")
    for _ in range(2):
        subprocess.run(["sh", "-e", "-c", script], cwd=tmp_path, check=True)
    assert [path.name for path in (tmp_path / "opt/gammabox-broker").iterdir()] == ["acl"]
