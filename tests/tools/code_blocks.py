"""Every block of code in the manuals: how the tests run it, or why they do not.

A block is named by its page and its number on the page, from 0. tests/test_docs.py fails where a block with a command
or in a language is missing here; drawings and what commands print are not listed. tests/test_code_blocks.py runs what
can be run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks_of(page: str) -> list[tuple[str, str]]:
    """Return the blocks of a page, each as its language and its text."""
    found: list[tuple[str, str]] = FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True)
class Run:
    """A block that runs.

    Attributes
    ----------
    needs : tuple of str
        What lies in its folder: "clip", "dataset", "footage", "site", "archive", "run".
    replaced : dict
        Words or parts of words of the page, and what stands in their place, to be fast or to fit what lies there.
    added : dict
        Words added to a command by its name, such as "fit".
    left_out : dict
        Beginnings of commands that do not run, with the reason.

    """

    needs: tuple[str, ...] = ()
    replaced: dict[str, str] = field(default_factory=dict)
    added: dict[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Elsewhere:
    """A block that another test runs, named by its file."""

    test: str


@dataclass(frozen=True)
class NotRun:
    """A block that no test can run, and why."""

    reason: str


SMALL_FILM = ("--size", "160x120", "--seconds", "0.2")
HARDWARE = NotRun("needs a camera, a board or a card")
INSTALLS = NotRun("installs packages, which takes minutes and a network")
MAKE = NotRun("is what continuous integration calls, or takes minutes; tests/test_docs.py looks for the targets")

BLOCKS: dict[tuple[str, int], Run | Elsewhere | NotRun] = {
    ("README.md", 0): MAKE,
    ("README.md", 1): Run(
        needs=("site",),
        replaced={"ID": "desk"},
        left_out={
            ".venv/bin/pip": "installs packages",
            ".venv/bin/gammabox-firmware init": "asks for values; the site lies there",
            ".venv/bin/gammabox-firmware verify": "waits for boxes; see tests/firmware_config/test_verify_command.py",
        },
    ),
    ("README.md", 2): Elsewhere("tests/edge/commands/test_watch.py"),
    ("README.md", 3): Elsewhere("tests/test_engineer_path.py"),
    ("CONTRIBUTING.md", 0): MAKE,
    ("docs/beyond-a-site.md", 0): Run(),
    ("docs/elsewhere.md", 0): Run(needs=("dataset",)),
    ("docs/elsewhere.md", 1): Run(needs=("dataset",)),
    ("docs/elsewhere.md", 2): Run(needs=("dataset",)),
    ("docs/elsewhere.md", 3): Elsewhere("tests/trainer/training/test_devices.py"),
    ("docs/browser-page.md", 0): Run(),
    ("docs/calibration.md", 0): HARDWARE,
    ("docs/calibration.md", 1): HARDWARE,
    ("docs/camera.md", 0): Run(needs=("footage",), replaced={"5": "0"}, added={"film": SMALL_FILM}),
    ("docs/commands.md", 0): Elsewhere("tests/edge/test_agent_commands.py"),
    ("docs/commands.md", 1): Elsewhere("tests/edge/commands/test_command.py"),
    ("docs/control-room.md", 0): Elsewhere("tests/edge/commands/test_watch.py"),
    ("docs/datasets.md", 0): Run(
        needs=("footage",),
        replaced={"60000": "64", "42000": "64", "800": "4", "OTHER": "DIR"},
        added={"build": ("--crop-size", "32"), "mine": ("--crop-size", "32")},
        left_out={
            "gammabox-trainer import": "takes recordings of a covered camera; see tests/trainer/data/test_imported.py",
            "gammabox-trainer leakage": "takes more crops than are made here; see tests/trainer/data/test_leakage.py",
        },
    ),
    ("docs/delivery.md", 0): MAKE,
    ("docs/engineer.md", 0): Run(needs=("clip",), replaced={"5": "0", "10": "0.8"}),
    ("docs/engineer.md", 1): Run(),
    **{("docs/engineer.md", number): Run(needs=("dataset",)) for number in range(2, 7)},
    ("docs/paper.md", 0): Elsewhere("tests/trainer/paper/test_protocol.py"),
    ("docs/paper.md", 1): Elsewhere("tests/edge/commands/test_bench.py"),
    ("docs/paper.md", 2): Elsewhere("tests/trainer/commands/test_data.py"),
    ("docs/guard.md", 0): Elsewhere("tests/edge/commands/test_watch.py"),
    ("docs/history.md", 0): Elsewhere("tests/edge/control_room/test_archive.py"),
    ("docs/history.md", 1): Run(
        needs=("archive",),
        added={"history": ("--file", "archive.sqlite")},
        left_out={"gammabox-edge history --since 2026": "names a box; see tests/edge/control_room/test_history.py"},
    ),
    ("docs/history.md", 2): Run(needs=("archive",), added={"history": ("--file", "archive.sqlite")}),
    ("docs/image.md", 0): Elsewhere("tests/firmware_config/image/test_image_command.py"),
    ("docs/image.md", 1): HARDWARE,
    ("docs/installation.md", 0): INSTALLS,
    **{("docs/evidence.md", number): Elsewhere("tests/edge/test_evidence.py") for number in range(2)},
    **{("docs/messages.md", number): Elsewhere("tests/test_docs.py") for number in range(3)},
    ("docs/quantisation.md", 0): Elsewhere("tests/quantize/test_commands.py"),
    **{("docs/release.md", number): Elsewhere("tests/firmware_config/test_release_commands.py") for number in (0, 2)},
    ("docs/technician.md", 0): Elsewhere("tests/firmware_config/test_chain.py"),
    ("docs/technician.md", 1): Run(
        needs=("site",), left_out={"gammabox-firmware init": "asks for values; the site lies there"}
    ),
    ("docs/technician.md", 2): Run(needs=("site",)),
    ("docs/technician.md", 3): Run(needs=("site",), left_out={"sh broker/run.sh": "is a server"}),
    ("docs/technician.md", 4): Elsewhere("tests/firmware_config/test_install.py"),
    ("docs/technician.md", 5): Elsewhere("tests/firmware_config/image/test_image_command.py"),
    ("docs/technician.md", 6): Run(
        needs=("site", "credentials"),
        left_out={
            "gammabox-firmware verify": "waits for a box; see tests/firmware_config/test_verify_command.py",
        },
    ),
    ("docs/update.md", 0): Elsewhere("tests/firmware_config/test_update.py"),
    ("docs/training.md", 0): Run(
        needs=("footage",),
        replaced={"240000": "2048", "42000": "512", "--batch-size 256": "--batch-size 64"},
        added={"fit": ("--epochs", "1", "--steps", "4"), "convert": ("--representative", "50")},
    ),
}
