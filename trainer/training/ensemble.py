"""One network whose logits are the mean of those of several trainings."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import numpy as np

from trainer.errors import RunError
from trainer.training.callbacks import save_model
from trainer.training.networks import build
from trainer.training.networks.alexnet import member_prefix
from trainer.training.request import DIGEST, differences
from trainer.training.run import BEST_FILE, RUN_FILE, DataUsed, Run, program_commit
from trainer.values import NETWORK_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import keras

NETWORK, LAYOUT = "alexnet_edge", "spot"
"""The network that takes `members`, and its layout."""
LOGITS = "logits"
"""Name of its last layer."""
MAX_MEMBERS: int = NETWORK_OPTIONS[NETWORK]["members"][-1]


def ensemble(path: Path, runs: Sequence[Run], *, command: str = "") -> Run:
    """Write a run whose network holds those of some runs side by side and averages their logits.

    Networks that were fitted to other data are deceived by other things. So their mean errs less than each of them
    (Hansen and Salamon, Neural network ensembles, 1990).

    Parameters
    ----------
    path : Path
        A new folder, or one that holds the ensemble of the same runs.
    runs : sequence of Run
        Two to four of the same network and input. The run.json of the ensemble is that of the last one, with the
        data of all of them, and without what was measured of it.
    command : str
        Command line to record.

    Raises
    ------
    RunError
        The runs cannot be averaged, or the folder holds another run.

    """
    _require_alike(runs)
    digests = [run.weights_sha256() for run in runs]
    for place, digest in enumerate(digests):
        if digest in digests[:place]:
            raise RunError(runs[place].path, "its weights are those of a run named before", "name each run once")
    members = tuple(f"{run.path}{DIGEST}{digest}" for run, digest in zip(runs, digests, strict=True))
    _require_free(path, members)
    last = runs[-1].manifest
    network = last.network.model_copy(update={"options": {**last.network.options, "members": len(runs)}})
    model = build(network.name, last.input, network.options, last.seed)
    _copy_members(model, runs)
    done = Run(path, last).with_manifest(
        network=network,
        data=_data_of(runs),
        members=members,
        commit=program_commit(),
        created_utc=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        command=command,
        decision=None,
        decided_with=None,
        figures={},
    )
    save_model(model, path / BEST_FILE)
    return done


def _copy_members(model: keras.Model, runs: Sequence[Run]) -> None:
    """Copy the weights of each run into its member, and their mean into the logits."""
    kernels, biases = [], []
    for member, run in enumerate(runs):
        for layer in run.load_model().layers:
            if layer.name == LOGITS:
                kernel, bias = layer.get_weights()
                kernels.append(kernel / len(runs))
                biases.append(bias / len(runs))
            elif layer.weights:
                model.get_layer(member_prefix(member) + layer.name).set_weights(layer.get_weights())
    model.get_layer(LOGITS).set_weights([np.concatenate(kernels), np.sum(biases, axis=0)])


def _data_of(runs: Sequence[Run]) -> DataUsed:
    """Return the data of all runs, each dataset once, mixtures last."""
    plain: dict[str, str] = {}
    mixed: dict[str, str] = {}
    for data in (run.manifest.data for run in runs):
        whole = len(data.paths) - data.mixtures
        for place, (path, digest) in enumerate(zip(data.paths, data.sha256, strict=True)):
            (plain if place < whole else mixed).setdefault(digest, path)
    every = {**plain, **{digest: path for digest, path in mixed.items() if digest not in plain}}
    used = [run.manifest.data for run in runs]
    return DataUsed(
        paths=tuple(every.values()),
        mixtures=len(every) - len(plain),
        sha256=tuple(every),
        train=sum(data.train for data in used),
        train_positives=sum(data.train_positives for data in used),
        validation=sum(data.validation for data in used),
    )


def _require_alike(runs: Sequence[Run]) -> None:
    """Raise RunError where runs cannot stand side by side."""
    first = runs[0]
    if not 2 <= len(runs) <= MAX_MEMBERS:
        raise RunError(first.path, f"an ensemble has two to {MAX_MEMBERS} runs, not {len(runs)}", "name as many")
    for run in runs:
        network, options = run.manifest.network.name, run.manifest.network.options
        if network != NETWORK or options.get("layout") != LAYOUT or options.get("members", 1) != 1:
            problem = f"its network is no single {NETWORK} of the layout {LAYOUT}"
            raise RunError(run.path, problem, f"name runs of `fit --network {NETWORK} -o layout={LAYOUT}`")
        asked = {"network": first.manifest.network, "input": first.manifest.input}
        differing = differences(run.manifest, asked)
        if differing:
            problem = f"it differs from {first.path} in {', '.join(differing)}"
            raise RunError(run.path, problem, "name runs of the same network and input")


def _require_free(path: Path, members: tuple[str, ...]) -> None:
    """Raise RunError where a folder holds something else than the ensemble of these runs."""
    held = any((path / name).exists() for name in (RUN_FILE, BEST_FILE))
    if held and Run.open(path).manifest.members != members:
        raise RunError(path, "it holds another run", "choose another folder, or remove this one")
