"""No command shows a part of a login, wherever one stands on its command line, and however it is mis-written."""

import re
import string
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.commands.cli import main as edge_main
from firmware_config.commands import main as firmware_main
from quantize.commands import main as quantize_main
from trainer.commands.cli import main as trainer_main

MARK = re.compile("zq|qz", re.IGNORECASE)
"""Stands in every part of a login of these tests and nowhere else."""
ODD = "".join(sign for sign in string.printable if not sign.isalnum())
FORMS = (
    "{scheme}://zqadminqz:{secret}@127.0.0.1:1/v",
    "zqadminqz:{secret}@127.0.0.1/v",
    "//zqadminqz:{secret}@127.0.0.1/v",
    "{scheme}//zqadminqz:{secret}@127.0.0.1",
    "{scheme}://127.0.0.1:1/user=zqadminqz&password={secret}",
    "{scheme}://127.0.0.1:1/v?user=zqadminqz&pwd={secret}",
)
COMMANDS = [
    (edge_main, "analyze", "{}"),
    (edge_main, "analyze", "no.avi", "--model", "{}"),
    (edge_main, "bench", "{}"),
    (edge_main, "bench", "no.avi", "--truth", "{}"),
    (edge_main, "bench", "no.avi", "--against", "{}"),
    (edge_main, "run", "--config", "{}"),
    (edge_main, "calibrate", "--yes", "--config", "{}"),
    (edge_main, "doctor", "--config", "{}"),
    (edge_main, "record", "out", "--set", "{}", "--seconds", "1", "--yes", "--config", "no.yaml"),
    (edge_main, "watch", "--seconds", "0", "--broker", "{}"),
    (edge_main, "watch", "--seconds", "0", "--broker", "127.0.0.1:1", "--site", "{}"),
    (edge_main, "simulate-alarms", "--nuclides", "{}"),
    (edge_main, "simulate-alarms", "--rates", "{}"),
    (edge_main, "simulate-alarms", "--replay", "{}"),
    (edge_main, "{}"),
    (edge_main, "analyze", "no.avi", "--threads", "{}"),
    (trainer_main, "film", "out.avi", "--scene", "{}"),
    (trainer_main, "film", "out.avi", "--nuclide", "{}"),
    (trainer_main, "film", "out.avi", "--camera", "{}"),
    (trainer_main, "film", "out.avi", "--set", "{}"),
    (trainer_main, "film", "out.avi", "--size", "{}"),
    (trainer_main, "build", "out", "--footage", "{}"),
    (trainer_main, "build", "out", "--kind", "{}"),
    (trainer_main, "build", "out", "--nuisance", "{}"),
    (trainer_main, "import", "{}", "out"),
    (trainer_main, "inspect", "{}"),
    (trainer_main, "leakage", "{}"),
    (trainer_main, "fit", "out", "--data", "{}"),
    (trainer_main, "fit", "out", "--data", "no", "--network", "{}"),
    (trainer_main, "fit", "out", "--data", "no", "-o", "{}"),
    (trainer_main, "evaluate", "{}", "--data", "no"),
    (quantize_main, "convert", "no", "--out", "out", "--recipe", "{}"),
    (firmware_main, "validate", "{}"),
    (firmware_main, "render", "{}", "--out", "out"),
    (firmware_main, "init", "site.yaml", "--trial", "{}"),
    (firmware_main, "credentials", "create", "{}"),
    (firmware_main, "credentials", "revoke", "no.yaml", "{}"),
    (firmware_main, "export", "box", "no.yaml", "{}", "--out", "out"),
    (firmware_main, "label", "{}"),
    (firmware_main, "verify", "{}"),
]


@st.composite
def logins(draw):
    """Addresses with a login that holds any sign, between letters that mark its parts."""
    parts = draw(st.lists(st.text(ODD, max_size=2), min_size=1, max_size=3))
    scheme = draw(st.sampled_from(["rtsp", "http", "https", "mqtt"]))
    return draw(st.sampled_from(FORMS)).format(scheme=scheme, secret="zq" + "zq".join(parts) + "zq")


@pytest.mark.parametrize("words", COMMANDS, ids=[" ".join(words[1:]) for words in COMMANDS])
def test_no_command_shows_a_login(words, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("no_proxy", "*")
    main, *line = words

    @settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
    @given(logins())
    def check(login):
        monkeypatch.setattr(sys, "argv", ["gammabox", *(word.format(login) for word in line)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert ended.value.code == 2, (login, out, err)
        assert MARK.search(out + err) is None, (login, out, err)
        assert "Traceback" not in err
        assert "a fault in Gammabox" not in err

    check()
