"""Measures each layer: the quantisation noise that it adds, the range that it uses, the share that saturates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantize.agreement import sqnr_db
from quantize.graph import WEIGHTED, Graph, Operator, Tensor, read_graph
from quantize.runtime_worker import open_model

if TYPE_CHECKING:
    from numpy.typing import NDArray


CEILING_DB = 50.0  # a full-range signal rounded to 256 steps has 6.02 × 8 + 1.76 dB; more is chance


@dataclass(frozen=True, slots=True)
class LayerError:
    """The errors of one operator of the int8 model against that of the float model.

    Attributes
    ----------
    name : str
        The name of the layer in Keras, as far as the converter kept it.
    operator : str
    sqnr_db : float
        Signal to quantisation noise of its output, all noise from before included.
    drop_db : float
        The loss of that ratio against the layer's worst input, both taken as 50 dB at most: the layer's own share.
    weights_db : float or None
        Signal to quantisation noise of its weights alone.
    rounding_db : float
        The ratio after rounding alone of the float output to this tensor's steps: the best that is possible with this
        range. A range that few strong values stretch leaves few steps for all others.
    low, high : float
        The range that its stored type can hold.
    used : float
        The share of that range between its least and greatest output.
    saturated : float
        The share of outputs at an end of the stored range, where that end cuts something off.

    """

    name: str
    operator: str
    sqnr_db: float
    drop_db: float
    weights_db: float | None
    rounding_db: float
    low: float
    high: float
    used: float
    saturated: float


def layer_errors(
    reference: bytes, quantised: bytes, real: NDArray[np.float32], stored: NDArray[np.generic]
) -> tuple[LayerError, ...]:
    """Return the errors of all layers that both models have, in the order of the int8 model.

    Parameters
    ----------
    reference : bytes
        The float32 .tflite file of the same network.
    quantised : bytes
        Content of the int8 .tflite file.
    real : float32 array, shape (n, s, s, planes)
        Inputs of the reference model.
    stored : int8 array, same shape
        The same inputs as the int8 model takes them.

    """
    float_graph, int8_graph = read_graph(reference), read_graph(quantised)
    partners = paired_tensors(float_graph, int8_graph)
    signal, noisy = _activations(reference, float_graph, real), _activations(quantised, int8_graph, stored)
    sqnr: dict[int, float] = {int8_graph.inputs[0]: sqnr_db(real, int8_graph.input.dequantised(stored))}
    own_weights, wanted_weights = int8_graph.weights(), float_graph.weights()
    rows = []
    for operator in int8_graph.operators:
        out = operator.outputs[0]
        if out not in partners or out not in noisy:
            continue
        tensor = int8_graph.tensors[out]
        sqnr[out] = sqnr_db(signal[partners[out]], tensor.dequantised(noisy[out]))
        before = [min(sqnr[i], CEILING_DB) for i in operator.inputs if i in sqnr]
        weights_db = None
        partner = float_graph.tensors[partners[out]].name
        if operator.name in WEIGHTED and tensor.name in own_weights and partner in wanted_weights:
            own, wanted = own_weights[tensor.name], wanted_weights[partner]
            if own.data is not None and wanted.data is not None and own.data.shape == wanted.data.shape:
                weights_db = sqnr_db(wanted.data, own.dequantised(own.data))
        used = _range(tensor, noisy[out])
        rounding_db = sqnr_db(signal[partners[out]], tensor.dequantised(_rounded(tensor, signal[partners[out]])))
        drop = min(before) - min(sqnr[out], CEILING_DB) if before else 0.0
        name = layer_name(tensor.name)
        rows.append(LayerError(name, operator.name, sqnr[out], drop, weights_db, rounding_db, *used))
    return tuple(rows)


def worst_layer(rows: tuple[LayerError, ...]) -> LayerError | None:
    """Return the layer that adds most noise of its own; None without rows."""
    return max(rows, key=lambda row: row.drop_db, default=None)


def paired_tensors(reference: Graph, quantised: Graph) -> dict[int, int]:
    """Return the outputs of operators of the int8 model with their partners in the reference, by index of tensor.

    Partners have the same kind and name; several of the same name are paired in order. A network that was trained again
    in another Keras has other names around the same layers, so names are compared without scopes and counters.
    """
    waiting: dict[tuple[str, str], list[int]] = {}
    for operator in reference.operators:
        waiting.setdefault(_key(reference, operator), []).append(operator.outputs[0])
    pairs: dict[int, int] = {}
    for operator in quantised.operators:
        queue = waiting.get(_key(quantised, operator))
        if queue:
            partner = queue.pop(0)
            if reference.tensors[partner].shape == quantised.tensors[operator.outputs[0]].shape:
                pairs[operator.outputs[0]] = partner
    return pairs


def layer_name(tensor: str) -> str:
    """Return the name of the layer in a tensor's name, without scopes, counters and fused partners."""
    parts = tensor.split(";", maxsplit=1)[0].split("/")
    if len(parts) < 2:
        return "output"
    kept = parts[-1] if parts[-1].startswith("strided_slice") else parts[-2]
    # The QAT toolkit wraps every layer and calls the wrapper quant_….
    return kept if kept.startswith("strided_slice") else re.sub(r"_\d+$", "", kept).removeprefix("quant_")


def _key(graph: Graph, operator: Operator) -> tuple[str, str]:
    return operator.name, layer_name(graph.tensors[operator.outputs[0]].name)


def _activations(model: bytes, graph: Graph, inputs: NDArray[np.generic]) -> dict[int, NDArray[np.generic]]:
    """Run a batch and return the first output of every operator by index of tensor."""
    interpreter, _ = open_model(model, "plain", keep=True)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, inputs)
    interpreter.invoke()
    return {operator.outputs[0]: interpreter.get_tensor(operator.outputs[0]).copy() for operator in graph.operators}


def _rounded(tensor: Tensor, real: NDArray[Any]) -> NDArray[Any]:
    """Return real values as the tensor stores them."""
    if tensor.is_float:
        return real
    ends = np.iinfo(tensor.dtype.lower())
    rounded: NDArray[Any] = np.clip(np.rint(real / tensor.scale[0]) + tensor.zero_point[0], ends.min, ends.max)
    return rounded


def _range(tensor: Tensor, values: NDArray[np.generic]) -> tuple[float, float, float, float]:
    if tensor.is_float:
        return float(values.min()), float(values.max()), 1.0, 0.0
    ends = np.iinfo(tensor.dtype.lower())
    low, high = (float(value) for value in tensor.dequantised(np.array([ends.min, ends.max])))
    least, greatest = int(values.min()), int(values.max())
    # After a ReLU many outputs lie at zero, the lowest value that exists, and nothing is cut off there.
    cut = values == ends.max
    if low < 0:
        cut |= values == ends.min
    return low, high, (greatest - least) / (ends.max - ends.min), float(cut.mean())
