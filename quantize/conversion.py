"""Converts a Keras network to .tflite: post-training quantisation (PTQ) and the float formats to compare it with."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from edge.detect.manifest import InputContract, OutputContract, Quantisation
from edge.detect.network import stored_values
from quantize.errors import FloatIslandError, QuantiseError
from quantize.graph import Graph, Tensor, free_batch, read_graph

if TYPE_CHECKING:
    from collections.abc import Iterator

    import keras
    from numpy.typing import NDArray

Recipe = Literal["static_wi8_ai8", "float16", "dynamic", "float32"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)
INT8_RECIPE: Recipe = "static_wi8_ai8"

OLDEST_RUNTIME = (2, 14)  # the last release of tflite-runtime, on which bundles have to load


def convert(
    model: keras.Model,
    recipe: Recipe = INT8_RECIPE,
    representative: NDArray[np.float32] | None = None,
    *,
    per_channel: bool = True,
) -> bytes:
    """Convert a network of one input (n, s, s, planes) to TFLite.

    Parameters
    ----------
    model : keras.Model
        A network of two logits; it is not changed.
    recipe : {"static_wi8_ai8", "float16", "dynamic", "float32"}
        static_wi8_ai8: PTQ, int8 weights and activations, int8 in and out, ranges from `representative`.
        float16: weights stored as float16. dynamic: int8 weights, activations quantised as they come. float32: as is.
    representative : float32 array, shape (n, s, s, planes)
        Inputs that show the ranges of all activations; needed for static_wi8_ai8 and not used otherwise.
    per_channel : bool
        A scale for each output channel of the weights (True), or one for all (False).

    Returns
    -------
    bytes
        The .tflite file. It takes one crop, and any number of crops after `resize_tensor_input`.

    Raises
    ------
    FloatIslandError
        Operators of the int8 graph stay float.
    QuantiseError
        An operator is newer than the oldest supported runtime, or the converter refuses the graph.

    """
    if recipe == INT8_RECIPE and (representative is None or not len(representative)):
        raise QuantiseError("representative set", "it is empty", "name a dataset with training samples")
    content = free_batch(_converted(model, recipe, representative, per_channel=per_channel))
    graph = read_graph(content)
    require_supported(graph, model.name)
    if recipe == INT8_RECIPE:
        require_integer(graph, model.name)
    return content


def require_integer(graph: Graph, what: str) -> None:
    """Refuse a graph with a float tensor: an island between DEQUANTIZE and QUANTIZE is slow and untested.

    Raises
    ------
    FloatIslandError

    """
    if islands := graph.float_operators():
        raise FloatIslandError(what, islands)


def require_supported(graph: Graph, what: str) -> None:
    """Refuse a graph that needs a newer runtime than tflite-runtime 2.14, or operators that no runtime has.

    Raises
    ------
    QuantiseError

    """
    foreign = sorted(name for name in graph.versions() if name.startswith(("CUSTOM", "FLEX")))
    if foreign:
        problem = f"operators {', '.join(foreign)} are not built into the runtimes"
        raise QuantiseError(what, problem, "build the network of standard layers")
    if graph.min_runtime is None:
        return
    needed = tuple(int(part) for part in graph.min_runtime.split(".")[:2])
    if needed > OLDEST_RUNTIME:
        oldest = ".".join(map(str, OLDEST_RUNTIME))
        newest = max(graph.versions().items(), key=lambda entry: entry[1])
        raise QuantiseError(
            what,
            f"it needs a runtime {graph.min_runtime} and the oldest supported is {oldest} "
            f"(newest operator: {newest[0]} version {newest[1]})",
            "replace the layer that makes this operator",
        )


def contracts_of(content: bytes, contract: InputContract) -> tuple[InputContract, OutputContract]:
    """Return the contracts of a model: the run's input contract with types and quantisation as the model has them."""
    graph = read_graph(content)
    into, out = graph.input, graph.output
    update = {"dtype": into.dtype.lower(), "quantisation": quantisation_of(into)}
    of_output = {"dtype": out.dtype.lower(), "quantisation": quantisation_of(out)}
    return (
        InputContract.model_validate(contract.model_copy(update=update).model_dump()),
        OutputContract.model_validate(of_output),
    )


def quantisation_of(tensor: Tensor) -> Quantisation | None:
    """Return the affine quantisation of an input or output; None for a float tensor."""
    if not tensor.scale.size:
        return None
    return Quantisation(scale=float(tensor.scale[0]), zero_point=int(tensor.zero_point[0]))


def require_exact_input(contract: InputContract, what: str) -> None:
    """Refuse an input quantisation that merges or clips grey levels; int8 has room for exactly 256.

    With scale 1/255 and offset 0 the stored value is the pixel − 128.

    Raises
    ------
    QuantiseError

    """
    quantisation = contract.quantisation
    if quantisation is None:  # a float input holds any grey level
        return
    steps = np.diff(stored_values(contract).astype(np.int64))
    if (steps < 1).any():
        where = f"scale {quantisation.scale:.6g}, zero point {quantisation.zero_point}"
        raise QuantiseError(
            what,
            f"its input quantisation ({where}) merges {int((steps < 1).sum())} grey levels",
            "train with an input scale of 1/255 and offset 0, and calibrate with crops that span black to white",
        )


def _converted(
    model: keras.Model, recipe: Recipe, representative: NDArray[np.float32] | None, *, per_channel: bool
) -> bytes:
    import keras  # noqa: PLC0415 - heavy
    import tensorflow as tf  # noqa: PLC0415 - heavy

    shape = tuple(model.input_shape[1:])
    one_crop = keras.Input(batch_shape=(1, *shape), name="crop")
    wrapped = keras.Model(one_crop, model(one_crop, training=False), name=model.name)
    converter = tf.lite.TFLiteConverter.from_keras_model(wrapped)
    if recipe != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if recipe == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if recipe == INT8_RECIPE:
        inputs = np.asarray(representative, np.float32)
        converter.representative_dataset = lambda: ([crop[None]] for crop in inputs)
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    if not per_channel:
        # TensorFlow offers no public switch; the name has been stable since 2.4 and a test watches its effect.
        converter._experimental_disable_per_channel = True  # noqa: SLF001
    try:
        with silent_compiler():
            content: bytes = converter.convert()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        line = str(error).strip().partition("\n")[0]
        raise QuantiseError(model.name, f"TensorFlow cannot convert it ({line:.200})", "use standard layers") from error
    return content


def load_tensorflow() -> None:
    """Import TensorFlow and start its devices without the pages of notices that it writes to stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with silent_compiler():
        import tensorflow as tf  # noqa: PLC0415 - heavy

        tf.zeros(1)


@contextlib.contextmanager
def silent_compiler() -> Iterator[None]:
    """Silence both streams while the converter works; part of its messages come from C++, past Python's streams."""
    sys.stdout.flush()
    sys.stderr.flush()
    saved = [os.dup(1), os.dup(2)]
    with (
        Path(os.devnull).open("wb") as nowhere,
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("ignore")
        for descriptor in (1, 2):
            os.dup2(nowhere.fileno(), descriptor)
        try:
            yield
        finally:
            sys.stderr.flush()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)
