"""Runs a model on other kernels and in other runtimes, and compares outputs in int8 steps and times."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantize import runtime_worker
from quantize.errors import ForeignRuntimeError
from quantize.graph import Graph, read_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORKER = Path(runtime_worker.__file__)
TIMEOUT_S = 1200
DELEGATE = "DELEGATE"
BLOCKS = 9  # the second and the last but one of nine are the ends of a 96 % interval of the median


@dataclass(frozen=True, slots=True)
class ForeignRuntime:
    """Another Python that can run `quantize.runtime_worker`.

    Attributes
    ----------
    name : str
        Name of the runtime: tflite-runtime, cortex-a72, ...
    command : tuple of str
        The words before the path of the script.
    environment : tuple of (str, str)
        Environment variables to set, as (name, value).

    """

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outputs of a runtime or of other kernels, compared with those of LiteRT on this machine.

    Attributes
    ----------
    max_steps : int
        Greatest difference of any stored output, in steps of its int8.
    equal : float
        Share of stored outputs that are the same.
    labels : float
        Share of crops on which the decision is the same.
    median_ms : float
        Milliseconds for one crop on one thread. Under emulation they say nothing about a board.

    """

    name: str
    runtime: str
    crops: int
    max_steps: int
    equal: float
    labels: float
    median_ms: float


@dataclass(frozen=True, slots=True)
class Partitions:
    """The number of partitions that XNNPACK runs, and the operators that it leaves to the built-in kernels."""

    count: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """Median milliseconds for a crop of float and int8 model, on the same runtime and thread and in turns.

    `ratio_interval` is the 95 % interval of the factor by which int8 is faster.
    """

    float_ms: float
    int8_ms: float
    ratio_interval: tuple[float, float]

    @property
    def ratio(self) -> float:
        """The factor by which int8 is faster."""
        return self.float_ms / self.int8_ms


def partitions(model: bytes) -> Partitions:
    """Return the number of XNNPACK's partitions and the names of the operators outside them."""
    interpreter, _ = runtime_worker.open_model(model)
    interpreter.allocate_tensors()
    # The interpreter lists the original operators first, then a node for each partition.
    nodes = interpreter._get_ops_details()  # noqa: SLF001 - no public way tells the partitions
    delegated = [node for node in nodes if node["op_name"] == DELEGATE]
    graph = read_graph(model)
    inside: set[int] = set()
    for node in delegated:
        inside |= _between(graph, {int(i) for i in node["inputs"]}, [int(i) for i in node["outputs"]])
    left = tuple(operator.name for operator in graph.operators if operator.index not in inside)
    return Partitions(len(delegated), left)


def speed(float_model: bytes, int8_model: bytes, rounds: int = 20) -> Speed:
    """Time both models in turns, so that other load on the machine affects both alike."""
    interpreters = [runtime_worker.open_model(model)[0] for model in (float_model, int8_model)]
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        runtime_worker.median_ms(interpreter, rounds)
    took = [[runtime_worker.median_ms(interpreter, rounds) for interpreter in interpreters] for _ in range(BLOCKS)]
    float_ms, int8_ms = np.median(took, axis=0)
    ratios = sorted(float(of_float / of_int8) for of_float, of_int8 in took)
    return Speed(float(float_ms), float(int8_ms), (ratios[1], ratios[-2]))


def run_here(model: bytes, stored: NDArray[Any], kernels: str = "auto") -> tuple[NDArray[Any], str, float]:
    """Run a model in this process and return its stored outputs, the runtime and the median milliseconds of a crop."""
    interpreter, runtime = runtime_worker.open_model(model, kernels)
    outputs: NDArray[Any] = runtime_worker.run_stored(interpreter, stored)
    return outputs, runtime, runtime_worker.median_ms(interpreter, 20)


def run_elsewhere(
    foreign: ForeignRuntime, model: bytes, stored: NDArray[Any], rounds: int = 20
) -> tuple[NDArray[Any], str, float]:
    """Run a model in another Python and return its stored outputs, the runtime and the median milliseconds of a crop.

    Raises
    ------
    ForeignRuntimeError
        The runtime cannot run the model.

    """
    with tempfile.TemporaryDirectory(prefix="gammabox-") as folder:
        place = Path(folder)
        (place / "model.tflite").write_bytes(model)
        np.save(place / "inputs.npy", stored)
        command: Sequence[str] = [
            *foreign.command,
            str(WORKER),
            str(place / "model.tflite"),
            str(place / "inputs.npy"),
            str(place / "outputs.npy"),
            "auto",
            str(rounds),
        ]
        # The other Python must not see the variables that are set for this one.
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        try:
            ran = subprocess.run(
                command,
                env=variables | dict(foreign.environment),
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ForeignRuntimeError(
                foreign.name, f"it did not run ({error})", "build its environment again"
            ) from error
        if ran.returncode != 0:
            last = (ran.stderr.strip() or f"exit code {ran.returncode}").splitlines()[-1]
            advice = "the model is too new for it, or its environment is damaged: build it again"
            raise ForeignRuntimeError(foreign.name, f"it cannot run the model ({last:.200})", advice)
        report = json.loads(ran.stdout.strip().splitlines()[-1])
        runtime = f"{report['runtime']}, Python {report['python']}, {report['machine']}"
        return np.load(place / "outputs.npy"), runtime, float(report["median_ms"])


def compared(
    name: str, own: NDArray[Any], other: tuple[NDArray[Any], str, float], margin_steps: float | NDArray[np.float64]
) -> Comparison:
    """Compare the stored outputs of another runtime with those of LiteRT on this machine.

    Parameters
    ----------
    name : str
    own, other
        Stored outputs, shape (n, 2); `other` with its runtime and its milliseconds.
    margin_steps : float, or float64 array of shape (n,)
        A crop is a hit where stored logit 1 − logit 0 is at least this.

    """
    outputs, runtime, median_ms = other
    steps = np.abs(own.astype(int) - outputs.astype(int))
    labels = [stored[:, 1].astype(int) - stored[:, 0].astype(int) >= margin_steps for stored in (own, outputs)]
    return Comparison(
        name,
        runtime,
        len(own),
        int(steps.max(initial=0)),
        float((steps == 0).mean()),
        float((labels[0] == labels[1]).mean()),
        median_ms,
    )


def _between(graph: Graph, inputs: set[int], outputs: list[int]) -> set[int]:
    """Return the indices of the operators on the way back from `outputs` to `inputs`."""
    makers = {out: operator for operator in graph.operators for out in operator.outputs}
    between: set[int] = set()
    waiting = list(outputs)
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is None or maker.index in between:
            continue
        between.add(maker.index)
        waiting += [i for i in maker.inputs if i not in inputs]
    return between
