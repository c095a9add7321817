"""Types the commands of the technician's page into a shell in an empty folder, times them, and draws the terminal.

The page's block "Try it on one machine" is taken as it stands; only the recording's name is filled in, and the
installation is left out, as this environment has it. Ends with 0 where the last command says that the box works.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "technician.md"
PROGRAMS = {"gammabox-edge": "edge.commands.cli", "gammabox-firmware": "firmware_config.commands"}
WIDTH = 110
BROKEN_SITE = """\
site: Harbour
broker:
  host: localhost
boxes:
  - device: gate-1
    board: rpi4
    camera: /dev/v4l/by-path/platform-xhci-hcd.0-usb-0:1:1.0-video-index0
    exposure_s: 33
    position: CHANGE-ME
"""


def commands() -> list[str]:
    """Return the commands of the page's first block, without the installation."""
    section = PAGE.read_text(encoding="utf-8").partition("## Try it on one machine")[2]
    block = re.search(r"^```\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    if block is None:
        raise SystemExit(f"{PAGE}: no commands under 'Try it on one machine'")
    return [line for line in block[1].splitlines() if not line.startswith("pip ")]


def programs(folder: Path) -> str:
    """Write the console scripts of this checkout into a folder, and return a PATH on which they come first."""
    for name, module in PROGRAMS.items():
        script = folder / name
        script.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" -c "from {module} import main; main()" "$@"\n', encoding="utf-8"
        )
        script.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def typed(lines: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, list[tuple[str, str]]]:
    """Run commands in one shell, end what runs beside it, and return the last status and what each said."""
    said = []
    script = "\n".join(
        f'{line} pids="$! $pids"' if line.endswith("&") else f"{line} > out.{number} 2>&1\nstatus=$?"
        for number, line in enumerate(lines)
    )
    ending = '[ -z "$pids" ] || { kill $pids; wait; }\nexit $status'
    ended = subprocess.run(["sh", "-c", f"pids=\n{script}\n{ending}"], cwd=folder, env=environment, check=False)
    for number, line in enumerate(lines):
        out = folder / f"out.{number}"
        said.append((line, out.read_text(encoding="utf-8") if out.exists() else ""))
    return ended.returncode, said


def drawn(said: list[tuple[str, str]], title: str) -> str:
    """Return what was typed and said as a picture of a terminal."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for line, answer in said:
        console.print(Text(f"$ {line}", style="bold"))
        for each in answer.splitlines():
            fault = each.lstrip().startswith(("fault", "error", "→")) or re.match(r"site\.yaml:\d+:", each)
            console.print(Text(each, style="red" if fault else ""))
    return console.export_svg(title=title, unique_id=re.sub(r"\W+", "-", title))


def main() -> int:
    """Try the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path, help="a recording, such as the one that make demo leaves")
    parser.add_argument("--pictures", type=Path, help="folder for the pictures of the terminal")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as bin_name, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = programs(Path(bin_name))
        environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}
        film = Path(bin_name) / f"film{given.clip.suffix}"
        shutil.copy(given.clip, film)
        lines = [re.sub(r"--trial \S+", f"--trial {film}", line) for line in commands()]
        began_s = time.monotonic()
        status, said = typed(lines, folder, environment)
        took_s = time.monotonic() - began_s
        shown = [(line.replace(str(film), "film.avi"), answer) for line, answer in said]
        for line, answer in shown:
            print(f"$ {line}\n{answer}", end="")
        print(f"{len(lines)} commands, {took_s:.0f} s, exit code {status}")
        if given.pictures is not None:
            given.pictures.mkdir(parents=True, exist_ok=True)
            (given.pictures / "technician-verify.svg").write_text(drawn(shown, "an empty folder, then online"), "utf-8")
            (folder / "broken").mkdir()
            (folder / "broken" / "site.yaml").write_text(BROKEN_SITE, encoding="utf-8")
            _, faults = typed(["gammabox-firmware validate site.yaml"], folder / "broken", environment)
            (given.pictures / "technician-validate.svg").write_text(drawn(faults, "all faults at once"), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
