"""The doctor of a box is asked over ssh, and what keeps it from answering is said in words."""

import json
import os
from pathlib import Path

import pytest

from edge.errors import InputError
from firmware_config.box_doctor import COMMAND, findings_there

REPORT = {
    "well": False,
    "findings": [
        {"check": "broker", "state": "ok", "found": "can be reached", "remedy": ""},
        {"check": "TLS", "state": "fault", "found": "certificate has expired", "remedy": "renew it"},
    ],
}


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a program named ssh first on PATH that answers as it is told."""

    def answer(out: str, err: str = "", code: int = 0) -> Path:
        program = tmp_path / "ssh"
        (tmp_path / "out").write_text(out, encoding="utf-8")
        lines = [
            "#!/bin/sh",
            f'echo "$*" > {tmp_path}/words',
            f"cat {tmp_path}/out",
            f"echo '{err}' >&2",
            f"exit {code}",
        ]
        program.write_text("\n".join(lines) + "\n", encoding="utf-8")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return tmp_path / "words"

    return answer


def test_findings_there_are_those_of_the_box(ssh) -> None:
    words = ssh(json.dumps(REPORT), code=1)
    findings = findings_there("pi@10.0.0.7")
    assert [(finding.check, finding.state) for finding in findings] == [("broker", "ok"), ("TLS", "fault")]
    assert words.read_text(encoding="utf-8").strip().endswith(f"pi@10.0.0.7 {COMMAND}")


@pytest.mark.parametrize(
    ("out", "err", "code", "said"),
    [
        ("", "ssh: connect to host 10.0.0.7 port 22: No route to host", 255, "No route to host"),
        ("", "sudo: gammabox-edge: command not found", 127, "command not found"),
        ("{}", "", 0, "cannot be asked"),
        ('{"findings": [{"check": 5}]}', "", 0, "cannot be asked"),
    ],
)
def test_findings_there_say_why_the_box_is_silent(ssh, out: str, err: str, code: int, said: str) -> None:
    ssh(out, err, code)
    (finding,) = findings_there("10.0.0.7")
    assert (finding.check, finding.state) == ("box over ssh", "fault")
    assert said in finding.found


@pytest.mark.parametrize("address", ["-oProxyCommand=reboot", "a b", "", "pi@x;reboot"])
def test_findings_there_refuse_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match="names no box"):
        findings_there(address)
