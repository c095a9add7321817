"""How a training begins: a new run folder, an interrupted run that goes on, or the weights of another run."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from trainer.errors import RunError
from trainer.training.networks import build
from trainer.training.request import DIGEST, another_training, differences
from trainer.training.run import BEST_FILE, LAST_FILE, LOG_FILE, RUN_FILE, Run, read_log

if TYPE_CHECKING:
    from trainer.training.run import RunManifest

_LOG = logging.getLogger(__name__)
SAME_TRAINING = ("network", "input", "seed", "fit", "data")
"""Parts of run.json that must agree before a run goes on."""


def open_or_begin(path: Path, manifest: RunManifest) -> Run:
    """Return the run in a folder that goes on, or begin one where nothing was trained yet.

    Raises
    ------
    RunError
        The folder holds another training, or one of another version, or cannot be used.

    """
    if not any((path / name).exists() for name in (LAST_FILE, BEST_FILE)):
        if (path / LOG_FILE).exists() and not (path / RUN_FILE).exists():
            raise RunError(
                path, f"it holds a {LOG_FILE} of something else", "choose another folder, or remove this one"
            )
        if (path / RUN_FILE).exists():
            Run.open(path)  # a training that was begun and left nothing is begun anew, anything else stays
        build(manifest.network.name, manifest.input, manifest.network.options, manifest.seed)
        run = Run(path, manifest)
        run.save()
        return run
    if not (path / RUN_FILE).exists():
        problem = f"it holds weights without a {RUN_FILE}, so nobody knows what they were trained on"
        raise RunError(path, problem, "choose another folder, or remove this one")
    run = Run.open(path)
    differing = differences(run.manifest, {name: getattr(manifest, name) for name in SAME_TRAINING})
    if differing:
        raise another_training(path, differing)
    return run


def model_to_train(run: Run, steps: int) -> tuple[keras.Model, int]:
    """Return the compiled model and the epoch to go on with, and cut the log to what last.keras holds."""
    manifest = run.manifest
    if (run.path / LAST_FILE).exists():
        model = run.load_model("last")
        begun = int(model.optimizer.iterations) // steps
        kept = read_log(run.path)[:begun]
        (run.path / LOG_FILE).write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
        return model, begun
    (run.path / LOG_FILE).unlink(missing_ok=True)
    model = build(manifest.network.name, manifest.input, manifest.network.options, manifest.seed)
    if manifest.fit.start_from is not None:
        copied = copy_weights(model, Run.open(Path(manifest.fit.start_from.rpartition(DIGEST)[0])))
        _LOG.info("%s begin with the weights of %s", ", ".join(copied), manifest.fit.start_from)
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


def source_with_digest(source: str, path: Path) -> str:
    """Return the run whose weights a training in `path` begins with, and the digest of these weights.

    Raises
    ------
    RunError
        The run holds no best network.

    """
    if (path / LAST_FILE).exists():  # the weights are in it already; the source may be gone
        begun = Run.open(path).manifest.fit.start_from
        if begun is not None and Path(begun.rpartition(DIGEST)[0]).resolve() == Path(source).resolve():
            return begun
    return f"{source}{DIGEST}{Run.open(Path(source)).weights_sha256()}"


def copy_weights(model: keras.Model, source: Run) -> list[str]:
    """Copy the weights of a run's best network into the layers of the same name and shapes, and return their names.

    Convolutions do not depend on the crop size. Weights from small crops, which train faster, serve large crops, too.

    Raises
    ------
    RunError
        No layer has the same name and shapes.

    """
    trained = {layer.name: layer.get_weights() for layer in source.load_model().layers}
    copied = []
    for layer in model.layers:
        shapes = [tuple(weight.shape) for weight in layer.weights]
        if shapes and shapes == [weight.shape for weight in trained.get(layer.name, [])]:
            layer.set_weights(trained[layer.name])
            copied.append(layer.name)
    if not copied:
        problem = f"no layer of {source.manifest.network.name} is like one of {model.name} in name and shape"
        raise RunError(source.path, problem, "start from a run of the same kind of network")
    return copied
