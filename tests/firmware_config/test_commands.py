"""The commands run in a process of their own and are judged by exit code, stdout and stderr."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from edge.config.device import load_settings
from firmware_config.commands.cli import main
from firmware_config.new_site import example_text
from firmware_config.site_file import load_site


def firmware(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from firmware_config.commands import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_init_trial_and_render_yield_sound_settings(tmp_path: Path) -> None:
    site, out = tmp_path / "site.yaml", tmp_path / "out"
    (tmp_path / "gate.avi").touch()
    for arguments in (
        ["init", site, "--trial", tmp_path / "gate.avi"],
        ["validate", site],
        ["render", site, "--out", out],
    ):
        ran = firmware(*arguments)
        assert (ran.returncode, ran.stderr) == (0, ""), arguments
        assert len(ran.stdout.splitlines()) == 1
    for box in load_site(site).boxes:
        assert load_settings(out / "boxes" / box.device / "device.yaml").device == box.device


def test_init_example_asks_for_its_placeholders_alone(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    assert firmware("init", site).returncode == 0
    assert site.read_text(encoding="utf-8") == example_text()
    faults = firmware("validate", site).stderr.splitlines()
    assert len(faults) == example_text().replace("every CHANGE-ME", "").count("CHANGE-ME") == 4
    assert all("placeholder" in fault for fault in faults)


def test_init_never_overwrites(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("years of work\n", encoding="utf-8")
    ran = firmware("init", site)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"error: {site}: is there already and is never overwritten; choose another name\n"
    assert site.read_text(encoding="utf-8") == "years of work\n"


def test_init_names_the_missing_folder(tmp_path: Path) -> None:
    ran = firmware("init", tmp_path / "none" / "site.yaml")
    assert ran.returncode == 2
    assert "cannot be written (No such file or directory)" in ran.stderr


def test_validate_exits_2_with_every_fault_on_its_line(site_file: Path, site_yaml: str) -> None:
    site_file.write_text(site_yaml.replace("1883", "0").replace("rpi5", "rpi9").replace("threads", "treads"), "utf-8")
    ran = firmware("validate", site_file)
    assert (ran.returncode, ran.stdout) == (2, "")
    lines = ran.stderr.splitlines()
    assert len(lines) == 3
    for line, place in zip(lines, (4, 14, 16), strict=True):
        assert f"{site_file}:{place}: " in line


def test_validate_json_holds_boxes_or_faults(site_file: Path, site_yaml: str) -> None:
    ran = firmware("validate", site_file, "--json")
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["valid"], report["site"]) == (0, True, "campus")
    assert report["boxes"] == ["gate-north", "gate-south"]
    site_file.write_text(site_yaml.replace("1883", "0"), encoding="utf-8")
    ran = firmware("validate", site_file, "--json")
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["valid"], len(report["faults"])) == (2, False, 1)


def test_validate_warnings_go_to_stderr_with_exit_0(site_file: Path, site_yaml: str) -> None:
    site_file.write_text(site_yaml.replace("    position: South gate\n", ""), encoding="utf-8")
    ran = firmware("validate", site_file)
    assert ran.returncode == 0
    assert ran.stdout == f"{site_file}: valid; site campus, 2 boxes, broker 192.0.2.7:1883 without TLS\n"
    assert ran.stderr.splitlines()[-1].startswith("warning: gate-south: ")


def test_render_writes_nothing_from_a_faulty_file(site_file: Path, site_yaml: str, tmp_path: Path) -> None:
    site_file.write_text(site_yaml.replace("csi:1", "webcam"), encoding="utf-8")
    ran = firmware("render", site_file, "--out", tmp_path / "out")
    assert ran.returncode == 2
    assert f"{site_file}:17: boxes.1.camera" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_render_json_lists_written_and_removed_files(site_file: Path, site_yaml: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = json.loads(firmware("render", site_file, "--out", out, "--json").stdout)
    assert (len(first["written"]), first["unchanged"], first["removed"]) == (20, [], [])
    site_file.write_text(site_yaml[: site_yaml.index("  - device: gate-south")], encoding="utf-8")
    second = json.loads(firmware("render", site_file, "--out", out, "--json").stdout)
    assert second["written"] == ["README.txt"]
    assert len(second["removed"]) == 7
    assert not (out / "boxes/gate-south").exists()


def test_render_refuses_a_foreign_folder(site_file: Path, tmp_path: Path) -> None:
    # The folder of the site file itself.
    ran = firmware("render", site_file, "--out", tmp_path)
    assert ran.returncode == 2
    assert "holds files of others (site.yaml)" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["site.yaml"]


def test_render_without_jinja2_names_the_extra(site_file: Path, tmp_path: Path) -> None:
    program = "import sys; sys.modules['jinja2'] = None; from firmware_config.commands import main; main()"
    command = [sys.executable, "-c", program, "render", str(site_file), "--out", str(tmp_path / "out")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr == "error: jinja2 is not installed; pip install 'gammabox[firmware]'\n"


@pytest.mark.parametrize(
    "arguments", [["render", "site.yaml"], ["validate"], ["init"], ["flash"], ["validate", "a", "b"], ["--nonsense"]]
)
def test_wrong_use_exits_2_with_one_line_on_stderr(arguments: list[str]) -> None:
    ran = firmware(*arguments)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("error: ")
    assert ran.stderr.count("\n") == 1


def test_help_lists_commands_and_version_is_one_line() -> None:
    ran = firmware("--help")
    assert ran.returncode == 0
    assert all(command in ran.stdout for command in ("init", "validate", "render"))
    version = firmware("--version")
    assert (version.returncode, len(version.stdout.splitlines())) == (0, 1)


def test_render_refuses_the_folder_of_another_site(site_file: Path, site_yaml: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert firmware("render", site_file, "--out", out).returncode == 0
    before = sorted(out.rglob("*"))
    site_file.write_text(site_yaml.replace("site: campus", "site: docks").replace("gate-", "pier-"), encoding="utf-8")
    for words in ([], ["--force"]):
        ran = firmware("render", site_file, "--out", out, *words)
        assert ran.returncode == 2
        assert "holds the 'files of site campus', and not the 'files of site docks'; nothing was changed" in ran.stderr
    assert sorted(out.rglob("*")) == before


def test_validate_warns_of_a_swallowed_position(command, site_file: Path) -> None:
    text = site_file.read_text(encoding="utf-8")
    site_file.write_text(text.replace("position: South gate", "position: Tor #1"), encoding="utf-8")
    assert "position ends before '#1'" in command(main, "validate", site_file).err
    site_file.write_text(text.replace("position: South gate", "position: Tor # one"), encoding="utf-8")
    assert "position ends" not in command(main, "validate", site_file).err
