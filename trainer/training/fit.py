"""Training: one network on one or more datasets, with checkpoints from which a killed training goes on unchanged."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
import time
import warnings
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from pydantic import BaseModel

from trainer.errors import DatasetError, RunError
from trainer.training.batches import PlainBatches, TrainingBatches, read_crops, weights
from trainer.training.devices import share_batches, shareable
from trainer.training.networks import build
from trainer.training.run import (
    BEST_FILE,
    LAST_FILE,
    LOG_FILE,
    DataUsed,
    FitSettings,
    NetworkChoice,
    Run,
    RunManifest,
    program_commit,
    read_log,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.bundle import InputContract
    from trainer.data.dataset import Dataset
    from trainer.scenes.splits import Split
    from trainer.training.batches import Crops

Report = dict[str, Any]
BOARD_FOLDER = "tensorboard"
"""In a run folder: events for `tensorboard --logdir`."""
DIGEST = " sha256:"
SAME_TRAINING = ("network", "input", "seed", "fit", "data")  # what must agree before a run goes on


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
    progress: Callable[[int, int], None] | None = None,
) -> Run:
    """Train into the run folder `path`, or go on with the training that was interrupted there.

    Cross entropy on the two logits, AdamW with a rise and a cosine fall of the rate; the best epoch is the one of
    least validation loss.

    Parameters
    ----------
    path : Path
        Run folder; made if it is missing. One that holds the same training, unfinished, is continued with the same
        result as an unbroken training; a finished one is returned as it is.
    network, contract, datasets, settings, seed
        What to train on what; all of it stands in run.json.
    mixtures : sequence of Dataset
        Fitted beside `datasets` in full: of the settings' filters only that of faint hits concerns them, and neither
        weights nor specks do. Their validation split, too, chooses the best epoch.
    command : str
        The command line, for the record.
    progress : callable, optional
        Called with steps done and steps in all after each batch.

    Raises
    ------
    RunError
        If the folder holds another training.
    DatasetError
        If the data do not suit the network, or one is named twice.

    """
    used = (*datasets, *mixtures)
    for number, dataset in enumerate(used):
        if dataset.sha256 in [one.sha256 for one in used[:number]]:
            raise DatasetError(dataset.path, "it is named twice", "name each dataset once")
    if settings.start_from is not None:
        settings = settings.model_copy(update={"start_from": _begun_from(settings.start_from, path)})
    keras.mixed_precision.set_dtype_policy(settings.precision)
    share_batches(path, settings)
    try:
        train = _wanted(datasets, mixtures, "train", contract, settings)
        validation = _wanted(datasets, mixtures, "validation", contract, settings)
        manifest = RunManifest(
            network=network,
            input=contract,
            seed=seed,
            fit=settings,
            data=DataUsed(
                paths=tuple(str(dataset.path) for dataset in used),
                mixtures=len(mixtures),
                sha256=tuple(dataset.sha256 for dataset in used),
                train=len(train),
                train_positives=int(train.label.sum()),
                validation=len(validation),
            ),
            commit=program_commit(),
            created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            command=command,
            backend=f"keras {keras.__version__} on {keras.backend.backend()}",
        )
        run = _open_or_begin(path, manifest)
        batches = TrainingBatches(train, contract, settings, seed)
        model, begun = _model_to_train(run, batches.steps)
        tracker = Keeper(run, batches, progress)
        if begun < settings.epochs and not tracker.exhausted:
            judged = shareable(validation, settings.devices)
            model.fit(
                batches,
                validation_data=PlainBatches(judged, contract, weight=weights(judged, settings)),
                initial_epoch=begun,
                epochs=settings.epochs,
                shuffle=False,
                verbose=0,
                callbacks=[tracker, *_board(run)],
            )
    finally:
        keras.distribution.set_distribution(None)
        keras.mixed_precision.set_dtype_policy("float32")
    return run


def _wanted(
    datasets: Sequence[Dataset],
    mixtures: Sequence[Dataset],
    split: Split,
    contract: InputContract,
    settings: FitSettings,
) -> Crops:
    """Read what the settings want of a split of the datasets, and the mixtures' behind it."""
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
    return crops.and_mixture(read_crops(mixtures, split, contract, min_added_dn=settings.min_added_dn))


