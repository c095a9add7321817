"""Settings and site files that cannot be used, through the real commands: file, line, value, and what was meant."""

import pytest

from edge.commands.cli import main as edge_main
from firmware_config.commands import main as firmware_main

SETTINGS = """\
site: docks
device: gate-1
source:
  spec: clip.avi
  exposure_s: 0.02
mqtt:
  host: localhost
  port: 1883
detection:
  threads: 1
"""

SITE = """\
site: docks
broker:
  host: broker.lan
  port: 8883
boxes:
  - device: gate-1
    board: rpi4
    camera: csi
    exposure_s: 0.02
    position: North gate
"""


@pytest.fixture(params=["settings", "site"])
def either(request, run_with, validate):
    return {"settings": run_with, "site": validate}[request.param]


@pytest.fixture
def run_with(command, tmp_path):
    """Run `gammabox-edge run` on settings of this content."""

    def run(content):
        (tmp_path / "device.yaml").write_bytes(content)
        return command(edge_main, "run", "--config", tmp_path / "device.yaml")

    return run


@pytest.fixture
def validate(command, tmp_path):
    """Run `gammabox-firmware validate` on a site file of this content."""

    def run(content):
        (tmp_path / "site.yaml").write_bytes(content)
        return command(firmware_main, "validate", tmp_path / "site.yaml")

    return run


def names(ended, place, said):
    """Whether a command ended with exit code 2 and a line on stderr that begins with this place and says this."""
    lines = [line.removeprefix("error: ") for line in ended.err.splitlines()]
    return (ended.code, ended.out) == (2, "") and any(line.startswith(f"{place}: ") and said in line for line in lines)


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("port: 1883", 'port: "1883"', 8, "expected a whole number; did you mean 1883, without quotes?"),
        ("port: 1883", "port: 70000", 8, "mqtt.port: found the number 70000, expected at most 65535"),
        ("threads: 1", "threads: yes", 10, "detection.threads: found the text 'yes', expected a whole number"),
        ("threads: 1", "threads: 0", 10, "expected at least 1"),
        ("threads: 1", "threads: [1]", 10, "found a list, expected a whole number"),
        ("0.02", "-1", 5, "source.exposure_s: found the number -1, expected more than 0"),
        ("localhost", "mqtt://broker:1883", 7, "did you mean broker?"),
        ("localhost", "a broker", 7, "expected text that matches ^[A-Za-z0-9.:_-]+$"),
        ("device: gate-1", "device: gate-1\ndevice: gate-2", 3, "device: given twice, first on line 2; keep one"),
        ("  port: 1883", "  port: 1883\n  port: 8883", 9, "mqtt.port: given twice, first on line 8"),
        ("  spec", "\tspec", 4, "a tab in the indentation, expected spaces"),
        ("mqtt:", "mqqt:", 6, "mqqt: unknown key; did you mean mqtt?"),
        ("source:", "source: 5\nsauce:", 3, "source: found the number 5, expected a block of keys"),
    ],
)
def test_a_settings_file_is_refused_with_line_value_and_meaning(run_with, tmp_path, *, old, new, line, said):
    assert SETTINGS.count(old) == 1
    ended = run_with(SETTINGS.replace(old, new).encode())
    assert names(ended, f"{tmp_path / 'device.yaml'}:{line}", said), ended.err


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("port: 8883", 'port: "8883"', 4, "did you mean 8883, without quotes?"),
        ("port: 8883", "port: 0", 4, "broker.port: found the number 0, expected at least 1"),
        ("0.02", "two", 9, "boxes.0.exposure_s: found the text 'two', expected a number"),
        ("0.02", "2", 9, "longer than a frame"),
        ("rpi4", "rpi9", 7, "boxes.0.board"),
        ("broker.lan", "mqtt://broker.lan:8883", 3, "did you mean broker.lan?"),
        ("site: docks", "site: docks\nsite: pier", 2, "site: given twice, first on line 1"),
        ("    camera: csi", "    camera: csi\n    camera: csi:1", 9, "boxes.0.camera: given twice, first on line 8"),
        ("    board", "\tboard", 7, "a tab in the indentation, expected spaces"),
        ("  - device: gate-1", "  - gate-1", 6, "a colon with a blank after it is missing"),
    ],
)
def test_a_site_file_is_refused_with_line_value_and_meaning(validate, tmp_path, *, old, new, line, said):
    assert SITE.count(old) == 1
    ended = validate(SITE.replace(old, new).encode())
    assert names(ended, f"{tmp_path / 'site.yaml'}:{line}", said), ended.err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"# nothing\n", "found nothing"),
        (b"- docks\n", "found a list"),
        (b"site: \xff\n", "not UTF-8"),
        (b"\x00" * 64, "no readable YAML"),
        (b"site: [docks\n", "no readable YAML"),
    ],
)
def test_what_is_no_settings_or_site_file_is_refused_in_one_line(either, content, said):
    ended = either(content)
    assert ended.refused(said), ended


def test_missing_settings_and_site_files_are_named(command, tmp_path):
    assert command(edge_main, "run", "--config", tmp_path / "no.yaml").refused("no.yaml: no such file")
    assert command(firmware_main, "validate", tmp_path / "no.yaml").refused("no.yaml: no such file")
