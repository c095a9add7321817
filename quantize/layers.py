"""Layer by layer: what each adds of quantisation noise, what range it uses, how much of it saturates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from quantize.agreement import sqnr_db
from quantize.graph import WEIGHTED, Graph, Operator, Tensor, read_graph
from quantize.worker import open_model

if TYPE_CHECKING:
    from numpy.typing import NDArray


CEILING_DB = 50.0  # a full-range signal rounded to 256 steps has 6.02 × 8 + 1.76 dB; more is luck


@dataclass(frozen=True, slots=True)
class LayerError:
    """One operator of the int8 model held against the float model's.

    Attributes
    ----------
    name : str
        Keras' name of the layer as far as the converter kept it.
    operator : str
    sqnr_db : float
        Signal to quantisation noise of its output, all noise from before included.
    drop_db : float
        By how much the ratio is worse than that of its worst input, both taken as 50 dB at most: the layer's own share.
    weights_db : float or None
        Signal to quantisation noise of its weights alone.
    rounding_db : float
        What rounding the float output to this tensor's steps would give, nothing else being wrong: the best there is
        with this range. A range that few strong values stretch leaves few steps for all others.
    low, high : float
        Range that its stored type can hold.
    used : float
        Share of that range between its least and greatest output.
    saturated : float
        Share of outputs at an end of the stored range where that end cuts something off.

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
    """Compare all layers that both models have, in the order of the int8 model.

    Parameters
    ----------
    reference : bytes
        The float32 .tflite file of the same network.
    quantised : bytes
        The int8 one.
    real : float32 array, shape (n, s, s, 3)
        Inputs of the reference.
    stored : int8 array, same shape
        The same inputs as the int8 model takes them.

    """
    one, two = read_graph(reference), read_graph(quantised)
    partners = paired_tensors(one, two)
    signal, noisy = _activations(reference, one, real), _activations(quantised, two, stored)
    sqnr: dict[int, float] = {two.inputs[0]: sqnr_db(real, two.input.dequantised(stored))}
    own_weights, wanted_weights = two.weights(), one.weights()
    rows = []
    for operator in two.operators:
        out = operator.outputs[0]
        if out not in partners or out not in noisy:
            continue
        tensor = two.tensors[out]
        sqnr[out] = sqnr_db(signal[partners[out]], tensor.dequantised(noisy[out]))
        before = [min(sqnr[i], CEILING_DB) for i in operator.inputs if i in sqnr]
        weights_db = None
        partner = one.tensors[partners[out]].name
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
    """Give the layer that adds most noise of its own; None without rows."""
    return max(rows, key=lambda row: row.drop_db, default=None)


def paired_tensors(reference: Graph, quantised: Graph) -> dict[int, int]:
    """Pair outputs of operators, int8 model's to reference's: by name and kind, equals in order.

    A network that was trained again in another Keras has other names around the same layers; what is left of them
    without scopes and counters is compared.
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
    """Shorten a tensor's name to its layer's: scopes, counters and fused partners off."""
    parts = tensor.split(";", maxsplit=1)[0].split("/")
    if len(parts) < 2:
        return "output"
    kept = parts[-1] if parts[-1].startswith("strided_slice") else parts[-2]
    # The QAT toolkit wraps every layer and calls the wrapper quant_….
    return kept if kept.startswith("strided_slice") else re.sub(r"_\d+$", "", kept).removeprefix("quant_")


def _key(graph: Graph, operator: Operator) -> tuple[str, str]:
    return operator.name, layer_name(graph.tensors[operator.outputs[0]].name)


def _activations(model: bytes, graph: Graph, inputs: NDArray[np.generic]) -> dict[int, NDArray[np.generic]]:
    """Run a batch and give every operator's first output by index of tensor."""
    interpreter, _ = open_model(model, "plain", keep=True)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, inputs.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, inputs)
    interpreter.invoke()
    return {operator.outputs[0]: interpreter.get_tensor(operator.outputs[0]).copy() for operator in graph.operators}


def _rounded(tensor: Tensor, real: NDArray[Any]) -> NDArray[Any]:
    """Give real values as the tensor stores them."""
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
    # Below a ReLU zero is the lowest value there is: many outputs lie there and nothing was cut off.
    cut = values == ends.max
    if low < 0:
        cut |= values == ends.min
    return low, high, (greatest - least) / (ends.max - ends.min), float(cut.mean())
