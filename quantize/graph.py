"""Reads a .tflite file as a graph of operators and tensors, and edits a few of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from numpy.typing import NDArray

_Parsed: TypeAlias = Any  # the classes generated from the schema carry no types

FILE_IDENTIFIER = b"TFL3"
WEIGHTED = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_FLOATS = frozenset({"FLOAT32", "FLOAT16", "FLOAT64", "BFLOAT16"})


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor of the graph.

    Attributes
    ----------
    index : int
        Number of the tensor, as the interpreter counts.
    dtype : str
        Name of the type in the schema: INT8, FLOAT32, ...
    scale : float32 array, shape (0,), (1,) or (channels,)
        Empty for a tensor that is not quantised; real = scale × (stored − zero_point).
    zero_point : int64 array, like `scale`
    axis : int
        The axis of the channels of `scale`.
    data : array or None
        Constant content (weights, biases, shapes); None for activations.

    """

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: NDArray[np.float32] = field(repr=False)
    zero_point: NDArray[np.int64] = field(repr=False)
    axis: int = 0
    data: NDArray[Any] | None = field(default=None, repr=False)

    @property
    def is_float(self) -> bool:
        """Whether its values are floating point."""
        return self.dtype in _FLOATS

    def dequantised(self, stored: NDArray[Any]) -> NDArray[np.float64]:
        """Return the real values of stored ones; those of a tensor that is not quantised are unchanged."""
        if not self.scale.size:
            return stored.astype(np.float64)
        scale, zero = self.scale.astype(np.float64), self.zero_point
        if self.scale.size > 1:
            shape = [1] * stored.ndim
            shape[self.axis] = self.scale.size
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        real: NDArray[np.float64] = (stored.astype(np.float64) - zero) * scale
        return real


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator with its inputs and outputs as indices of tensors (absent ones left out)."""

    index: int
    name: str
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The only subgraph of a network for the box."""

    operators: tuple[Operator, ...]
    tensors: tuple[Tensor, ...] = field(repr=False)
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    min_runtime: str | None

    @property
    def input(self) -> Tensor:
        """The first input."""
        return self.tensors[self.inputs[0]]

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.tensors[self.outputs[0]]

    def float_operators(self) -> tuple[str, ...]:
        """Return the names of the operators that read or write floating point, in order."""
        return tuple(
            operator.name
            for operator in self.operators
            if any(self.tensors[i].is_float for i in (*operator.inputs, *operator.outputs))
        )

    def versions(self) -> dict[str, int]:
        """Return the version of each kind of operator, the newest where several are used."""
        newest: dict[str, int] = {}
        for operator in self.operators:
            newest[operator.name] = max(operator.version, newest.get(operator.name, 0))
        return newest

    def weights(self) -> dict[str, Tensor]:
        """Return the weights of each weighted operator by the name of its output, in order."""
        return {
            self.tensors[operator.outputs[0]].name: self.tensors[operator.inputs[1]]
            for operator in self.operators
            if operator.name in WEIGHTED and self.tensors[operator.inputs[1]].data is not None
        }

    def per_channel(self) -> bool:
        """Whether any convolution has a scale for each output channel."""
        return any(weights.scale.size > 1 for weights in self.weights().values())


def read_graph(model: bytes) -> Graph:
    """Read a .tflite file.

    Raises
    ------
    ValueError
        The bytes are no TFLite model of one subgraph.

    """
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - heavy

    parsed = _parse(model, schema)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    types = {value: name for name, value in vars(schema.TensorType).items() if isinstance(value, int)}
    subgraph = parsed.subgraphs[0]
    tensors = tuple(
        _tensor(index, tensor, types[tensor.type], parsed.buffers[tensor.buffer].data)
        for index, tensor in enumerate(subgraph.tensors)
    )
    operators = []
    for index, operator in enumerate(subgraph.operators):
        code = parsed.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        if code.customCode:
            name = f"CUSTOM:{code.customCode.decode(errors='replace')}"
        used = tuple(int(i) for i in operator.inputs if i >= 0)
        operators.append(Operator(index, name, int(code.version), used, tuple(int(i) for i in operator.outputs)))
    return Graph(
        tuple(operators),
        tensors,
        tuple(int(i) for i in subgraph.inputs),
        tuple(int(i) for i in subgraph.outputs),
        _min_runtime(parsed),
    )


