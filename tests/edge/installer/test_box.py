from dataclasses import replace

import pytest
from release_rig import PI_5, a_manifest

from edge.installer.box import read_box, refusal

MANIFEST = a_manifest()


def refused(facts=PI_5, minimum=0, installed=None, **options) -> str | None:
    return refusal(MANIFEST, facts, minimum=minimum, installed=installed, **options)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (replace(PI_5, board="rpi4"), None),
        (replace(PI_5, board="jetson"), "is for a Raspberry Pi 4 or a Raspberry Pi 5, and this box is a Jetson"),
        (replace(PI_5, board="pc"), "is for a Raspberry Pi 4 or a Raspberry Pi 5, and this box is a PC"),
        (replace(PI_5, system="debian-13"), "is for debian-12, and this box has debian-13"),
        (replace(PI_5, machine="armv7l"), "is for processors of the kind aarch64, and this box has armv7l"),
        (replace(PI_5, python="3.13"), "is for Python 3.11, and this box has Python 3.13"),
    ],
)
def test_refusal_names_what_differs(facts, sentence) -> None:
    assert refused(facts) == (sentence and f"release 0.1.0-7 {sentence}; take the release for this box")


@pytest.mark.parametrize(
    ("minimum", "installed", "allow_older", "beginning"),
    [
        (7, None, False, None),
        (7, 7, False, None),
        (8, None, False, "release 0.1.0-7 is too old: its number 7 is below 8"),
        (8, None, True, "release 0.1.0-7 is too old"),
        (0, 8, False, "release 0.1.0-7 is older: its number 7 is below 8"),
        (0, 8, True, None),
    ],
)
def test_refusal_of_older_releases(minimum, installed, allow_older, beginning) -> None:
    sentence = refused(minimum=minimum, installed=installed, allow_older=allow_older)
    assert (sentence is None) == (beginning is None)
    assert (sentence or "").startswith(beginning or "")


@pytest.mark.parametrize(
    ("model", "board"),
    [
        (b"Raspberry Pi 4 Model B Rev 1.5\0", "rpi4"),
        (b"Raspberry Pi 5 Model B Rev 1.0\0", "rpi5"),
        (b"NVIDIA Jetson Orin Nano Developer Kit\0", "jetson"),
        (b"Raspberry Pi 3 Model B\0", "pc"),
        (None, "pc"),
    ],
)
def test_read_box_knows_the_board(tmp_path, model, board) -> None:
    if model is not None:
        (tmp_path / "proc/device-tree").mkdir(parents=True)
        (tmp_path / "proc/device-tree/model").write_bytes(model)
    assert read_box(tmp_path).board == board


@pytest.mark.parametrize(
    ("text", "system"),
    [
        ('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n', "debian-12"),
        ("ID='ubuntu'\nVERSION_ID=22.04\n", "ubuntu-22.04"),
        ("ID=arch\n", "arch-unknown"),
        ('ID="broken\nVERSION_ID="\x1b"\n', "unknown-\\x1b"),
        (None, "unknown"),
    ],
)
def test_read_box_knows_the_system(tmp_path, text, system) -> None:
    if text is not None:
        (tmp_path / "etc").mkdir()
        (tmp_path / "etc/os-release").write_text(text)
    assert read_box(tmp_path).system == system
