"""Runs a model over stored inputs and times it; a script for any Python that has NumPy and a TFLite runtime.

Other environments (tflite-runtime with NumPy 1, Python under an emulator) run this file by its path, so it imports
nothing of Gammabox.
"""

from __future__ import annotations

import json
import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

RESOLVERS = {"auto": "AUTO", "plain": "BUILTIN_WITHOUT_DEFAULT_DELEGATES", "reference": "BUILTIN_REF"}


def open_model(model: bytes, kernels: str = "auto", *, keep: bool = False) -> tuple[Any, str]:
    """Return an interpreter with one thread and the name of its runtime.

    Parameters
    ----------
    model : bytes
        Content of a .tflite file.
    kernels : {"auto", "plain", "reference"}
        auto: XNNPACK where the runtime has it. plain: the built-in optimised kernels. reference: the slow, simple
        kernels with which the others are compared.
    keep : bool
        Keep every tensor, so that inner ones can be read after a run.

    """
    try:
        from ai_edge_litert import interpreter as runtime  # noqa: PLC0415 - whichever is here

        name = "ai-edge-litert"
    except ImportError:
        from tflite_runtime import interpreter as runtime  # noqa: PLC0415 - whichever is here

        name = "tflite-runtime"
    resolver = getattr(runtime.OpResolverType, RESOLVERS[kernels])
    interpreter = runtime.Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=resolver,
        experimental_preserve_all_tensors=keep,
    )
    try:
        release = version(name)
    except PackageNotFoundError:
        release = "unknown"
    return interpreter, f"{name} {release}"


def run_stored(interpreter: Any, stored: Any) -> Any:  # noqa: ANN401 - this file also runs where numpy has no types
    """Return the stored outputs, shape (n, 2), of stored inputs (n, s, s, planes), one crop at a time."""
    interpreter.allocate_tensors()
    into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    outputs = []
    for crop in stored:
        interpreter.set_tensor(into, crop[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(out)[0].copy())
    return np.array(outputs)


def median_ms(interpreter: Any, rounds: int) -> float:  # noqa: ANN401 - as above
    """Return the median time of one inference of one crop, milliseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        interpreter.invoke()
        took.append(time.perf_counter() - began)
    return float(np.median(took)) * 1e3


def main() -> None:
    """Read MODEL INPUTS.npy OUTPUTS.npy KERNELS ROUNDS from the command line, run, and print a line of JSON."""
    model, inputs, outputs, kernels, rounds = sys.argv[1:]
    interpreter, runtime = open_model(Path(model).read_bytes(), kernels)
    np.save(outputs, run_stored(interpreter, np.load(inputs)))
    report = {
        "runtime": runtime,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "median_ms": median_ms(interpreter, int(rounds)),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
