"""The wheels of a release: fetched with pip for the boxes' Python and processor, and checked to be a whole set."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from email.parser import BytesParser
from itertools import pairwise
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.tags import compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from edge.files import why
from edge.text import one_line
from firmware_config.errors import FirmwareError, OutputError
from firmware_config.own_wheel import requirements

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message
    from pathlib import Path

    from packaging.version import Version

    from firmware_config.targets import Choice

PIP = "pip"
_PATIENCE_S = 1800
_MAX_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel: its file, name and version, what it needs, its licence, and what it takes when installed.

    `installed_bytes` are those of its files, and once more those of its Python files, which get compiled.
    """

    path: Path
    name: str
    version: Version
    requires: tuple[Requirement, ...]
    licence: str | None
    installed_bytes: int


def fetch(choice: Choice, folder: Path) -> None:
    """Fetch all wheels for a kind of boxes into a new folder with pip, from wherever pip fetches here.

    pip judges conditions such as `python_version < "3.11"` by the Python that runs it. What the boxes need beyond that
    is found by `missing`, and fetched in another round.

    Raises
    ------
    OutputError
        The folder is there already or cannot be written.
    FirmwareError
        pip cannot fetch them, with its reason.

    """
    if folder.exists():
        raise OutputError(folder, "is there already", "remove it to fetch newer packages, or name a new folder")
    part = folder.with_name(folder.name + ".part")
    wanted = [*requirements(), *choice.limits, PIP]
    try:
        for _ in range(_MAX_ROUNDS):
            # A further requirement may change the version of what came before.
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            _download(choice, part, wanted)
            further = missing(choice, read_wheels(part))
            if not further:
                part.rename(folder)
                return
            wanted += further
    except OSError as error:
        raise OutputError(folder, f"cannot be written ({why(error)})", "check rights and free space") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    raise FirmwareError(f"pip fetches no whole set of packages for {choice.name}; {further[0]} is missing")


def read_wheels(folder: Path) -> tuple[Wheel, ...]:
    """Read what is known of the wheels in a folder, sorted by name.

    Raises
    ------
    FirmwareError
        There is none, one cannot be read, or there are two of a package.

    """
    try:
        wheels = sorted((_read(path) for path in folder.glob("*.whl")), key=lambda wheel: wheel.name)
    except OSError as error:
        raise FirmwareError(f"{folder}: {why(error)}; name the folder of the wheels") from error
    for one, other in pairwise(wheels):
        if one.name == other.name:
            raise FirmwareError(f"{folder}: has two wheels of {one.name}; remove {one.path.name} or {other.path.name}")
    return tuple(wheels)


def missing(choice: Choice, wheels: Sequence[Wheel]) -> list[str]:
    """Return the requirements that no wheel fulfils on boxes of a kind, as pip takes them."""
    environment = _environment(choice)
    versions = {wheel.name: wheel.version for wheel in wheels}
    wanted = [Requirement(line) for line in (*requirements(), *choice.limits, PIP)]
    wanted += [need for wheel in wheels for need in wheel.requires]
    found: dict[str, None] = {}
    for need in wanted:
        if need.marker is not None and not need.marker.evaluate({**environment, "extra": ""}):
            continue
        version = versions.get(canonicalize_name(need.name))
        if version is None or not need.specifier.contains(version, prereleases=True):
            found[f"{need.name}{need.specifier}"] = None
    return list(found)


def require_fit(choice: Choice, wheels: Sequence[Wheel]) -> None:
    """Check that wheels are a whole set for boxes of a kind.

    Raises
    ------
    FirmwareError
        One is for another Python or processor, or one is missing.

    """
    tags = set(_tags(choice))
    for wheel in wheels:
        if not tags & parse_wheel_filename(wheel.path.name)[3]:
            raise FirmwareError(
                f"{wheel.path}: does not run on {choice.name} with Python {choice.python}; fetch the wheels into a new "
                "folder"
            )
    if lacking := missing(choice, wheels):
        raise FirmwareError(f"the wheels for {choice.name} are no whole set: {', '.join(lacking)} missing; fetch anew")


def _download(choice: Choice, folder: Path, wanted: Sequence[str]) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", choice.python]
    command += [word for platform in choice.platforms for word in ("--platform", platform)]
    try:
        ran = subprocess.run([*command, *wanted], capture_output=True, text=True, check=False, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise FirmwareError(f"pip has fetched nothing for {_PATIENCE_S // 60} min; check the network") from None
    if ran.returncode != 0:
        errors = [line for line in ran.stderr.splitlines() if line.startswith("ERROR")] or ["no reason given"]
        raise FirmwareError(f"pip cannot fetch the wheels for {choice.name}: {one_line(errors[-1], 400)}")


def _read(path: Path) -> Wheel:
    try:
        name, version, *_ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            inner = next(each for each in entries if each.filename.endswith(".dist-info/METADATA"))
            about = BytesParser().parsebytes(archive.read(inner), headersonly=True)
        needs = tuple(Requirement(line) for line in about.get_all("Requires-Dist") or ())
    except (InvalidWheelFilename, InvalidRequirement, zipfile.BadZipFile, StopIteration) as error:
        raise FirmwareError(f"{path}: is no wheel that can be read ({one_line(str(error), 200)}); remove it") from error
    installed = sum(each.file_size * (1 + each.filename.endswith(".py")) for each in entries)
    return Wheel(path, name, version, needs, _licence(about), installed)


def _licence(about: Message) -> str | None:
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [str(line) for line in about.get_all("Classifier") or () if str(line).startswith("License :: ")]
    named = [line.split(" :: ")[-1] for line in classifiers if " :: " in line]
    given = str(about.get("License") or "").strip()
    return one_line(named[0] if named else given.splitlines()[0], 200) if named or given else None


def _environment(choice: Choice) -> dict[str, str]:
    """Return what conditions of requirements see on boxes of a kind. Source: PEP 508."""
    return {
        "implementation_name": "cpython",
        "implementation_version": f"{choice.python}.0",
        "os_name": "posix",
        "platform_machine": choice.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": f"{choice.python}.0",
        "python_version": choice.python,
        "sys_platform": "linux",
    }


def _tags(choice: Choice) -> Iterator[object]:
    major, minor = (int(part) for part in choice.python.split("."))
    yield from cpython_tags((major, minor), platforms=list(choice.platforms))
    yield from compatible_tags((major, minor), f"cp{major}{minor}", list(choice.platforms))
