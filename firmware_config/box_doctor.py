"""Asks the doctor of a box over ssh: a box that cannot reach the broker cannot say why in any other way."""

from __future__ import annotations

import json
import subprocess

from pydantic import TypeAdapter, ValidationError

from edge.doctor.finding import Finding, fault
from edge.text import one_line
from firmware_config.ssh import NO_CONNECTION, checked_address

COMMAND = "sudo /opt/gammabox/venv/bin/gammabox-edge doctor --config /etc/gammabox/device.yaml --json"
PATIENCE_S = 120
_FINDINGS = TypeAdapter(tuple[Finding, ...])


def findings_there(address: str) -> list[Finding]:
    """Return what the doctor of a box finds, in its order; a single fault where it cannot be asked.

    Parameters
    ----------
    address : str
        The box as ssh takes it, such as pi@10.0.0.7.

    Raises
    ------
    InputError
        It is no address.

    """
    command = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", checked_address(address, "--ssh"), COMMAND]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)
    except FileNotFoundError:
        return [fault("box over ssh", "ssh is not installed here", "sudo apt-get install openssh-client")]
    except subprocess.TimeoutExpired:
        return [fault("box over ssh", f"no answer within {PATIENCE_S} s", "its card or its system hangs: restart it")]
    if ran.returncode == NO_CONNECTION:
        reason = one_line((ran.stderr.strip().splitlines() or ["no connection"])[-1], 200)
        return [
            fault(
                "box over ssh", f"{address}: {reason}", "check the box's power, cable or Wi-Fi, and address; the login"
            )
        ]
    try:
        return list(_FINDINGS.validate_python(json.loads(ran.stdout)["findings"]))
    except (ValueError, KeyError, TypeError, ValidationError):
        reason = one_line((ran.stderr.strip().splitlines() or ["no report"])[-1], 200)
        return [fault("box over ssh", f"its doctor cannot be asked ({reason})", "install the agent and its settings")]
