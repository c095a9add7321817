"""Checks of a training that is asked for, before Keras is loaded and anything is read or built."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from edge.config.faults import faults_of
from edge.detect.crops import cut_size
from edge.detect.manifest import InputContract
from trainer.errors import DatasetError, NetworkError, RunError
from trainer.training.run import BEST_FILE, LAST_FILE, RUN_FILE, FitSettings, NetworkChoice, Run
from trainer.values import check_network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.detect.crops import Planes
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split

DIGEST = " sha256:"
"""In `FitSettings.start_from` and `RunManifest.members`: between the run folder and the digest of its weights."""


@dataclass(frozen=True, slots=True)
class FitRequest:
    """A training that is asked for.

    Attributes
    ----------
    path : Path
        Run folder; one that holds the same training, unfinished, is continued.
    network : NetworkChoice
    contract : InputContract
        Crop size and planes.
    datasets : sequence of Dataset
    settings : FitSettings
    mixtures : sequence of Dataset
        Datasets that are fitted nearly whole; see `trainer.training.fit.fit`.
    seed : int

    """

    path: Path
    network: NetworkChoice
    contract: InputContract
    datasets: Sequence[Dataset]
    settings: FitSettings = field(default_factory=FitSettings)
    mixtures: Sequence[Dataset] = ()
    seed: int = 1

    def check(self) -> None:
        """Check what can be known without reading a sample.

        Raises
        ------
        NetworkError
            There is no such network, or it does not take these options or planes.
        DatasetError
            A dataset is named twice, its crops are too small, or a split is missing.
        RunError
            The folder holds another training, the devices cannot share a batch, or the run to start from has no
            weights.

        """
        check_network(self.network.name, self.network.options, self.contract.planes)
        _require_distinct((*self.datasets, *self.mixtures))
        for dataset in (*self.datasets, *self.mixtures):
            require_large_crops(dataset, self.contract)
        splits: tuple[Split, ...] = ("train", "validation")
        for split in splits:
            if not sum(dataset.count(split)[0] for dataset in self.datasets):
                raise no_samples(self.datasets[0], split)
        require_even_batches(self.path, self.settings)
        self._check_folder()
        self._check_start()

    def _check_folder(self) -> None:
        trained = any((self.path / name).exists() for name in (LAST_FILE, BEST_FILE))
        if not trained or not (self.path / RUN_FILE).exists():
            return
        begun = Run.open(self.path).manifest
        plain = {"start_from": None}  # what it starts from has got its digest
        asked = {"network": self.network, "input": self.contract, "seed": self.seed}
        differing = differences(begun, asked) + [
            f"fit.{name}"
            for name in differing_fields(begun.fit.model_copy(update=plain), self.settings.model_copy(update=plain))
        ]
        if begun.data.sha256 != tuple(dataset.sha256 for dataset in (*self.datasets, *self.mixtures)):
            differing.append("data.sha256")
        if differing:
            raise another_training(self.path, differing)

    def _check_start(self) -> None:
        source = self.settings.start_from
        if source is None or (self.path / LAST_FILE).exists():
            return
        best = Run.open(Path(source.rpartition(DIGEST)[0] or source)).path / BEST_FILE
        if not best.exists():
            raise RunError(best.parent, f"{BEST_FILE} is missing", "run its `fit` command again, it resumes")


def without_folder(source: str) -> str:
    """Return a run and the digest of its weights, the run by its name alone.

    Examples
    --------
    >>> without_folder("/home/me/runs/model-1 sha256:0123")
    'model-1 sha256:0123'

    """
    path, mark, digest = source.rpartition(DIGEST)
    return Path(path).name + mark + digest if mark else Path(source).name


def input_contract(crop_size: int, planes: Planes, what: str) -> InputContract:
    """Return the input of a network that is to be trained; `what` begins the message of a refusal.

    Raises
    ------
    NetworkError
        The size of the crop does not suit the planes.

    """
    given = {"crop_size": crop_size, "planes": planes, "dtype": "float32"}
    try:
        return InputContract.model_validate(given)
    except ValidationError as error:
        fault = next(sentence for _, sentence in faults_of(error, InputContract, given))
        raise NetworkError(f"{what}: {fault}") from error


def require_large_crops(dataset: Dataset, contract: InputContract) -> None:
    """Raise DatasetError where the crops of a dataset are too small for a network."""
    needed = cut_size(contract.planes, contract.crop_size)
    if dataset.crop_size < needed:
        why = "" if needed == contract.crop_size else f", whose planes need {needed}"
        problem = f"its crops of {dataset.crop_size} px are too small for a network of {contract.crop_size} px{why}"
        raise DatasetError(dataset.path, problem, "build one of larger crops or choose a smaller --crop-size")


def require_even_batches(path: Path, settings: FitSettings) -> None:
    """Raise RunError where the devices cannot share a batch evenly."""
    if settings.batch_size % settings.devices:
        problem = f"{settings.devices} devices cannot share batches of {settings.batch_size} evenly"
        raise RunError(path, problem, "choose a --batch-size that is a multiple of --devices")


def no_samples(dataset: Dataset, split: Split) -> DatasetError:
    """Return the error of a dataset without a sample to read in a split."""
    if not dataset.count(split)[0]:
        kind = "test" if split == "test" else "training"
        advice = f"build one with: gammabox-trainer build … --kind {kind}"
        if split == "validation":  # shards go to a split whole
            advice += " and some thousand --crops"
        return DatasetError(dataset.path, f"it has no {split} split", advice)
    problem = f"no sample of its {split} split is left by the options that leave samples out"
    return DatasetError(dataset.path, problem, "loosen them, or build a larger dataset")


def differences(begun: BaseModel, asked: Mapping[str, object]) -> list[str]:
    """Return the parts in which a training that was begun differs from the one asked for, such as "fit.epochs"."""
    return [
        f"{name}.{part}" if part else name
        for name, wanted in asked.items()
        for part in differing_fields(getattr(begun, name), wanted)
    ]


def another_training(path: Path, differing: Sequence[str]) -> RunError:
    """Return the error of a run folder that holds another training."""
    problem = f"it holds another training ({', '.join(differing)} differ)"
    return RunError(path, problem, "choose another folder, or remove this one")


def differing_fields(found: object, wanted: object) -> list[str]:
    """Return the names of the fields in which two settings differ, "" for settings without fields."""
    if found == wanted:
        return []
    if isinstance(found, BaseModel):
        return [name for name in type(found).model_fields if getattr(found, name) != getattr(wanted, name)]
    return [""]


def _require_distinct(datasets: Sequence[Dataset]) -> None:
    for number, dataset in enumerate(datasets):
        if dataset.sha256 in [earlier.sha256 for earlier in datasets[:number]]:
            raise DatasetError(dataset.path, "it is named twice", "name each dataset once")
