import pytest
from packaging.tags import parse_tag

from edge.installer import box
from firmware_config.cameras import BOARDS
from firmware_config.errors import FirmwareError
from firmware_config.targets import KINDS, SYSTEMS, chosen


@pytest.mark.parametrize(
    ("given", "name", "os_release", "python"),
    [
        (("rpi4", "bookworm", None), "rpi-bookworm-aarch64", "debian-12", "3.11"),
        (("rpi5", "trixie", None), "rpi-trixie-aarch64", "debian-13", "3.13"),
        (("jetson", "jetpack6", None), "jetson-jetpack6-aarch64", "ubuntu-22.04", "3.10"),
        (("pc", "bookworm", None), "pc-bookworm-x86_64", "debian-12", "3.11"),
        (("pc", "bookworm", "aarch64"), "pc-bookworm-aarch64", "debian-12", "3.11"),
    ],
)
def test_chosen_names_board_system_processor_and_python(given, name, os_release, python) -> None:
    choice = chosen(*given)
    assert choice.name == name
    assert given[0] in choice.target.boards
    assert (choice.target.system, choice.python) == (os_release, python)


@pytest.mark.parametrize(
    ("board", "system", "machine", "sentence"),
    [
        ("rpi3", "bookworm", None, "rpi3: no board; did you mean rpi"),
        ("pc", "bookwrm", None, "did you mean bookworm"),
        ("jetson", "bookworm", None, "choose one of jetpack6"),
        ("rpi4", "bookworm", "armv7l", "have no 32-bit wheels; choose one of aarch64"),
        ("rpi4", "bookworm", "x86_64", "x86_64: no processor of rpi4 with bookworm; choose one of aarch64"),
    ],
)
def test_chosen_says_what_there_is(board, system, machine, sentence) -> None:
    with pytest.raises(FirmwareError, match=sentence):
        chosen(board, system, machine)


def test_kinds_cover_every_board_once_in_the_words_of_the_box() -> None:
    boards = [board for kind in KINDS.values() for board in kind.boards]
    assert sorted(boards) == sorted(BOARDS) == sorted(box.NAMES)
    assert {system for kind in KINDS.values() for system in kind.systems} == set(SYSTEMS)


def test_platforms_are_tags_up_to_the_c_library_of_the_system() -> None:
    platforms = chosen("jetson", "jetpack6").platforms
    assert platforms[0] == "manylinux_2_35_aarch64"
    assert "manylinux2014_aarch64" in platforms
    assert len(platforms) == len(set(platforms))
    assert all(parse_tag(f"cp310-cp310-{platform}") for platform in platforms)
