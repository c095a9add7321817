"""Bundles of trained networks, made by gammabox-quantize in a process of its own: the trainer does not import it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from edge.bundle import load_bundle
from trainer.data.dataset import Dataset, DatasetIndex
from trainer.data.writer import DatasetWriter
from trainer.errors import ProtocolError
from trainer.paper.findings import keep, kept

if TYPE_CHECKING:
    from pathlib import Path

    from edge.detect.manifest import Bundle
    from trainer.paper.fused import Pools
    from trainer.scenes.splits import Split
    from trainer.training.run import Run

INT8: tuple[str, ...] = ()
"""Options of the conversion of a network without float layers."""
DYNAMIC_INT8 = ("--recipe", "dynamic", "--per-tensor")
"""Those of a network with local response normalisation, which has no int8 kernel."""
FLOAT = ("--recipe", "float32")
_PROGRAM = "from quantize.commands import main; main()"
_LAST_LINES = 3


def can_convert() -> bool:
    """Return whether gammabox-quantize and TensorFlow, which it needs, are installed."""
    return all(importlib.util.find_spec(name) is not None for name in ("quantize", "tensorflow"))


def convert(run: Run, data: Path, bundle: Path, options: tuple[str, ...]) -> Bundle:
    """Convert the best network of a run into a bundle, or return the bundle that was made of the same weights.

    Raises
    ------
    ProtocolError
        The conversion failed; the message holds what it said.

    """
    of = {"weights": run.weights_sha256(), "options": list(options)}
    made_of = bundle.with_name(f"{bundle.name}.json")
    if not (bundle / "model.json").exists() or kept(made_of, of) is None:
        part = bundle.with_name(f"part.{bundle.name}")
        shutil.rmtree(part, ignore_errors=True)
        part.parent.mkdir(parents=True, exist_ok=True)
        words = ["convert", str(run.path), "--data", str(data), "--out", str(part), "--name", bundle.name, *options]
        done = subprocess.run([sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            said = " ".join(done.stderr.split("\n")[-_LAST_LINES:]).strip() or f"exit code {done.returncode}"
            raise ProtocolError(bundle, f"gammabox-quantize could not make it ({said})", "run the same command again")
        shutil.rmtree(bundle, ignore_errors=True)
        part.replace(bundle)
        keep(made_of, of, {"bundle": bundle.name})
    return load_bundle(bundle)


def write_fused(path: Path, pools: Pools, counts: dict[Split, int], seed: int) -> Dataset:
    """Write fused crops of some splits as a dataset, a shard for each split, or open the one that is there."""
    recipe = {
        "counts": {str(split): count for split, count in counts.items()},
        "sets": [dataset.sha256 for dataset in (pools.noise, pools.scenes, pools.radiation)],
    }
    index = DatasetIndex(
        kind="paper-fused",
        command="",
        seed=seed,
        crop_size=pools.scenes.crop_size,
        recipe=recipe,
        planned_shards=len(counts),
    )
    writer = DatasetWriter(path, index)
    splits = list(counts)
    for shard in writer.missing:
        writer.add(shard, splits[shard], pools.samples(splits[shard], counts[splits[shard]], seed))
    return Dataset.open(path)
