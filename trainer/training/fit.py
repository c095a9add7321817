"""Training: one network on one or more datasets, with checkpoints from which a killed training goes on unchanged."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import keras

from trainer.training.batches import PlainBatches, TrainingBatches, read_crops, sample_weights
from trainer.training.callbacks import Checkpoints, board_callbacks
from trainer.training.devices import share_batches, shareable
from trainer.training.request import FitRequest
from trainer.training.resume import model_to_train, open_or_begin, source_with_digest
from trainer.training.run import DataUsed, RunManifest, program_commit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from edge.detect.manifest import InputContract
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops
    from trainer.training.fit_progress import FitProgress
    from trainer.training.run import FitSettings, NetworkChoice, Run


def fit(
    path: Path,
    network: NetworkChoice,
    contract: InputContract,
    datasets: Sequence[Dataset],
    settings: FitSettings,
    *,
    mixtures: Sequence[Dataset] = (),
    seed: int = 1,
    command: str = "",
    progress: Callable[[FitProgress], None] | None = None,
) -> Run:
    """Train into the run folder `path`, or continue the training that was interrupted there.

    The loss is the cross entropy of the two logits. AdamW minimises it; its rate rises first and then falls as a
    cosine. The best epoch is the one of lowest validation loss.

    Parameters
    ----------
    path : Path
        Run folder; made if it is missing. One that holds the same training, unfinished, is continued with the same
        result as an unbroken training; a finished one is returned as it is.
    network, contract, datasets, settings, seed
        The network, its input (crop size and planes), the data, the options and the seed. All are recorded in run.json.
    mixtures : sequence of Dataset
        Further datasets that are fitted nearly whole: only `min_added_dn` leaves samples out. All their samples have
        weight 1, and no speck is painted on them. Their validation split helps to choose the best epoch.
    command : str
        The command line, recorded in run.json.
    progress : callable, optional
        Called after each batch and each epoch.

    Raises
    ------
    RunError, DatasetError, NetworkError
        The folder holds another training; the data do not suit the network; there is no such network.

    """
    FitRequest(path, network, contract, datasets, settings, mixtures, seed).check()
    used = (*datasets, *mixtures)
    settings = _with_digest(settings, path)
    with policies(path, settings):
        train = _read_split(datasets, mixtures, "train", contract, settings)
        validation = _read_split(datasets, mixtures, "validation", contract, settings)
        manifest = RunManifest(
            network=network,
            input=contract,
            seed=seed,
            fit=settings,
            data=_data_used(used, len(mixtures), train, validation),
            commit=program_commit(),
            created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=command,
            backend=f"keras {keras.__version__} on {keras.backend.backend()}",
        )
        run = open_or_begin(path, manifest)
        train_run(run, train, validation, progress)
    return run


def _with_digest(settings: FitSettings, path: Path) -> FitSettings:
    """Return the settings with the SHA-256 of the weights that the training starts from, if it starts from any."""
    if settings.start_from is None:
        return settings
    return settings.model_copy(update={"start_from": source_with_digest(settings.start_from, path)})


def _data_used(datasets: Sequence[Dataset], mixtures: int, train: Crops, validation: Crops) -> DataUsed:
    return DataUsed(
        paths=tuple(str(dataset.path) for dataset in datasets),
        mixtures=mixtures,
        sha256=tuple(dataset.sha256 for dataset in datasets),
        train=len(train),
        train_positives=int(train.label.sum()),
        validation=len(validation),
    )


def train_run(run: Run, train: Crops, validation: Crops, progress: Callable[[FitProgress], None] | None) -> None:
    """Train the epochs of a run that are still missing, within `policies`."""
    contract, settings = run.manifest.input, run.manifest.fit
    batches = TrainingBatches(train, contract, settings, run.manifest.seed)
    model, begun = model_to_train(run, batches.steps)
    checkpoints = Checkpoints(run, batches, progress)
    if begun >= settings.epochs or checkpoints.exhausted:
        return
    judged = shareable(validation, settings.devices)
    model.fit(
        batches,
        validation_data=PlainBatches(judged, contract, weight=sample_weights(judged, settings)),
        initial_epoch=begun,
        epochs=settings.epochs,
        shuffle=False,
        verbose=0,
        callbacks=[checkpoints, *board_callbacks(run)],
    )


@contextmanager
def policies(path: Path, settings: FitSettings) -> Iterator[None]:
    """Set Keras to the precision and the devices of the settings while the block runs."""
    try:
        keras.mixed_precision.set_dtype_policy(settings.precision)
        share_batches(path, settings)
        yield
    finally:
        keras.distribution.set_distribution(None)
        keras.mixed_precision.set_dtype_policy("float32")


def _read_split(
    datasets: Sequence[Dataset],
    mixtures: Sequence[Dataset],
    split: Split,
    contract: InputContract,
    settings: FitSettings,
) -> Crops:
    """Read the samples of a split that the settings keep, followed by those of the mixtures."""
    crops = read_crops(
        datasets,
        split,
        contract,
        min_added_dn=settings.min_added_dn,
        max_spot_pixels=(settings.max_spot_pixels, settings.max_sensor_spot_pixels),
        proposed_only=settings.proposed_only,
    )
    if not mixtures:
        return crops
    return crops.with_mixture(read_crops(mixtures, split, contract, min_added_dn=settings.min_added_dn))
