"""Writes a small copy of a run with what `check` needs of it: always the same bytes, and no names of folders.

The folder quantize/reference holds such copies of the float networks of the bundle that ships, so that a clean clone
can prove that int8 costs nothing. The wheel does not contain them.
"""

from __future__ import annotations

import json
import shlex
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from edge.commands.console import recorded_command
from edge.errors import OutputError
from trainer.errors import RunError
from trainer.training.request import without_folder
from trainer.training.run import BEST_FILE, LAST_FILE, LOG_FILE, RUN_FILE, Run

if TYPE_CHECKING:
    import keras

METADATA_FILE = "metadata.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can hold


def export_reference(run: Run, out: Path) -> Run:
    """Write run.json and best.keras of a run, without optimizer, figures and folders of this machine.

    Parameters
    ----------
    run : Run
    out : Path
        Folder; an earlier copy in it is replaced.

    Returns
    -------
    Run
        The copy; its network has the same outputs to the last bit.

    """
    manifest = run.manifest
    names = tuple(Path(path).name for path in manifest.data.paths)
    start = manifest.fit.start_from
    copy = Run(
        out,
        manifest.model_copy(
            update={
                "data": manifest.data.model_copy(update={"paths": names}),
                "fit": manifest.fit.model_copy(update={"start_from": None if start is None else without_folder(start)}),
                "members": tuple(without_folder(source) for source in manifest.members),
                "command": recorded_command(shlex.split(manifest.command)),
                "figures": {},
            }
        ),
    )
    copy.save()
    _write_network(run.load_model(), out / BEST_FILE, manifest.created_utc)
    return copy


def require_copy_place(run: Path, out: Path, *, force: bool = False) -> None:
    """Check that a folder holds nothing, or an earlier copy. `force` lets any files of the names be replaced.

    Raises
    ------
    OutputError
        The folder is that of a training, or holds files that are no copy of a run.

    """
    if out.exists() and not out.is_dir():
        raise OutputError(out, "is a file", "name a folder for the copy")
    if (out / LAST_FILE).exists() or (out / LOG_FILE).exists() or (out.exists() and run.exists() and out.samefile(run)):
        raise OutputError(out, "is the folder of a training, whose weights would be lost", "name another folder")
    if not force and any((out / name).exists() for name in (RUN_FILE, BEST_FILE)):
        try:
            Run.open(out)
        except RunError as error:
            problem = "holds files of the same names that are no copy of a run"
            raise OutputError(out, problem, "name another folder, or add --force") from error


def size_bytes(run: Run) -> int:
    """Return the size of all files of a run folder."""
    return sum(place.stat().st_size for place in run.path.iterdir() if place.is_file())


def _write_network(network: keras.Model, place: Path, saved_utc: str) -> None:
    """Save layers and weights with fixed times in the archive, so that the same network has the same bytes."""
    import keras  # noqa: PLC0415 - heavy

    bare = keras.models.clone_model(network)  # without the optimizer
    bare.set_weights(network.get_weights())
    with tempfile.TemporaryDirectory(prefix="gammabox-reference-") as folder, warnings.catch_warnings():
        # Keras 3.15 converts TensorFlow's variables to NumPy in a way that NumPy 2 calls deprecated.
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        saved = Path(folder) / place.name
        bare.save(saved)
        with zipfile.ZipFile(saved) as archive:
            parts = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = {**json.loads(parts[METADATA_FILE]), "date_saved": saved_utc}
    parts[METADATA_FILE] = json.dumps(metadata).encode()
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
