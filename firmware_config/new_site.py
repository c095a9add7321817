"""Writes a new site file: from answers, as a commented example, or for a trial on one machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from edge.arguments import as_path, takes
from firmware_config.cameras import BOARDS, checked_camera, mismatch
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.site import checked_device, checked_host, checked_id, checked_position
from firmware_config.site_checks import is_this_machine
from firmware_config.yaml_text import block

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import JsonValue

TRIAL_SITE = "trial"
TRIAL_BOX = "desk"
TRIAL_PORT = 18883
_HEAD = (
    "# A Gammabox site. What each key means, and what else there is: docs/technician.md. No secret belongs here.\n\n"
)


def example_text() -> str:
    """Return the commented example of a site file that ships with the package, with placeholders in it."""
    return (files("firmware_config") / "templates" / "site.yaml").read_text(encoding="utf-8")


@takes(clip=as_path)
def trial_text(clip: Path) -> str:
    """Return a site of one box for a trial on this machine, on which a recording stands in for the camera.

    Raises
    ------
    FirmwareError
        There is no such recording, or its name is not one of a recording.

    """
    whole = clip.absolute()
    if not whole.is_file():
        raise FirmwareError(f"{clip}: no such file; name a recording, or make one: gammabox-trainer film")
    try:
        camera = checked_camera(str(whole))
    except ValueError:
        camera = ""
    if not camera or mismatch(camera, "pc"):
        raise FirmwareError(
            f"{clip}: no name of a recording; name a file without a colon that ends in .avi, .mkv, .mp4 or .mov"
        )
    box: dict[str, JsonValue] = {
        "device": TRIAL_BOX,
        "board": "pc",
        "camera": camera,
        "position": "This machine, for a trial",
    }
    broker: dict[str, JsonValue] = {"host": "127.0.0.1", "port": TRIAL_PORT, "tls": True}
    return site_text(TRIAL_SITE, broker, [box])


def site_text(site: str, broker: dict[str, JsonValue], boxes: list[dict[str, JsonValue]]) -> str:
    """Return a site file with these values."""
    listed = "".join("  - " + block(box, "    ").lstrip() for box in boxes)
    return f"{_HEAD}{block({'schema_version': 1, 'site': site, 'broker': broker})}boxes:\n{listed}"


def require_absent(path: Path) -> None:
    """Raise OutputError if there is a file, so that nothing is asked in vain."""
    if path.exists():
        raise _there(path)


def _there(path: Path) -> OutputError:
    return OutputError(path, "is there already and is never overwritten", "choose another name")


@takes(path=as_path)
def write_new(path: Path, text: str) -> None:
    """Write a site file where none is.

    Raises
    ------
    OutputError
        The file exists, or it cannot be written.

    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise _there(path) from None
    except OSError as error:
        raise OutputError(path, f"cannot be written ({error.strerror})", "check the folder and its rights") from error


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the technician; `check` returns the answer as the site file holds it, or raises ValueError."""

    text: str
    default: str | None
    check: Callable[[str], str]


def asked_text(ask: Callable[[Question], str]) -> str:
    """Return a site file from the answers of the technician.

    Parameters
    ----------
    ask : callable
        Puts a question and returns the checked answer. It asks again after a ValueError, which says what is wrong.

    """
    site = ask(Question("Id of the place (a-z, 0-9, - and _)", None, checked_id))
    host = ask(Question("Name or address of the broker, as the boxes reach it", None, _broker_host))
    tls = ask(Question("Encrypted, with a certificate for each box", "yes", _yes_or_no)) == "yes"
    broker: dict[str, JsonValue] = {"host": host, "port": 8883 if tls else 1883, "tls": tls}
    boxes: list[dict[str, JsonValue]] = []
    while device := ask(_device_question([str(box["device"]) for box in boxes])):
        board = ask(Question(f"Its board ({', '.join(BOARDS)})", "rpi4", _board))
        camera = ask(_camera_question(board))
        position = ask(Question("Where it hangs, for people", "", checked_position))
        boxes.append({"device": device, "board": board, "camera": camera, "position": position})
    return site_text(site, broker, boxes)


def _device_question(known: list[str]) -> Question:
    def check(answer: str) -> str:
        if not answer and known:
            return ""
        device = checked_device(answer)
        if device in known:
            raise ValueError(f"{device} is taken; each box needs an id of its own")
        return device

    return Question(
        "Id of a further box (empty: no more)" if known else "Id of the first box", "" if known else None, check
    )


def _camera_question(board: str) -> Question:
    def check(answer: str) -> str:
        camera = checked_camera(answer)
        if wrong := mismatch(camera, board):
            raise ValueError(wrong)
        return camera

    default = "csi" if board.startswith("rpi") else None
    return Question("Its camera: csi, or its path below /dev/v4l/by-path", default, check)


def _broker_host(answer: str) -> str:
    host = checked_host(answer)
    if is_this_machine(host):
        raise ValueError("each box would look for the broker on itself; give the name or address of this machine")
    return host


def _yes_or_no(answer: str) -> str:
    word = answer.strip().lower()
    if word in {"yes", "y", "true"}:
        return "yes"
    if word in {"no", "n", "false"}:
        return "no"
    raise ValueError("answer yes or no")


def _board(answer: str) -> str:
    word = re.sub(r"[^a-z0-9]", "", answer.lower())
    if word not in BOARDS:
        raise ValueError(f"answer one of {', '.join(BOARDS)}")
    return word
