"""README's commands for the engineer run from the first to the last and end in a verdict: small, and as they are."""

import os
import re
import resource
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.commands.cli import main as edge
from edge.pages.page import data_of
from quantize.commands import main as quantize
from trainer.commands.cli import main as trainer

README = Path(__file__).parent.parent / "README.md"
MAKEFILE = README.with_name("Makefile")
THREE_MINUTES_S = 180
ENTRIES = {"gammabox-edge": edge, "gammabox-trainer": trainer, "gammabox-quantize": quantize}
TEN_MINUTES_S = 600
VERDICT = r"(PASSED|FAILED) \(indicative\): bundle: "
CROPS = {"training": "1600", "test": "512"}  # the fourth shard of 512 is the validation split
ADDED = {
    "film": ("--size", "640x360"),
    "fit": ("--epochs", "1", "--steps", "20"),
    "convert": ("--representative", "100"),
}


def engineer_commands() -> list[list[str]]:
    """Return the commands below README's heading for the engineer as words, without `make test`."""
    text = README.read_text(encoding="utf-8")
    block = re.search(r"^#+ [^\n]*engineer[^\n]*\n.*?```\w*\n(.*?)```", text, re.DOTALL | re.IGNORECASE | re.MULTILINE)
    assert block, "README has no code below a heading for the engineer"
    lines = block[1].replace("\\\n", " ").splitlines()
    commands = [shlex.split(line, comments=True) for line in lines]
    return [words for words in commands if words and words != ["make", "test"]]


def smaller(words: list[str]) -> list[str]:
    """Return a command with small sizes in place of README's."""
    sizes = {"--seconds": "0.4"}
    if "--kind" in words:
        sizes["--crops"] = CROPS[words[words.index("--kind") + 1]]
    small = [sizes.get(before, word) for before, word in zip(["", *words], words, strict=False)]
    return [*small, *ADDED.get(words[1], ())]


def test_readme_leads_the_engineer_to_a_verdict(command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = engineer_commands()
    assert [words[1] for words in commands][-2:] == ["convert", "check"]
    for words in commands:
        ended = command(ENTRIES[Path(words[0]).name], *smaller(words)[1:])
        if words[1] != "check":
            assert ended.code == 0, f"{shlex.join(words)}: {ended.err}"
    verdict = ended.out.splitlines()[-1]
    assert re.match(VERDICT, verdict), ended
    assert ended.code == (0 if verdict.startswith("PASSED") else 1)


def look_commands() -> list[list[str]]:
    """Return the commands of `make look`, which README names, as words."""
    assert re.search(r"^make look\b", README.read_text(encoding="utf-8"), re.MULTILINE)
    recipe = re.search(r"^look: [^\n]*\n((?:\t.*\n)+)", MAKEFILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe, "the Makefile has no target look"
    return [shlex.split(line) for line in recipe[1].splitlines() if line.startswith("\t$(BIN)/gammabox-")]


def shows_a_hit(page: Path) -> bool:
    """Whether a page holds hits and a picture of one."""
    text = page.read_text(encoding="utf-8")
    return len(data_of(text)["hits"]["frame"]) > 0 and 'alt="Previous, current and next frame around the hit' in text


@pytest.mark.parametrize(
    "sizes",
    [{"8": "1", "3": "0"}, pytest.param({}, marks=pytest.mark.slow)],
    ids=["small", "as it is"],
)
def test_make_look_shows_a_hit_within_three_minutes(command, tmp_path: Path, monkeypatch, sizes) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "look").mkdir()
    began_s = time.process_time()
    for words in look_commands():
        ended = command(ENTRIES[Path(words[0]).name], *(sizes.get(word, word) for word in words[1:]))
        assert ended.code == 0, f"{shlex.join(words)}: {ended.err}"
    # The time of the processor: others may use it, too. What is left is for pip.
    assert time.process_time() - began_s < THREE_MINUTES_S / 2
    assert shows_a_hit(tmp_path / "look" / "hits.html")
    assert (tmp_path / "look" / "hits.avi").stat().st_size > 0


@pytest.mark.slow
def test_readme_takes_less_than_ten_minutes(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name, entry in ENTRIES.items():
        program = tmp_path / "bin" / name
        begin = (f"#!{sys.executable}", "import sys", f"from {entry.__module__} import main")
        # As in the programs that pip writes: worker processes import the program again and must not run it.
        program.write_text("\n".join([*begin, 'if __name__ == "__main__":', "    sys.exit(main())", ""]))
        program.chmod(0o755)
    began_s, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    for words in engineer_commands():
        command = [str(tmp_path / "bin" / Path(words[0]).name), *words[1:]]
        environment = {**os.environ, "PYTHONPATH": str(README.parent)}
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert ran.returncode == 0 or words[1] == "check", f"{shlex.join(words)}: {ran.stderr}"
    assert re.match(VERDICT, ran.stdout.splitlines()[-1]), ran
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    # Where others use the processors, too, the time on the wall says nothing.
    assert min(time.monotonic() - began_s, cpu_s / 2) < TEN_MINUTES_S
