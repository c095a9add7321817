"""What every command says when its output goes nowhere."""

import subprocess
import sys
from pathlib import Path

import pytest

from edge.commands.console import recorded_command

PROGRAM = """
import sys
from edge.commands import console
from edge.errors import GammaboxError
def fail(**_): raise GammaboxError("found this, do that")
def interrupt(**_): raise KeyboardInterrupt
console.run({})
"""


def ran(app, stdout=subprocess.PIPE):
    command = [sys.executable, "-c", PROGRAM.format(app)]
    return subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)


@pytest.mark.parametrize(
    ("app", "code", "words"),
    [
        ("lambda **_: print('done')", 0, ""),
        ("fail", 2, "error: found this, do that\n"),
        ("interrupt", 130, "interrupted\n"),
    ],
)
def test_run_turns_an_outcome_into_code_and_line(app, code, words):
    done = ran(app)
    assert (done.returncode, done.stderr) == (code, words)


@pytest.mark.parametrize(
    ("raised", "line"),
    [
        ("KeyError('x')", "a fault in Gammabox itself (KeyError in <string>:"),
        ("OSError(2, 'No such file or directory', 'a.txt')", "a.txt: no such file or directory; check"),
        ("PermissionError(13, 'Permission denied', b'a\\xff')", "a\\udcff: permission denied"),
        ("MemoryError()", "not enough memory"),
        ("RecursionError('deep')", "a fault in Gammabox itself"),
        ("GammaboxError('a\\x1b[2Jb\\nALARM')", "a\\x1b[2Jb\\nALARM"),
        ("GammaboxError('rtsp://admin:s3cr/et@cam/1: lost')", "rtsp://cam/1: lost"),
        ("GammaboxError('caf\\udce9.avi')", "caf\\udce9.avi"),
    ],
)
def test_run_ends_whatever_happens_in_one_line(raised, line):
    done = ran(f"lambda **_: (_ for _ in ()).throw({raised})")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"error: {line}")
    assert "Traceback" not in done.stderr


def test_run_leaves_out_what_libraries_write_to_stderr():
    done = ran("lambda **_: [__import__('os').write(2, b'chatter'), print('caf\\udce9'), sys.stderr.write('said')]")
    assert (done.returncode, done.stdout, done.stderr) == (0, "caf\\udce9\n", "said")


@pytest.mark.parametrize("number", ["nan", "inf", "1e999"])
def test_run_refuses_numbers_that_are_none(number):
    command = Path(sys.executable).parent / "gammabox-edge"
    done = subprocess.run([command, "watch", "--seconds", number], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["nope"], "error: No such command 'nope'; see gammabox-edge --help\n"),
        (["analyze"], "error: Missing argument 'CLIP'; see gammabox-edge analyze --help\n"),
        (["analyze", "a", "--threads", "x"], "error: Invalid value for '--threads': "),
    ],
)
def test_run_names_the_help_after_wrong_use(words, line):
    command = Path(sys.executable).parent / "gammabox-edge"
    done = subprocess.run([command, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(line)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_run_reports_a_full_disk_in_one_line():
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = ran("lambda **_: print('x' * 10)", full)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: no space left on the disk for the output")


def test_run_survives_a_reader_that_left():
    command = [sys.executable, "-c", PROGRAM.format("lambda **_: [print('x' * 1000) for _ in range(1000)]")]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    writer.stdout.readline()
    writer.stdout.close()
    assert (writer.stderr.read(), writer.wait()) == ("", 1)
    writer.stderr.close()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        pytest.param(["convert", "/home/ann/runs/one", "--out", "here"], "convert one --out here", id="absolute"),
        pytest.param(["fit", "runs/one/", "--lr", "1e-3"], "fit one --lr 1e-3", id="relative"),
        pytest.param(["build", "--footage=../films/a b.avi"], "build '--footage=a b.avi'", id="option with value"),
        pytest.param(["analyze", "/"], "analyze /", id="root"),
        pytest.param(["film", "--scene=rtsp://u:pa/ss@cam/1"], "film --scene=rtsp://cam/1", id="login"),
    ],
)
def test_recorded_command_keeps_no_folders(words, line):
    assert recorded_command(words) == line
