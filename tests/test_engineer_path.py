"""README's commands for the engineer run from the first to the last, at small sizes, and end in a verdict."""

import re
import shlex
from pathlib import Path

import pytest

from edge.commands.cli import main as edge
from quantize.commands import main as quantize
from trainer.commands.cli import main as trainer

README = Path(__file__).parent.parent / "README.md"
ENTRIES = {"gammabox-edge": edge, "gammabox-trainer": trainer, "gammabox-quantize": quantize}
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
    assert re.match(r"(PASSED|FAILED): bundle: ", verdict), ended
    assert ended.code == (0 if verdict.startswith("PASSED") else 1)
