"""Judge the announcement to Home Assistant by Home Assistant's own code, in an environment of its own.

Home Assistant needs a newer Python than Gammabox: name one that has `homeassistant` and `paho-mqtt` installed with
--python, or one of version 3.13.2 or newer with --base, from which an environment is made in build/home-assistant.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from edge.telemetry.commands import Command
from edge.telemetry.home_assistant import Device, discovery
from edge.telemetry.messages import AlarmMessage, Health, Stamp, encode

ROOT = Path(__file__).parents[1]
VALIDATOR = ROOT / "scripts" / "home_assistant_validator.py"
ENVIRONMENT = ROOT / "build" / "home-assistant"
# Older ones do not know default_entity_id; this one needs Python 3.13.2.
PACKAGES = ("homeassistant>=2025.10", "paho-mqtt")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


def samples() -> dict[str, list[str]]:
    """Return messages of a box as they are sent, by kind: those of the manual, and a box that cannot say."""
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    blocks = [json.loads(block.partition("```")[0]) for block in page.split("```json\n")[1:]]
    alarm = next(block for block in blocks if "alarm" in block)
    health = next(block for block in blocks if "faults" in block)
    learning = Stamp("docks", "gate-1", "b").make(AlarmMessage, NOW, state="learning", alarm=None, reasons=("dark",))
    return {
        "alarm": [encode(AlarmMessage.model_validate(alarm)).decode(), encode(learning).decode()],
        "health": [encode(Health.model_validate(health)).decode()],
    }


def judged(python: list[str]) -> dict[str, object]:
    """Return what Home Assistant says."""
    device = Device("docks", "gate-1", "North gate", "0.1.0", "alexnet_edge", 10.0)
    blueprint = ROOT / "docs" / "integrations" / "home_assistant" / "gammabox_alarm.yaml"
    given = {
        "payload": discovery(device).decode(),
        "samples": samples(),
        "blueprint": blueprint.read_text(encoding="utf-8"),
    }
    program = VALIDATOR.read_text(encoding="utf-8")
    ran = subprocess.run([*python, "-c", program], input=json.dumps(given), capture_output=True, text=True, check=False)
    if ran.returncode:
        return {"faults": [f"Home Assistant's code ends with {ran.returncode}: {ran.stderr[-2000:]}"], "rendered": {}}
    answer: dict[str, object] = json.loads(ran.stdout.splitlines()[-1])
    return answer


def faults_of(answer: dict[str, object]) -> list[str]:
    """Return what is wrong, also with the values that the templates have given."""
    faults = answer["faults"]
    values = answer["rendered"]
    if not isinstance(faults, list) or not isinstance(values, dict) or faults:
        return [str(fault) for fault in faults] if isinstance(faults, list) else ["no answer"]
    found = []
    if values["alarm.value_template"] != ["ON", "None"]:
        found.append(f"the alarm is shown as {values['alarm.value_template']}")
    for key in ("acknowledge", "restart"):
        Command.model_validate_json(values[f"{key}.command_template"][0])
    return found


def main() -> int:
    """Judge and print. Return 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", help="Python with Home Assistant, and words before it such as chroot FOLDER")
    parser.add_argument("--base", default="python3.13", help="Python of the environment that is made without --python")
    asked = parser.parse_args()
    python = shlex.split(asked.python) if asked.python else [str(ENVIRONMENT / "bin" / "python")]
    if not asked.python and not (ENVIRONMENT / "bin" / "python").exists():
        subprocess.run([asked.base, "-m", "venv", ENVIRONMENT], check=True)
        subprocess.run([*python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    answer = judged(python)
    print(json.dumps(answer["rendered"], indent=1, ensure_ascii=False))
    faults = faults_of(answer)
    for fault in faults:
        sys.stderr.write(f"{fault}\n")
    print("Home Assistant takes the announcement and the blueprint" if not faults else f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
