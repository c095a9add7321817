"""The code blocks of the manuals run, at small sizes; tests/tools/code_blocks.py lists all of them."""

import json
import re
import shlex
from io import StringIO
from pathlib import Path

import pytest
from code_blocks import BLOCKS, ROOT, Elsewhere, NotRun, Run, blocks_of
from ruamel.yaml import YAML

from edge.commands.cli import main as edge_main
from firmware_config.commands import main as firmware_main
from quantize.commands import main as quantize_main
from trainer.commands.cli import main as trainer_main

ENTRIES = {
    "gammabox-edge": edge_main,
    "gammabox-trainer": trainer_main,
    "gammabox-quantize": quantize_main,
    "gammabox-firmware": firmware_main,
}
SPLITS = (("train", 300), ("train", 100), ("validation", 120), ("test", 64))


def shell_blocks():
    """Yield the blocks of commands that run."""
    for (page, number), block in BLOCKS.items():
        if isinstance(block, Run) and blocks_of(page)[number][0] == "":
            yield pytest.param(page, number, id=f"{page}-{number}")


def commands_in(text):
    """Return the commands of a block as lines, without those that only a comment fills."""
    lines = [line.strip() for line in text.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def words_of(line, block, number):
    """Return the words of a command as they are run."""
    words = [block.replaced.get(word, word) for word in shlex.split(line, comments=True)]
    words = [word.replace("OUT.avi", f"film-{number}.avi") for word in words]
    return [Path(words[0]).name, *words[1:], *block.added.get(words[1], ())]


def prepare(needs, command):
    """Put what a block needs into the current folder."""
    if "clip" in needs:
        small = ("--size", "320x240", "--seconds", "1", "--dose-rate", "20000")
        assert command(trainer_main, "film", "clip.avi", *small).code == 0
    if "dataset" in needs:
        from synthetic_data import write_synthetic

        write_synthetic(Path("datasets/own"), crop_size=48, splits=SPLITS)
    if "footage" in needs:
        write_footage()
    if "site" in needs:
        Path("film.avi").touch()
        assert command(firmware_main, "init", "site.yaml", "--trial", "film.avi").code == 0
    if "credentials" in needs:
        assert command(firmware_main, "credentials", "create", "site.yaml").code == 0
    if "archive" in needs:
        from edge.control_room.archive_file import ArchiveFile

        ArchiveFile(Path("archive.sqlite")).close()


def write_footage():
    """Write two videos of a street without a source, street.mp4 and those in the folder DIR."""
    import cv2
    import numpy as np

    Path("DIR").mkdir()
    rng = np.random.default_rng(1)
    for place in ("street.mp4", "DIR/a.mp4", "DIR/b.mp4"):
        writer = cv2.VideoWriter(place, cv2.VideoWriter_fourcc(*"mp4v"), 25, (640, 480))
        still = cv2.resize(rng.integers(40, 160, (12, 16, 3)).astype(np.uint8), (640, 480))
        for number in range(30):
            picture = still.copy()
            cv2.rectangle(picture, (20 * number, 200), (20 * number + 60, 280), (30, 60, 90), -1)
            writer.write(picture)
        writer.release()


@pytest.mark.parametrize(("page", "number"), list(shell_blocks()))
def test_commands_of_a_block_run(page, number, tmp_path, monkeypatch, command):
    block = BLOCKS[page, number]
    monkeypatch.chdir(tmp_path)
    prepare(block.needs, command)
    left_out, ran = set(block.left_out), 0
    for place, line in enumerate(commands_in(blocks_of(page)[number][1])):
        beginning = next((each for each in block.left_out if line.startswith(each)), None)
        if beginning is not None:
            left_out.discard(beginning)
            continue
        words = words_of(line, block, place)
        ended = command(ENTRIES[words[0]], *words[1:])
        assert ended.code == 0, f"{shlex.join(words)}: {ended.err or ended.out}"
        ran += 1
    assert ran > 0
    assert not left_out, "no such command is left on the page"


@pytest.mark.parametrize("page", sorted({page for page, number in BLOCKS if blocks_of(page)[number][0] == "python"}))
def test_python_session_of_a_page_runs(page, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(page)
    numbers = [number for number, (language, _) in enumerate(blocks) if language == "python"]
    prepare({need for number in numbers for need in BLOCKS[page, number].needs}, command)
    if page == "docs/elsewhere.md":  # its session reads what its commands write
        for line in commands_in(blocks[0][1]):
            assert command(trainer_main, *shlex.split(line, comments=True)[1:]).code == 0
    session = "\n".join(blocks[number][1] for number in numbers)
    program = compile(session, page, "exec")
    CHECKS[page](command(lambda: exec(program, {"__name__": "__main__"})).out)  # noqa: S102


def check_engineer(printed):
    found, visible = re.search(r"(\d+) of (\d+) visible hits found", printed).groups()
    assert int(visible) >= 50
    assert int(found) >= 0.75 * int(visible)
    assert len(list(Path().glob("frame-*.png"))) == 88
    assert re.match(r"(PASSED|FAILED) \(indicative\): bundle: ", printed.splitlines()[-1])


def check_beyond(printed):
    assert printed.splitlines()[0].startswith("(48, 48, 3) ")
    assert printed.splitlines()[1] == "300 ['label', 'added_dn', 'scene']"


CHECKS = {"docs/engineer.md": check_engineer, "docs/elsewhere.md": check_beyond}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param(language, text, id=f"{page}-{number}")
        for page, number in BLOCKS
        for language, text in [blocks_of(page)[number]]
        if language in {"json", "yaml"}
    ],
)
def test_data_of_a_block_can_be_read(language, text):
    if language == "yaml":
        assert YAML(typ="safe").load(StringIO(text))
    else:
        assert json.loads(text)


def test_blocks_that_other_tests_run_name_them():
    for block in BLOCKS.values():
        if isinstance(block, Elsewhere):
            assert (ROOT / block.test).exists(), block.test
        if isinstance(block, NotRun):
            assert len(block.reason.split()) >= 3