def replace_weights(model: bytes, replacements: Mapping[int, NDArray[Any]]) -> bytes:
    """Return the model with the constant data of some tensors replaced, by index of tensor; sizes must match."""
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - heavy

    parsed = _parse(model, schema)
    for index, content in replacements.items():
        buffer = parsed.buffers[parsed.subgraphs[0].tensors[index].buffer]
        if len(buffer.data) != content.nbytes:
            raise ValueError(f"tensor {index} holds {len(buffer.data)} bytes, not {content.nbytes}")
        buffer.data = np.frombuffer(content.tobytes(), np.uint8)
    return _packed(parsed)


def free_batch(model: bytes) -> bytes:
    """Return a model converted for one crop such that it takes any number of crops after `resize_tensor_input`.

    Only RESHAPE holds the batch of 1 in a constant; −1 there means "the remaining dimension". Otherwise a network that
    flattens would have to compute shapes at run time, and XNNPACK would split it into two partitions.
    """
    from ai_edge_litert import schema_py_generated as schema  # noqa: PLC0415 - heavy

    parsed = _parse(model, schema)
    subgraph = parsed.subgraphs[0]
    for operator in subgraph.operators:
        code = parsed.operatorCodes[operator.opcodeIndex]
        if code.builtinCode != schema.BuiltinOperator.RESHAPE or len(operator.inputs) < 2:
            continue
        buffer = parsed.buffers[subgraph.tensors[operator.inputs[1]].buffer]
        if buffer.data is None:
            continue
        shape = np.frombuffer(bytes(buffer.data), np.int32).copy()
        if shape[0] == 1 and (shape[1:] > 0).all():
            shape[0] = -1
            buffer.data = np.frombuffer(shape.tobytes(), np.uint8)
            operator.builtinOptions = None
            operator.builtinOptionsType = 0
    return _packed(parsed)


def _parse(model: bytes, schema: ModuleType) -> _Parsed:
    if model[4:8] != FILE_IDENTIFIER:
        raise ValueError("the file does not start like a TFLite model")
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    if len(parsed.subgraphs) != 1:
        raise ValueError(f"the model has {len(parsed.subgraphs)} subgraphs instead of one")
    return parsed


def _packed(parsed: _Parsed) -> bytes:
    import flatbuffers  # noqa: PLC0415 - comes with ai-edge-litert

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(parsed.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _tensor(index: int, tensor: _Parsed, dtype: str, content: NDArray[np.uint8] | None) -> Tensor:
    quantisation = tensor.quantization
    scale = np.zeros(0, np.float32)
    zero = np.zeros(0, np.int64)
    axis = 0
    if quantisation is not None and quantisation.scale is not None and len(quantisation.scale):
        scale = np.asarray(quantisation.scale, np.float32)
        zero = np.asarray(quantisation.zeroPoint, np.int64)
        axis = int(quantisation.quantizedDimension)
    shape = () if tensor.shape is None else tuple(int(side) for side in tensor.shape)
    data = None
    if content is not None and len(content) and dtype.lower() in np.sctypeDict:
        data = np.frombuffer(bytes(content), np.dtype(dtype.lower())).reshape(shape)
    name = tensor.name.decode(errors="replace")
    return Tensor(index, name, dtype, shape, scale, zero, axis, data)


def _min_runtime(parsed: _Parsed) -> str | None:
    for entry in parsed.metadata or ():
        if entry.name == b"min_runtime_version":
            return bytes(parsed.buffers[entry.buffer].data).rstrip(b"\0").decode()
    return None
