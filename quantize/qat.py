"""Quantisation-aware training (QAT): fine-tunes a network with int8 rounding in the forward pass.

Only tf_keras and the TensorFlow Model Optimization toolkit can do it, and they do not work in one process with Keras 3.
A process of their own gets the network as a list of layers and an archive of weights, and writes a .tflite file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.crops import plane_count
from quantize import qat_worker
from quantize.conversion import require_integer, require_supported
from quantize.environments import qat_packages
from quantize.errors import ForeignRuntimeError, QuantiseError
from quantize.graph import free_batch, read_graph
from trainer.training.planes import network_planes

if TYPE_CHECKING:
    import keras
    from numpy.typing import NDArray

    from edge.detect.manifest import InputContract
    from trainer.training.batches import Crops

TIMEOUT_S = 4 * 3600
TEACHER_BATCH = 512
# The arguments of each kind of layer that tf_keras understands and needs.
LAYERS: dict[str, tuple[str, ...]] = {
    "Conv2D": ("filters", "kernel_size", "strides", "padding", "activation", "use_bias"),
    "BatchNormalization": ("epsilon", "momentum"),
    "ReLU": (),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "GlobalMaxPooling2D": (),
    "GlobalAveragePooling2D": (),
    "ZeroPadding2D": ("padding",),
    "Concatenate": (),
    "Add": (),
    "Flatten": (),
    "Dropout": ("rate",),
    "Dense": ("units", "activation", "use_bias"),
}


@dataclass(frozen=True, slots=True)
class QatSettings:
    """The extent of the fine-tuning; `steps` is the number of batches in an epoch, None for all crops."""

    epochs: int = 2
    batch_size: int = 64
    learning_rate: float = 1e-4
    steps: int | None = None
    seed: int = 1


def fine_tuned(model: keras.Model, contract: InputContract, crops: Crops, settings: QatSettings) -> bytes:
    """Fine-tune a network with int8 rounding towards its own float logits, and convert it to full int8.

    The float network is the teacher (Hinton et al. 2015, matching logits). With labels instead, the network would
    drift towards the crops at hand, and thresholds that were chosen for it would no longer fit.

    Parameters
    ----------
    model : keras.Model
        The trained float network; not changed.
    contract : InputContract
    crops : Crops
        Crops for fine-tuning; their labels are not used.
    settings : QatSettings

    Returns
    -------
    bytes
        The .tflite file, like that of `quantize.conversion.convert`.

    Raises
    ------
    QuantiseError
        A layer cannot be carried over.
    ForeignRuntimeError
        The toolkit cannot be installed, or the training fails.

    """
    network = described(model)
    count = len(crops) if settings.steps is None else settings.steps * settings.batch_size
    chosen = np.sort(np.random.default_rng(settings.seed).permutation(len(crops))[:count])
    planes = network_planes(crops.pictures[chosen], contract.planes)
    with tempfile.TemporaryDirectory(prefix="gammabox-qat-") as folder:
        place = Path(folder)
        weights = {f"{layer.name}/{i}": array for layer in model.layers for i, array in enumerate(layer.get_weights())}
        np.savez(place / "weights.npz", **weights)
        np.savez(place / "crops.npz", planes=planes, logits=_logits(model, planes, contract))
        task = {
            "network": network,
            "crop_size": contract.crop_size,
            "planes": plane_count(contract.planes),
            "scale": contract.scale,
            "offset": contract.offset,
            **asdict(settings),
        }
        (place / "task.json").write_text(json.dumps(task), encoding="utf-8")
        _run_worker(place)
        content = free_batch((place / "model.tflite").read_bytes())
    graph = read_graph(content)
    require_supported(graph, model.name)
    require_integer(graph, model.name)
    return content


def _logits(model: keras.Model, planes: NDArray[np.uint8], contract: InputContract) -> NDArray[np.float32]:
    """Return the float network's logits, shape (n, 2)."""
    parts = [
        np.asarray(model.predict_on_batch(part.astype(np.float32) * np.float32(contract.scale) + contract.offset))
        for part in np.array_split(planes, max(len(planes) // TEACHER_BATCH, 1))
    ]
    return np.concatenate(parts)


def described(model: keras.Model) -> list[dict[str, Any]]:
    """Return the layers of a functional network, each with name, kind, names of inputs and arguments, for JSON.

    Raises
    ------
    QuantiseError
        tf_keras has no counterpart of a layer.

    """
    network: list[dict[str, Any]] = []
    for layer in model.get_config()["layers"]:
        kind, name, config = layer["class_name"], layer["name"], layer["config"]
        if kind == "InputLayer":
            continue
        arguments = layer["inbound_nodes"][0]["args"]
        entry: dict[str, Any] = {"name": name, "kind": kind, "inputs": _input_names(arguments[0])}
        if kind == "GetItem":
            entry["channels"] = _channel_slice(arguments[1], model.name)
        elif kind in LAYERS:
            entry["arguments"] = {key: config[key] for key in LAYERS[kind]}
        else:
            problem = f"its layer {name} of kind {kind} has no counterpart in tf_keras here"
            raise QuantiseError(model.name, problem, "use PTQ (leave out --qat)")
        network.append(entry)
    return network


def _run_worker(place: Path) -> None:
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {"TF_USE_LEGACY_KERAS": "1", "PYTHONPATH": str(qat_packages()), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        ran = subprocess.run(
            [sys.executable, str(Path(qat_worker.__file__)), str(place)],
            env=variables,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ForeignRuntimeError("qat", f"it took over {TIMEOUT_S} s", "train fewer epochs") from error
    if ran.returncode != 0:
        last = (ran.stderr.strip() or f"exit code {ran.returncode}").splitlines()[-1]
        raise ForeignRuntimeError("qat", f"the fine-tuning failed ({last:.200})", "use PTQ (leave out --qat)")


def _input_names(argument: Any) -> list[str]:  # noqa: ANN401 - a tree of Keras' configuration
    """Return the names of the layers whose outputs are a layer's first argument."""
    if isinstance(argument, list):
        return [name for item in argument for name in _input_names(item)]
    return [str(argument["config"]["keras_history"][0])]


def _channel_slice(parts: list[dict[str, Any]], what: str) -> list[int | None]:
    """Return start and stop of x[..., start:stop]."""
    kinds = [part["class_name"] for part in parts]
    if kinds != ["__ellipsis__", "__slice__"] or parts[1]["config"]["step"] not in {None, 1}:
        raise QuantiseError(what, "it slices other than along its maps", "use PTQ (leave out --qat)")
    return [parts[1]["config"]["start"], parts[1]["config"]["stop"]]
