"""The trainer from Python: a film of the simulated camera, and a training, each by one function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge.arguments import as_path, described, takes
from edge.errors import InputError
from trainer.data.dataset import Dataset
from trainer.filming.production import FilmSettings, prepare
from trainer.sensor.camera import Camera, change, preset
from trainer.sensor.radiation import nuclide_field
from trainer.training.request import FitRequest, input_contract
from trainer.training.run import FitSettings, NetworkChoice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from edge.detect.crops import Planes
    from trainer.filming.film import FilmSummary
    from trainer.training.fit_progress import FitProgress
    from trainer.training.run import Run

    Data: TypeAlias = Dataset | str | Path | Sequence[Dataset | str | Path]


def _camera(value: object, what: str) -> object:
    if isinstance(value, Camera):
        return value
    if not isinstance(value, str):
        raise InputError(f"{what}: found {described(value)}, expected a Camera or the name of a preset")
    return preset(value)


@takes(out=as_path, nuclide=str, camera=_camera, seed=int)
def film(
    out: str | Path,
    *,
    nuclide: str = "Tc-99m",
    dose_rate_usv_h: float = 500.0,
    seconds: float = 20.0,
    scene: str | Path = "generated",
    camera: Camera | str = "ov2710",
    size: tuple[int, int] | None = None,
    background: bool = True,
    nuisances: Sequence[str] = (),
    seed: int = 1,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> FilmSummary:
    """Film a scene with the simulated camera beside a source, as `gammabox-trainer film` does; or go on with a film.

    Parameters
    ----------
    out : str or Path
        The clip, Motion JPEG in AVI. The truth gets the same name with the ending .jsonl.
    nuclide : str
    dose_rate_usv_h : float
        Ambient dose equivalent rate H*(10) at the camera, µSv/h.
    seconds : float
    scene : str or Path
        "generated", or a video, a picture, or a folder of pictures.
    camera : Camera or str
        A camera or the name of a preset. `trainer.sensor.camera.change` returns one with other parameters.
    size : (int, int) or None
        Width and height in pixels, where not the camera's.
    background : bool
        Whether natural gammas and cosmic muons come too.
    nuisances : sequence of str
        Names of disturbances, such as "rain".
    seed : int
        The same seed gives the same bytes.
    threads : int or None
        Frames made at a time.
    progress : callable or None
        Called with the number of frames written.

    Raises
    ------
    SensorError, FilmError
        A source, camera or scene that cannot be used; another film in its place.

    Examples
    --------
    >>> film("clip.avi", size=(160, 120), seconds=0.2, dose_rate_usv_h=100_000).frames
    6

    """
    taken = camera if isinstance(camera, Camera) else preset(camera)
    if size is not None:
        taken = change(taken, width=size[0], height=size[1])
    radiation = nuclide_field(nuclide, dose_rate=dose_rate_usv_h)
    shown = FilmSettings(str(scene), seconds, background, tuple(nuisances), seed)
    return prepare(Path(out), radiation, taken, shown).make(threads=threads, progress=progress)


@takes(run=as_path, network=str, seed=int)
def fit(
    run: str | Path,
    data: Data,
    *,
    network: str = "alexnet_edge",
    options: Mapping[str, Any] | None = None,
    crop_size: int = 64,
    planes: Planes = "temporal",
    settings: FitSettings | None = None,
    mixtures: Data = (),
    seed: int = 1,
    progress: Callable[[FitProgress], None] | None = None,
) -> Run:
    """Train a network on datasets into a run folder, or continue the training that was interrupted there.

    It does what `gammabox-trainer fit` does. Everything that can be known is checked before Keras is loaded.

    Parameters
    ----------
    run : str or Path
        Run folder.
    data : Dataset, str or Path, or a sequence of them
        Datasets, or their folders.
    network : str
        Name of the network: alexnet_edge, screen, alexnet_paper, googlenet or resnet.
    options : mapping or None
        Arguments of the network, such as {"width": 0.5}.
    crop_size : int
        Side of the crop, pixels.
    planes : {"temporal", "spike", "compensated", "rgb"}
        What the planes of the input are.
    settings : FitSettings or None
        Epochs, batch size, rate, and which samples are fitted; None for the defaults.
    mixtures : as `data`
        Datasets that are fitted nearly whole.
    seed : int
    progress : callable or None
        Called after each batch and each epoch.

    Raises
    ------
    DatasetError, NetworkError, RunError
        The data, the network or the run folder cannot be used.

    Examples
    --------
    >>> fit("runs/own", "datasets/own", crop_size=32).log()[-1]["val_loss"]  # doctest: +SKIP
    0.2871
    >>> fit("runs/own", "datasets/absent")
    Traceback (most recent call last):
    trainer.errors.DatasetError: dataset datasets/absent: dataset.json is missing; name a folder that `build` wrote

    """
    contract = input_contract(crop_size, planes, "the input of the network")
    choice, given = NetworkChoice(name=network, options=dict(options or {})), settings or FitSettings()
    datasets, mixed = opened_datasets(data), opened_datasets(mixtures)
    FitRequest(Path(run), choice, contract, datasets, given, mixed, seed).check()
    from trainer.training.fit import fit as train  # noqa: PLC0415 - Keras

    return train(Path(run), choice, contract, datasets, given, mixtures=mixed, seed=seed, progress=progress)


def opened_datasets(data: Data) -> list[Dataset]:
    """Open datasets that are given as such or by their folders, one or several.

    Raises
    ------
    DatasetError
        A folder holds no dataset.
    InputError
        Something else was given.

    """
    several = [data] if isinstance(data, Dataset | str | Path) else data
    return [each if isinstance(each, Dataset) else Dataset.open(each) for each in several]
