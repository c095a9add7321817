"""Commands that make datasets go on after a kill to the same bytes, and refuse folders of anything else."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.commands.cli import main
from trainer.data.build import Recipe
from trainer.data.dataset import Dataset
from trainer.data.writer import DatasetWriter

SMALL = ("--crops", "20", "--crop-size", "32", "--workers", "1")
COMMANDS = {
    "build": ("build", "OUT", *SMALL, "--nuclide", "Am-241"),
    "mine": ("mine", "OUT", *SMALL, "--hits-a-shot", "4"),
    "import": ("import", "recordings", "OUT", "--crops", "12", "--crop-size", "32"),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder with recordings; shards are small, so that a dataset has several of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("trainer.commands.recipe_options.Recipe", partial(Recipe, max_a_shard=8, hits_a_kind=40))
    rng = np.random.default_rng(1)
    for name, strength in (("A", 60), ("C", 180)):
        for session in ("one", "two"):
            place = tmp_path / "recordings" / name / session
            place.mkdir(parents=True)
            for number in range(6):
                picture = np.zeros((80, 90, 3), np.uint8)
                for x, y in rng.integers(20, 60, (4, 2)):
                    picture[y, x] = strength
                cv2.imwrite(str(place / f"{number}.png"), picture)
    for scene in ("one", "two"):
        place = tmp_path / "recordings" / "B" / scene
        place.mkdir(parents=True)
        for number in range(4):
            cv2.imwrite(str(place / f"{number}.png"), rng.integers(20, 90, (98, 130, 3), np.uint8))
    return tmp_path


def words_of(name: str, out: str) -> list[str]:
    return [out if word == "OUT" else word for word in COMMANDS[name]]


def content(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("name", COMMANDS)
def test_dataset_commands_go_on_after_a_kill(command, folder, monkeypatch, name) -> None:
    enter = DatasetWriter.enter

    def killed(writer, entry):
        enter(writer, entry)
        raise SystemExit(137)

    with monkeypatch.context() as patched:
        patched.setattr(DatasetWriter, "enter", killed)
        assert command(main, *words_of(name, "one/set")).code == 137
    half = Dataset.open(folder / "one" / "set")
    assert not half.index.complete
    assert command(main, *words_of(name, "one/set")).code == 0
    assert command(main, *words_of(name, "two/set")).code == 0
    assert content(folder / "one" / "set") == content(folder / "two" / "set")


def refused(ended, *words: str) -> bool:
    """Return whether a command ended with exit 2 and one line that holds these words."""
    return ended.code == 2 and ended.err.count("\n") == 1 and all(word in ended.err for word in words)


@pytest.mark.parametrize("name", COMMANDS)
def test_dataset_commands_refuse_other_folders(command, folder, name) -> None:
    assert command(main, *words_of(name, "set")).code == 0
    before = content(folder / "set")
    assert refused(command(main, *words_of(name, "set"), "--seed", "9"), "other options", "seed")
    other = "mine" if name == "build" else "build"
    assert refused(command(main, *words_of(other, "set")), "other options", "kind")
    assert content(folder / "set") == before
    assert refused(command(main, *words_of(name, "recordings")), "it is no dataset and holds A")
    assert {place.name for place in (folder / "recordings").iterdir()} == {"A", "B", "C"}
