"""The cases of fuzzing: always the same, and none of a first few is a finding."""

import importlib.util
from pathlib import Path

import pytest
from fuzz_cases import KINDS, case_of


def load_script():
    path = Path(__file__).parents[2] / "scripts" / "fuzz.py"
    spec = importlib.util.spec_from_file_location("fuzz", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_case_of_depends_on_its_number_alone(kind):
    assert case_of(kind, 3) == case_of(kind, 3)
    assert len({case_of(kind, number) for number in range(20)}) > 15


@pytest.mark.parametrize(
    ("kind", "cases"), [("recording", 25), ("picture", 25), ("stream", 50), ("mqtt", 6), ("text", 20)]
)
def test_first_cases_are_no_findings(kind, cases, tmp_path, capfd):
    target = KINDS[kind].target(tmp_path)
    for number in range(cases):
        target(case_of(kind, number))
    capfd.readouterr()


def test_run_kind_keeps_what_ends_the_process(tmp_path, monkeypatch, capsys):
    script = load_script()
    monkeypatch.setattr(script, "_started", lambda _kind: (FakeProcess(), FakePipe()))
    assert script.run_kind("stream", range(2), tmp_path)[0] == 2
    assert (tmp_path / "stream-1.bin").read_bytes() == case_of("stream", 1)
    assert "the process ended with code -11" in capsys.readouterr().out


class FakeProcess:
    exitcode = -11

    def join(self):
        pass

    kill = join


class FakePipe:
    def send(self, number):
        pass

    def poll(self, _patience_s):
        raise EOFError
