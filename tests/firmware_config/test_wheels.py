import subprocess
import sys

import pytest
from release_rig import a_wheel, stand_in_wheels

from firmware_config import wheels as room
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.targets import chosen
from firmware_config.wheels import fetch, missing, read_wheels, require_fit

BOOKWORM = chosen("rpi5", "bookworm")
JETSON = chosen("jetson", "jetpack6")


@pytest.fixture
def folder(tmp_path):
    return stand_in_wheels(tmp_path / "wheels")


def add(folder, name, version, tag="py3-none-any", **options) -> None:
    (folder / f"{name}-{version}-{tag}.whl").write_bytes(a_wheel(name, version, {}, **options))


def test_read_wheels_are_sorted_and_know_their_size(folder) -> None:
    wheels = read_wheels(folder)
    assert [wheel.name for wheel in wheels] == sorted(wheel.name for wheel in wheels)
    numpy = next(wheel for wheel in wheels if wheel.name == "numpy")
    assert (str(numpy.version), numpy.path.name) == ("1.26.4", "numpy-1.26.4-py3-none-any.whl")
    assert numpy.installed_bytes > 2 * len("\n")


def test_missing_is_empty_for_a_whole_set(folder) -> None:
    assert missing(BOOKWORM, read_wheels(folder)) == []
    require_fit(BOOKWORM, read_wheels(folder))


def test_missing_judges_conditions_by_the_boxes_python(folder) -> None:
    needs = ('tomli>=2; python_version < "3.11"', 'pywin32; sys_platform == "win32"', "extra-only; extra == 'more'")
    (folder / "rich-13.9-py3-none-any.whl").unlink()
    add(folder, "rich", "13.9", needs=needs)
    assert missing(BOOKWORM, read_wheels(folder)) == []
    assert missing(JETSON, read_wheels(folder)) == ["tomli>=2"]


def test_missing_knows_the_limits_of_a_board(folder) -> None:
    (folder / "numpy-1.26.4-py3-none-any.whl").unlink()
    add(folder, "numpy", "2.2")
    assert missing(JETSON, read_wheels(folder)) == []
    assert missing(BOOKWORM, read_wheels(folder)) == ["numpy<2"]
    with pytest.raises(FirmwareError, match="no whole set: numpy<2 missing"):
        require_fit(BOOKWORM, read_wheels(folder))


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("cp311-cp311-manylinux_2_28_aarch64", True),
        ("cp37-abi3-manylinux2014_aarch64", True),
        ("cp311-cp311-manylinux_2_39_aarch64", False),
        ("cp311-cp311-manylinux_2_28_x86_64", False),
        ("cp313-cp313-manylinux_2_28_aarch64", False),
    ],
)
def test_require_fit_knows_what_runs_there(folder, tag, fits) -> None:
    add(folder, "helper", "1.0", tag)
    if fits:
        require_fit(BOOKWORM, read_wheels(folder))
    else:
        with pytest.raises(FirmwareError, match=r"does not run on rpi-bookworm-aarch64 with Python 3\.11"):
            require_fit(BOOKWORM, read_wheels(folder))


def test_read_wheels_refuses_two_of_a_package(folder) -> None:
    add(folder, "numpy", "2.2")
    with pytest.raises(FirmwareError, match="has two wheels of numpy"):
        read_wheels(folder)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18)], ids=["no-zip", "no-metadata"])
def test_read_wheels_refuses_damaged_ones(folder, content) -> None:
    (folder / "broken-1.0-py3-none-any.whl").write_bytes(content)
    with pytest.raises(FirmwareError, match="is no wheel that can be read"):
        read_wheels(folder)


@pytest.mark.parametrize(
    ("headers", "licence"),
    [
        ("License-Expression: MIT\n", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\nLicense: long text\n", "BSD License"),
        ("License: MIT\n\n", "MIT"),
        ("", None),
    ],
)
def test_read_wheels_finds_the_licence(tmp_path, headers, licence) -> None:
    content = a_wheel("x", f"1.0\n{headers}".strip(), {})
    (tmp_path / "x-1.0-py3-none-any.whl").write_bytes(content)
    (wheel,) = read_wheels(tmp_path)
    assert wheel.licence == licence


# pip from the wheels of stand-ins, without any network; `fetch` itself takes whatever pip is set up for.
def test_fetch_gets_what_conditions_of_another_python_ask_for(folder, tmp_path, monkeypatch) -> None:
    later, earlier = '; python_version >= "3.12"', '; python_version < "3.12"'
    (folder / "rich-13.9-py3-none-any.whl").unlink()
    add(folder, "rich", "13.9", needs=(f"only_here{later if sys.version_info < (3, 12) else earlier}",))
    add(folder, "only_here", "1.0")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    choice = chosen("pc", "trixie") if sys.version_info < (3, 12) else chosen("pc", "bookworm")
    monkeypatch.setattr(room, "requirements", lambda: ["rich>=13", "numpy"])
    fetch(choice, tmp_path / "new" / "fetched")
    names = {wheel.name for wheel in read_wheels(tmp_path / "new" / "fetched")}
    assert names == {"rich", "numpy", "only-here", "pip"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["fetched"]


def test_fetch_says_what_pip_cannot_find(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(FirmwareError, match="pip cannot fetch the wheels for rpi-bookworm-aarch64: ERROR: No matching"):
        fetch(BOOKWORM, tmp_path / "fetched")
    assert list(tmp_path.iterdir()) == []


def test_fetch_leaves_a_folder_that_is_there(folder) -> None:
    with pytest.raises(OutputError, match="is there already; remove it to fetch newer packages"):
        fetch(BOOKWORM, folder)


def test_fetch_ends_when_pip_hangs(tmp_path, monkeypatch) -> None:
    def hangs(*_, **__):
        raise subprocess.TimeoutExpired("pip", 1)

    monkeypatch.setattr(subprocess, "run", hangs)
    with pytest.raises(FirmwareError, match="check the network"):
        fetch(BOOKWORM, tmp_path / "fetched")
