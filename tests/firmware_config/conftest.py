"""A site of two boxes, as text and as a model; commands that have to end well."""

from pathlib import Path

import pytest

from firmware_config.commands.cli import main
from firmware_config.site import Site
from firmware_config.site_file import load_site

USB = "/dev/v4l/by-path/platform-fd500000.pcie-pci-0000:01:00.0-usb-0:1.3:1.0-video-index0"
SITE_YAML = f"""\
site: campus
broker:
  host: 192.0.2.7
  port: 1883
  tls: false
boxes:
  - device: gate-north
    board: rpi4
    camera: {USB}
    exposure_s: 0.02
    position: "North gate: above the door"
    settings:
      detection:
        threads: 2
  - device: gate-south
    board: rpi5
    camera: csi:1
    position: South gate
"""


@pytest.fixture
def site_yaml() -> str:
    return SITE_YAML


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(SITE_YAML, encoding="utf-8")
    return path


@pytest.fixture
def site(site_file: Path) -> Site:
    return load_site(site_file)


@pytest.fixture
def said(command):
    """Run a command that has to end well, and return what it says."""

    def run(*words: object) -> str:
        ended = command(main, *words)
        assert ended.code == 0, ended
        return ended.out

    return run
