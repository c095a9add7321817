"""The check of a large fleet connects all boxes, restarts the broker and has them back."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from site_broker import MOSQUITTO

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_broker.py"


@pytest.mark.slow
@pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is not installed")
def test_check_broker_has_all_boxes_back() -> None:
    ran = subprocess.run([sys.executable, SCRIPT, "--boxes", "20"], capture_output=True, text=True, check=True)
    figures = json.loads(ran.stdout)
    assert figures["boxes"] == 20
    assert figures["back_after_restart_s"] < 60
    assert figures["broker_peak_mb"] > 1
