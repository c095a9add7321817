"""The commands gammabox-firmware release …: keys, wheels and releases."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from edge.bundle import shipped_bundle_path
from edge.commands.console import EXIT_CHECK_FAILED
from edge.errors import ReleaseError
from edge.text import counted
from firmware_config.commands.options import AsJson, missing_package
from firmware_config.targets import Choice, chosen

app = typer.Typer(
    no_args_is_help=True, help="Make signed releases of the boxes' software, and the keys that sign them."
)

KeysPath = Annotated[Path, typer.Option("--keys", metavar="FOLDER", help="The keys of releases.")]
BoardName = Annotated[str, typer.Option(help="Board of the boxes: rpi4, rpi5, jetson or pc.", show_default=False)]
SystemName = Annotated[str, typer.Option(help="Their system: bookworm, trixie or jetpack6.", show_default=False)]
Machine = Annotated[str | None, typer.Option(help="Their processor, where it is not the usual one: aarch64 for a pc.")]
WheelsPath = Annotated[
    Path | None,
    typer.Option("--wheels", metavar="FOLDER", help="Wheels of the packages; by default in the folder wheels."),
]
DEFAULT_KEYS = Path("release-keys")
_MIB = 1 << 20


@app.command()
def keys(folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="New folder.")] = DEFAULT_KEYS) -> None:
    """Make the two keys that sign releases: the current one, and the next one, which you keep off the network."""
    try:
        from firmware_config import release_keys
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    release_keys.create(folder)
    print(f"{folder}: two keys made; keep {folder / release_keys.NEXT} off this machine, and a copy of the folder safe")


@app.command()
def fetch(board: BoardName, system: SystemName, machine: Machine = None, wheels: WheelsPath = None) -> None:
    """Fetch the packages of a release with pip, for the boxes' Python and processor, into a new folder."""
    choice = chosen(board, system, machine)
    folder = _wheels_of(choice, wheels)
    _fetch(choice, folder)


@app.command()
def make(
    board: BoardName,
    system: SystemName,
    number: Annotated[int, typer.Option(min=1, help="Number of the release, above all earlier ones.")],
    machine: Machine = None,
    minimum: Annotated[int, typer.Option(min=0, help="Lowest number that boxes take from then on, also by hand.")] = 0,
    wheels: WheelsPath = None,
    model: Annotated[
        Path | None, typer.Option(metavar="BUNDLE", help="The model; by default the one that comes along.")
    ] = None,
    keys_folder: KeysPath = DEFAULT_KEYS,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="OUT", help="Folder to make, or archive if it ends in .tar; by default an archive."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a release for one kind of boxes. The same wheels, model, keys and numbers give the same bytes."""
    try:
        from firmware_config.release import ARCHIVE, Plan
        from firmware_config.release import make as make_release
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    from edge.files import sha256_of

    choice = chosen(board, system, machine)
    folder = _wheels_of(choice, wheels)
    if not folder.exists():
        _fetch(choice, folder, as_json=as_json)
    plan = Plan(choice, number, minimum, folder, model or shipped_bundle_path(), keys_folder)
    made = make_release(plan, out or Path(plan.file_name + ARCHIVE))
    size = sum(file.size for file in made.manifest.files)
    archive = sha256_of(made.path) if made.path.is_file() else None
    if as_json:
        about = {"out": str(made.path), "release": made.manifest.name, "sha256": made.sha256, "archive_sha256": archive}
        print(json.dumps({**about, "bytes": size, "manifest": asdict(made.manifest)}, indent=2))
        return
    print(
        f"{made.path}: release {made.manifest.name}, {counted(len(made.manifest.files), 'file')}, {size / _MIB:.0f} MiB"
    )
    print(f"SHA-256 of the manifest {made.sha256}" + (f", of the archive {archive}" if archive else ""))


@app.command()
def check(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="Folder or archive.", show_default=False)],
    keys_folder: KeysPath = DEFAULT_KEYS,
    as_json: AsJson = False,
) -> None:
    """Check the signature and every file of a release; exit 1 where a box would refuse them."""
    try:
        from firmware_config.release import check as check_release
    except ModuleNotFoundError as error:
        raise missing_package(error) from error
    from edge.installer.blobs import opened

    opened(release)  # what is no release at all is wrong use
    try:
        found = check_release(release, keys_folder)
    except ReleaseError as error:
        print(json.dumps({"valid": False, "reason": str(error)}, indent=2) if as_json else f"{release}: {error}")
        raise typer.Exit(EXIT_CHECK_FAILED) from None
    manifest = found.manifest
    if as_json:
        print(json.dumps({"valid": True, "sha256": found.sha256, "manifest": asdict(manifest)}, indent=2))
        return
    target = manifest.target
    print(
        f"{release}: release {manifest.name} for {', '.join(target.boards)}, {target.system}, {target.machine}, "
        f"Python {target.python}; signature and {counted(len(manifest.files), 'file')} are right"
    )


@app.command()
def rotate(
    keys_folder: KeysPath = DEFAULT_KEYS,
    revoke: Annotated[
        bool, typer.Option("--revoke", help="Revoke the current key, as after a theft; else it signs on beside.")
    ] = False,
) -> None:
    """Make the next key the current one, and a new next key. Boxes learn it from the next release that you make."""
    try:
        from firmware_config import release_keys
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    release_keys.rotate(keys_folder, revoke=revoke)
    old = "revoked" if revoke else "kept, and signs on for boxes that miss this change"
    print(f"{keys_folder}: keys changed, the old one is {old}; now make a release, and keep the new next.key elsewhere")


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Beginning of the key's id.", show_default=False)],
    keys_folder: KeysPath = DEFAULT_KEYS,
) -> None:
    """Revoke a key that was replaced earlier. To revoke the current one: rotate --revoke."""
    try:
        from firmware_config import release_keys
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    release_keys.revoke_retired(keys_folder, key)
    print(f"{keys_folder}: {key} is revoked; boxes that still trust it learn that from the next release that you make")


def _wheels_of(choice: Choice, given: Path | None) -> Path:
    return given if given is not None else Path("wheels") / choice.name


def _fetch(choice: Choice, folder: Path, *, as_json: bool = False) -> None:
    try:
        from firmware_config.wheels import fetch as fetch_wheels
    except ModuleNotFoundError as error:
        raise missing_package(error) from error

    if not as_json:
        print(f"{folder}: fetching the packages for {choice.name}, Python {choice.python}", flush=True)
    fetch_wheels(choice, folder)
    if not as_json:
        wheels = list(folder.glob("*.whl"))
        size = sum(path.stat().st_size for path in wheels)
        print(f"{folder}: {counted(len(wheels), 'wheel')}, {size / _MIB:.0f} MiB")
