"""Options that several commands of gammabox-trainer share, and how their values are read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.detect.manifest import Bundle
from trainer.sensor.camera import Camera
from trainer.values import value_of

DataOption = Annotated[
    list[Path], typer.Option("--data", help="Dataset folder written by `build`; may be given several times.")
]
TestOption = Annotated[list[Path], typer.Option(help="Dataset with a test split; may be given several times.")]
ScreenOption = Annotated[
    Path | None, typer.Option(help="Run folder of the screen: judge both as the one decision that the agent makes.")
]
BundleOption = Annotated[
    Path | None, typer.Option(help="With --screen: take both decisions from this bundle instead of the runs.")
]
ModelOption = Annotated[
    Path | None, typer.Option(metavar="BUNDLE", help="Folder of a model bundle, instead of the shipped one.")
]
NuclideOption = Annotated[str, typer.Option(help="Source, e.g. Tc-99m, Cs-137.")]
CameraOption = Annotated[
    str, typer.Option("--camera", help="Preset: ov2710, webcam_xray, paper-covered or paper-open.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Any camera parameter, NAME=VALUE; may be given several times.")
]
SizeOption = Annotated[str, typer.Option(metavar="WIDTHxHEIGHT", help="Size of the picture in pixels.")]
SeedOption = Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite a file that Gammabox did not write, too.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def parse_options(pairs: list[str], example: str = "width=0.5") -> dict[str, Any]:
    """Read NAME=VALUE pairs: numbers and true/false as such, everything else as text; `example` is for the error."""
    options: dict[str, Any] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name:
            raise typer.BadParameter(f"{pair!r}: write NAME=VALUE, for instance {example}")
        if name in options:
            raise typer.BadParameter(f"{name} is given twice; keep one")
        options[name] = value_of(value, name)
    return options


def bundle_or_shipped(model: Path | None) -> Bundle:
    """Open the bundle that was named, or the shipped one."""
    from edge.bundle import load_bundle, shipped_bundle_path

    return load_bundle(model if model is not None else shipped_bundle_path())


def bundle_or_none(path: Path | None) -> Bundle | None:
    """Open the bundle that was named, if any."""
    from edge.bundle import load_bundle

    return None if path is None else load_bundle(path)


def camera_of_size(name: str, size: str, pairs: list[str] | None = None) -> Camera:
    """Return a preset at a picture size and 25 frames a second, with the parameters that were set."""
    from trainer.commands.camera_options import camera_of

    return camera_of(name, size, pairs or [], {"fps": 25.0})


def size_of(text: str) -> tuple[int, int]:
    """Read WIDTHxHEIGHT, which must suit the simulated camera."""
    camera = camera_of_size("ov2710", text)
    return camera.width, camera.height


@contextmanager
def count_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a progress bar while the block runs; yields the function to call with the number done."""
    from trainer.progress import progress_bar

    with progress_bar(total, what) as report:
        yield lambda done: report(done, total)


def warn(sentence: str) -> None:
    """Write a warning to stderr."""
    sys.stderr.write(f"warning: {sentence}\n")