class Keeper(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes log and checkpoints, stops when nothing gets better, and seeds each epoch's dropout from its number.

    The order of writing matters: best.keras, log.jsonl, then last.keras. A kill in between leaves an epoch to be done
    again, with the same outcome.
    """

    def __init__(self, run: Run, batches: TrainingBatches, progress: Callable[[int, int], None] | None) -> None:
        super().__init__()
        self._run = run
        self._batches = batches
        self._progress = progress
        self._settings = run.manifest.fit
        self._losses = [float(line["val_loss"]) for line in read_log(run.path)]
        self._began_s = 0.0

    @property
    def exhausted(self) -> bool:
        """Whether the validation loss has not become less for `patience` epochs."""
        if not self._losses:
            return False
        return len(self._losses) - 1 - int(np.argmin(self._losses)) >= self._settings.patience

    def on_epoch_begin(self, epoch: int, logs: Report | None = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Choose the epoch's batches and seed its dropout."""
        self._batches.epoch = epoch
        self._began_s = time.monotonic()
        for place, layer in enumerate(self.model.layers):
            if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:
                layer.seed_generator.state.assign([self._run.manifest.seed * 100_003 + epoch, place])

    def on_train_batch_end(self, batch: int, logs: Report | None = None) -> None:  # noqa: ARG002 - Keras calls it so
        """Tell how far it is."""
        if self._progress is not None:
            steps = len(self._batches)
            self._progress(self._batches.epoch * steps + batch + 1, self._settings.epochs * steps)

    def on_epoch_end(self, epoch: int, logs: Report | None = None) -> None:
        """Write best.keras if this epoch is the best, a line of log.jsonl, and last.keras."""
        measured = {name: float(value) for name, value in (logs or {}).items()}
        better = not self._losses or measured["val_loss"] < min(self._losses)
        self._losses.append(measured["val_loss"])
        if better:
            _save(self._plain_copy(), self._run.path / BEST_FILE)
        line = {
            "epoch": epoch,
            "steps": (epoch + 1) * len(self._batches),
            "seconds": round(time.monotonic() - self._began_s, 2),
            "best": better,
            **{name: round(value, 6) for name, value in measured.items()},
        }
        with (self._run.path / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")
        _save(self.model, self._run.path / LAST_FILE)
        if self.exhausted:
            self.model.stop_training = True

    def _plain_copy(self) -> keras.Model:
        """Give the model without its optimizer's state, in float32: a third of the size."""
        policy = keras.mixed_precision.dtype_policy()
        keras.mixed_precision.set_dtype_policy("float32")
        try:
            manifest = self._run.manifest
            plain = build(manifest.network.name, manifest.input.crop_size, manifest.network.options, manifest.seed)
        finally:
            keras.mixed_precision.set_dtype_policy(policy)
        plain.set_weights(self.model.get_weights())
        return plain


def _board(run: Run) -> list[keras.callbacks.Callback]:
    """Give the writer of TensorBoard's events, loss and accuracy an epoch; none where TensorBoard is not installed."""
    if not board_is_installed():
        return []
    return [keras.callbacks.TensorBoard(run.path / BOARD_FOLDER, write_graph=False, profile_batch=0)]


def board_is_installed() -> bool:
    """Tell whether events for TensorBoard are written, which takes TensorFlow, too, on whatever backend."""
    return all(importlib.util.find_spec(name) is not None for name in ("tensorflow", "tensorboard"))


def _open_or_begin(path: Path, manifest: RunManifest) -> Run:
    if not any((path / name).exists() for name in (LAST_FILE, BEST_FILE)):  # nothing has been learnt there
        build(manifest.network.name, manifest.input.crop_size, manifest.network.options, manifest.seed)
        run = Run(path, manifest)
        run.save()
        return run
    run = Run.open(path)
    differing = [
        f"{name}.{part}" if part else name
        for name in SAME_TRAINING
        for part in _differing(getattr(run.manifest, name), getattr(manifest, name))
    ]
    if differing:
        problem = f"it holds another training ({', '.join(differing)} differ)"
        raise RunError(path, problem, "choose another folder, or remove this one")
    return run


def _differing(found: object, wanted: object) -> list[str]:
    """Name the fields in which two settings differ; "" where they have none."""
    if found == wanted:
        return []
    if isinstance(found, BaseModel):
        return [name for name in type(found).model_fields if getattr(found, name) != getattr(wanted, name)]
    return [""]


def _model_to_train(run: Run, steps: int) -> tuple[keras.Model, int]:
    """Give the compiled model and the epoch to go on with; the log is cut to what last.keras holds."""
    manifest = run.manifest
    if (run.path / LAST_FILE).exists():
        model = run.load_model("last")
        begun = int(model.optimizer.iterations) // steps
        kept = read_log(run.path)[:begun]
        (run.path / LOG_FILE).write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        return model, begun
    (run.path / LOG_FILE).unlink(missing_ok=True)
    model = build(manifest.network.name, manifest.input.crop_size, manifest.network.options, manifest.seed)
    if manifest.fit.start_from is not None:
        taken = take_over(model, Run.open(Path(manifest.fit.start_from.rpartition(DIGEST)[0])))
        print(f"{run.path}: {', '.join(taken)} begin with the weights of {manifest.fit.start_from}", file=sys.stderr)
    total = manifest.fit.epochs * steps
    rising = int(total * manifest.fit.warmup)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=manifest.fit.learning_rate / 20 if rising else manifest.fit.learning_rate,
        decay_steps=max(total - rising, 1),
        warmup_target=manifest.fit.learning_rate if rising else None,
        warmup_steps=rising,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(rate, weight_decay=manifest.fit.weight_decay, global_clipnorm=5.0),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        weighted_metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model, 0


def _begun_from(source: str, path: Path) -> str:
    """Give the run to begin with and the digest of its weights, before anything is written.

    Raises
    ------
    RunError
        It holds no best network.

    """
    if (path / LAST_FILE).exists():  # what was begun with is in it; the source may be gone
        begun = Run.open(path).manifest.fit.start_from
        if begun is not None and Path(begun.rpartition(DIGEST)[0]).resolve() == Path(source).resolve():
            return begun
    best = Run.open(Path(source)).path / BEST_FILE
    if not best.exists():
        raise RunError(best.parent, f"{BEST_FILE} is missing", "run its `fit` command again, it resumes")
    return f"{source}{DIGEST}{hashlib.sha256(best.read_bytes()).hexdigest()}"


def take_over(model: keras.Model, source: Run) -> list[str]:
    """Give the model's layers the weights of those of like name and shapes in a run's best network.

    Convolutions do not depend on the crop size: what was learnt on small crops, which train faster, serves large ones.

    Returns
    -------
    list of str
        The names of these layers.

    Raises
    ------
    RunError
        If there are none.

    """
    learnt = {layer.name: layer.get_weights() for layer in source.load_model().layers}
    taken = []
    for layer in model.layers:
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if shapes and shapes == [weight.shape for weight in learnt.get(layer.name, [])]:
            layer.set_weights(learnt[layer.name])
            taken.append(layer.name)
    if not taken:
        problem = f"no layer of {source.manifest.network.name} is like one of {model.name} in name and shape"
        raise RunError(source.path, problem, "start from a run of the same kind of network")
    return taken


def _save(model: keras.Model, place: Path) -> None:
    """Replace a checkpoint in one step."""
    part = place.with_name(f"part.{place.name}")
    with warnings.catch_warnings():
        # Keras 3.15 hands TensorFlow's variables to NumPy 2 in a way that NumPy announces to drop.
        warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
        model.save(part)
    part.replace(place)


def terminal_progress() -> tuple[Any, Callable[[int, int], None]]:
    """Give a progress bar with the time left, on stderr and only on a terminal, and the function that moves it."""
    from rich.console import Console  # noqa: PLC0415 - only a command line shows it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("fit"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(file=sys.stderr), disable=not sys.stderr.isatty())
    task = bar.add_task("fit", total=None)
    return bar, lambda done, total: bar.update(task, completed=done, total=total)
