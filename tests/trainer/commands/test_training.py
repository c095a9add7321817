"""What `gammabox-trainer fit` refuses before it trains."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

from synthetic_data import write_synthetic

from trainer.commands.cli import main


def test_fit_command_refuses_small_crops_of_compensated_planes(command, tmp_path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=48, splits=(("train", 4), ("validation", 4))).path
    words = ("fit", tmp_path / "run", "--data", data, "--planes", "compensated", "--crop-size", "22")
    assert command(main, *words).refused("--crop-size 22: compensated planes need crops of at least 23 pixels")
    assert not (tmp_path / "run").exists()


def test_fit_command_refuses_before_it_loads_tensorflow(tmp_path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=24, splits=(("train", 4),)).path
    words = ["gammabox-trainer", "fit", str(tmp_path / "run"), "--data", str(data), "--crop-size", "24"]
    program = (
        f"import sys; sys.argv = {words!r}\n"
        "from trainer.commands.cli import main\n"
        "try:\n    main()\nfinally:\n    print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (2, "set()\n")
    assert ran.stderr.count("\n") == 1
    assert "it has no validation split; build one with: gammabox-trainer build" in ran.stderr


def test_fit_command_shows_a_bar_and_nothing_else_on_a_terminal(tmp_path) -> None:
    data = write_synthetic(tmp_path / "data", crop_size=24).path
    words = ["gammabox-trainer", "fit", str(tmp_path / "run"), "--data", str(data), "--crop-size", "17"]
    words += ["--network", "screen", "--epochs", "2", "--steps", "3", "--batch-size", "8"]
    program = f"import sys; sys.argv = {words!r}\nfrom trainer.commands.cli import main; main()"
    ended, shown = on_terminal([sys.executable, "-c", program])
    assert ended == 0, shown
    lines = [line for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[?\d;]*\w", "", shown)) if line.strip()]
    *bars, last = lines
    assert re.fullmatch(r".*run: 2 epochs, best is epoch \d with validation loss \d\.\d+, accuracy \d\.\d+", last)
    losses, left = r"( loss \d\.\d{4}(, validation \d\.\d{4})?)?", r"[-\d]+:[-\d]+:[-\d]+( left)?"
    kinds = rf"(reading the data|epoch [12]/2) +━[━╸╺ ]*{losses}( +{left})? *"
    assert [bar for bar in bars if not re.fullmatch(kinds, bar)] == []
    assert any("epoch 2/2" in bar and "validation" in bar for bar in bars)
    assert max(map(len, bars)) <= 80


def on_terminal(words: list[str]) -> tuple[int, str]:
    """Run a program on a terminal of 80 columns; return its exit code and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvpe(words[0], words, {**os.environ, "TERM": "xterm", "COLUMNS": "80"})  # noqa: S606
    shown = b""
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux says so where the other side is closed
            break
        if not part:
            break
        shown += part
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")
