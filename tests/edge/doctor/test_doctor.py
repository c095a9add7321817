"""The command `gammabox-edge doctor`."""

import json

import pytest
from typer.testing import CliRunner

from edge.commands.cli import app
from edge.commands.console import EXIT_CHECK_FAILED
from edge.doctor import machine

pytestmark = pytest.mark.timeout(180)


def doctor(config, *words):
    return CliRunner().invoke(app, ["doctor", "--config", str(config), *words], catch_exceptions=True)


def test_doctor_reports_every_check_as_json(config):
    done = doctor(config(), "--json")
    assert done.exit_code == EXIT_CHECK_FAILED
    told = json.loads(done.stdout)
    assert told["well"] is False
    found = {finding["check"]: finding for finding in told["findings"]}
    assert {"model", "runtime", "camera", "rate", "speed", "clock", "disk", "temperature"} <= set(found)
    assert found["calibration"]["state"] == found["broker"]["state"] == "fault"
    assert all(finding["remedy"] for finding in told["findings"] if finding["state"] == "fault")


def test_doctor_prints_a_table_with_remedies(config):
    done = doctor(config())
    assert done.exit_code == EXIT_CHECK_FAILED
    assert "hall/gate" in done.stdout
    assert "→ run gammabox-edge calibrate" in done.stdout


def test_doctor_tells_no_secret(config, tmp_path):
    (tmp_path / "password").write_text("open-sesame\n")
    path = config(
        source={"spec": "http://ann:hidden-word@127.0.0.1:1/stream?token=hidden-word"},
        mqtt={"host": "127.0.0.1", "port": 1, "username": "gate", "password_file": "password"},
    )
    for words in ((), ("--json",)):
        done = doctor(path, *words)
        assert done.exit_code == EXIT_CHECK_FAILED
        assert "hidden-word" not in done.output
        assert "open-sesame" not in done.output


def test_doctor_finds_all_well(config, monkeypatch):
    monkeypatch.setattr("edge.doctor.examination.Examination._calibration", lambda _: [])
    for check in ("connection", "certificates", "login"):
        monkeypatch.setattr(f"edge.doctor.broker.{check}", lambda _: [])
    monkeypatch.setattr(machine, "is_synchronised", lambda: True)
    done = doctor(config(), "--json")
    assert json.loads(done.stdout)["well"] is True
    assert done.exit_code == 0


def test_doctor_refuses_wrong_settings(config):
    assert "sourse" in str(doctor(config(sourse=1)).exception)


def test_aim_prints_numbers_and_no_picture(config):
    done = doctor(config(), "--aim", "--json")
    readings = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(readings) == 12
    assert readings[0]["brightness_dn"] == pytest.approx(70, abs=1)
    assert all(isinstance(value, float) for reading in readings for value in reading.values())
    lines = doctor(config(), "--aim").stdout.splitlines()
    assert len(lines) == 12
    assert "[###########  " in lines[0]
