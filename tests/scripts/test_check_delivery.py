"""The proofs of delivery in small: a few kills, and a small fleet."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")),
        reason="mosquitto is not installed",
    ),
]


def ran(name, *words):
    return subprocess.run(
        [sys.executable, SCRIPTS / name, *words], capture_output=True, text=True, timeout=900, check=False
    )


@pytest.mark.timeout(900)
def test_delivery_survives_a_few_kills(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before <!-- check-delivery -->old<!-- end --> after")
    done = ran(
        "check_delivery.py", "--kills", "6", "--messages", "60", "--boxes", "2", "--every-s", "0.5", "--write", page
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"alarms that counted, of them lost \| 30, 0", page.read_text())
    assert page.read_text().startswith("before <!-- check-delivery -->\n| what")


@pytest.mark.timeout(300)
def test_fleet_loses_nothing():
    done = ran("check_fleet.py", "--boxes", "40", "--seconds", "12", "--burst", "20")
    assert "lost: unconfirmed, on the board, in the archive | 0, 0, 0" in done.stdout, done.stdout + done.stderr
