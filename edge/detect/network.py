"""One TFLite network behind its contract: candidates in, dequantised logits out, anything unexpected refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.detect.crops import cut_size, network_input, patches, plane_count
from edge.detect.hit import positions
from edge.detect.runtime import open_interpreter, without_chatter
from edge.errors import BundleError
from edge.statistics import sigmoid

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.capture.frame import Image
    from edge.detect.crops import Indices, Planes
    from edge.detect.hit import Candidate
    from edge.detect.manifest import InputContract, OutputContract, Quantisation
    from edge.detect.view import View

_ADVICE = "make the bundle with gammabox-quantize convert"
_QUANTISATION_TOLERANCE = 1e-5


class _Call:
    """An interpreter that takes a fixed number of crops in one call."""

    def __init__(self, interpreter: Any, filled: NDArray[np.generic]) -> None:  # noqa: ANN401
        self._interpreter = interpreter
        self._input: int = interpreter.get_input_details()[0]["index"]
        self._output: int = interpreter.get_output_details()[0]["index"]
        self.filled = filled

    def run(self) -> NDArray[np.generic]:
        """Return the stored logits (n, 2) of what `filled` holds."""
        self._interpreter.set_tensor(self._input, self.filled)
        self._interpreter.invoke()
        logits: NDArray[np.generic] = self._interpreter.get_tensor(self._output)
        return logits


class Network:
    """A network that judges the surroundings of candidates, a fixed number at a time.

    Parameters
    ----------
    path : Path
        The bundle's folder, for messages.
    model : bytes
        Content of the .tflite file.
    contract : (InputContract, OutputContract)
        Input and output according to the manifest; the model has to agree with them.
    threads : int
    batch : int
        Crops in one call; a model whose batch is fixed at 1 is called once a crop.
    small : int or None
        Crops in one call of what a call of `batch` would leave mostly empty; None where such calls are not worth while.

    Raises
    ------
    BundleError
        The model's input or output is not what the manifest says.
    RuntimeMissingError
        No runtime works here.

    """

    def __init__(
        self,
        path: Path,
        model: bytes,
        contract: tuple[InputContract, OutputContract],
        *,
        threads: int = 1,
        batch: int = 1,
        small: int | None = None,
    ) -> None:
        self._expects, self._gives = contract
        interpreter, self.runtime = open_interpreter(model, threads, path)
        self._check(path, interpreter)
        self._table = stored_values(self._expects)
        size = self._expects.crop_size
        self._shape = (size, size, plane_count(self._expects.planes))
        self._large = self._call(path, interpreter, batch)
        self._small = self._large
        if small is not None and small < self.batch:
            self._small = self._call(path, open_interpreter(model, threads, path)[0], small)

    @property
    def planes(self) -> Planes:
        """The three channels that the network sees, as in `edge.detect.crops.network_input`."""
        return self._expects.planes

    @property
    def crop_size(self) -> int:
        """Side of a crop in pixels."""
        return self._expects.crop_size

    @property
    def batch(self) -> int:
        """Crops in one call of the interpreter."""
        return len(self._large.filled)

    def crops(self, view: View, candidates: Sequence[Candidate]) -> Image:
        """Cut the input of the network around each candidate: uint8, shape (n, size, size, planes)."""
        return self.crops_around(view, *positions(candidates))

    def crops_around(self, view: View, xs: Indices, ys: Indices) -> Image:
        """Cut the input of the network around each place (x, y): uint8, shape (n, size, size, planes).

        Colours are decoded only where the network sees them and there is a place.
        """
        size = self.crop_size
        if not len(xs):
            return np.empty((0, size, size, plane_count(self.planes)), np.uint8)
        cut_out = patches(view.channels(self.planes), xs, ys, cut_size(self.planes, size))
        return network_input(self.planes, cut_out, cut_out)

    def margins(self, crops: Image) -> NDArray[np.float64]:
        """Run the network on crops (n, size, size, planes) and return logit1 − logit0, shape (n,)."""
        return margins_of(self.logits(crops))

    def logits(self, crops: Image) -> NDArray[np.float32]:
        """Run the network.

        Parameters
        ----------
        crops : uint8 array, shape (n, size, size, planes)
            Crops cut by the methods `crops` and `crops_around`, or laid out by `edge.detect.crops.network_input`.

        Returns
        -------
        float32 array, shape (n, 2)
            Dequantised logits; label 1 is radiation.

        """
        if crops.shape[1:] != self._shape or crops.dtype != np.uint8:
            raise ValueError(
                f"crops are {crops.dtype} {crops.shape}, this network takes uint8 {_batch_of(self._shape)}"
            )
        stored = np.empty((len(crops), 2), self._gives.dtype)
        start = 0
        while start < len(crops):
            large = len(crops) - start > len(self._large.filled) - len(self._small.filled)
            call = self._large if large else self._small
            part = crops[start : start + len(call.filled)]
            np.take(self._table, part, out=call.filled[: len(part)], mode="clip")
            stored[start : start + len(part)] = call.run()[: len(part)]
            start += len(part)
        return dequantised(stored, self._gives.quantisation)

    def _call(self, path: Path, interpreter: Any, batch: int) -> _Call:  # noqa: ANN401
        index = interpreter.get_input_details()[0]["index"]
        for trial in (batch, 1):
            try:
                with without_chatter():
                    interpreter.resize_tensor_input(index, (trial, *self._shape))
                    interpreter.allocate_tensors()
                    interpreter.invoke()
            except (RuntimeError, ValueError) as error:
                problem = error
                continue
            return _Call(interpreter, np.zeros((trial, *self._shape), self._table.dtype))
        line = str(problem).strip().partition("\n")[0]
        raise BundleError(path, f"{self.runtime} cannot run the model ({line})", _ADVICE) from problem

    def _check(self, path: Path, interpreter: Any) -> None:  # noqa: ANN401
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1 or len(outputs) != 1:
            raise BundleError(path, f"the model has {len(inputs)} inputs and {len(outputs)} outputs, not one", _ADVICE)
        size = self._expects.crop_size
        shape = tuple(int(length) for length in inputs[0]["shape"])
        expected = (size, size, plane_count(self._expects.planes))
        if shape[1:] != expected:
            raise BundleError(path, f"the model's input is {shape}, the manifest says {_batch_of(expected)}", _ADVICE)
        gives = tuple(int(length) for length in outputs[0]["shape"])
        if len(gives) != 2 or gives[-1] != 2:
            raise BundleError(path, f"the model's output is {gives}, not two logits a crop", _ADVICE)
        _check_tensor(path, "input", inputs[0], self._expects)
        _check_tensor(path, "output", outputs[0], self._gives)


def _batch_of(shape: tuple[int, ...]) -> str:
    return f"(n, {', '.join(map(str, shape))})"


def _check_tensor(path: Path, what: str, details: dict[str, Any], contract: InputContract | OutputContract) -> None:
    dtype = np.dtype(details["dtype"]).name
    if dtype != contract.dtype:
        raise BundleError(path, f"the model's {what} is {dtype}, the manifest says {contract.dtype}", _ADVICE)
    named = contract.quantisation
    if dtype == "float32":
        if named is not None:
            raise BundleError(path, f"the manifest names a quantisation of the float {what}", _ADVICE)
        return
    if named is None:
        raise BundleError(path, f"the manifest names no quantisation of the {dtype} {what}", _ADVICE)
    scale, zero_point = details["quantization"]
    if abs(scale - named.scale) > _QUANTISATION_TOLERANCE * scale or zero_point != named.zero_point:
        raise BundleError(
            path,
            f"the model's {what} is quantised by scale {scale:.8g} and zero point {zero_point}, "
            f"the manifest says {named.scale:.8g} and {named.zero_point}",
            _ADVICE,
        )


def stored_values(contract: InputContract) -> NDArray[np.generic]:
    """Return what stands in the input tensor for each pixel value: 256 entries of the tensor's type."""
    real = np.arange(256) * contract.scale + contract.offset
    if contract.quantisation is None:
        return real.astype(contract.dtype)
    limits = np.iinfo(contract.dtype)
    stored = np.rint(real / contract.quantisation.scale) + contract.quantisation.zero_point
    table: NDArray[np.generic] = np.clip(stored, limits.min, limits.max).astype(contract.dtype)
    return table


def dequantised(stored: NDArray[np.generic], quantisation: Quantisation | None) -> NDArray[np.float32]:
    """Return the real values, float32, of stored ones."""
    real = stored.astype(np.float32)
    if quantisation is None:
        return real
    values: NDArray[np.float32] = np.float32(quantisation.scale) * (real - np.float32(quantisation.zero_point))
    return values


def margins_of(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return logit1 − logit0, shape (n,), of logits (n, 2)."""
    margins: NDArray[np.float64] = logits[:, 1].astype(np.float64) - logits[:, 0]
    return margins


def scores_of(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return the probability of radiation by one network alone, shape (n,), of logits (n, 2).

    sigmoid((logit1 − logit0) / temperature)
    """
    return sigmoid(margins_of(logits) / temperature)
