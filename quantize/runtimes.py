"""The same model on other kernels and in other runtimes: outputs compared step by step, times from one run."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quantize import worker
from quantize.errors import ForeignRuntimeError
from quantize.graph import Graph, read_graph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

WORKER = Path(worker.__file__)
TIMEOUT_S = 1200
DELEGATE = "DELEGATE"


@dataclass(frozen=True, slots=True)
class Foreign:
    """A Python elsewhere that can run the worker.

    Attributes
    ----------
    name : str
        tflite-runtime, cortex-a72, ...
    command : tuple of str
        What stands before the script's path.
    environment : tuple of (str, str)
        Variables to set.

    """

    name: str
    command: tuple[str, ...]
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Outputs of a runtime or of other kernels, held against LiteRT's on this machine.

    Attributes
    ----------
    max_steps : int
        Greatest difference of any stored output, in steps of its int8.
    equal : float
        Share of stored outputs that are the same.
    labels : float
        Share of crops on which the decision is the same.
    median_ms : float
        One crop, one thread; under emulation it says nothing about a board.

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
    """What XNNPACK took over and what it left to the built-in kernels."""

    count: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speed:
    """Float and int8 on the same runtime and thread, in turns within one run; milliseconds a crop, medians."""

    float_ms: float
    int8_ms: float

    @property
    def ratio(self) -> float:
        """How many times faster int8 is."""
        return self.float_ms / self.int8_ms


def partitions(model: bytes) -> Partitions:
    """Count the delegate's partitions and name the operators outside them."""
    interpreter, _ = worker.open_model(model)
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


def speed(float_model: bytes, int8_model: bytes, blocks: int = 9, rounds: int = 20) -> Speed:
    """Time both models in turns, so that whatever else the machine does hits both."""
    interpreters = [worker.open_model(model)[0] for model in (float_model, int8_model)]
    for interpreter in interpreters:
        interpreter.allocate_tensors()
        worker.median_ms(interpreter, rounds)
    took = [[worker.median_ms(interpreter, rounds) for interpreter in interpreters] for _ in range(blocks)]
    float_ms, int8_ms = np.median(took, axis=0)
    return Speed(float(float_ms), float(int8_ms))


def stored_here(model: bytes, stored: NDArray[Any], kernels: str = "auto") -> tuple[NDArray[Any], str, float]:
    """Give (stored outputs, runtime, median milliseconds) in this process."""
    interpreter, runtime = worker.open_model(model, kernels)
    outputs: NDArray[Any] = worker.run_stored(interpreter, stored)
    return outputs, runtime, worker.median_ms(interpreter, 20)


def stored_elsewhere(
    foreign: Foreign, model: bytes, stored: NDArray[Any], rounds: int = 20
) -> tuple[NDArray[Any], str, float]:
    """Give (stored outputs, runtime, median milliseconds) of another Python.

    Raises
    ------
    ForeignRuntimeError
        If it cannot run the model.

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
        # What this process has set for its own Python would lead the other one astray.
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
    """Hold outputs against LiteRT's here.

    Parameters
    ----------
    name : str
    own, other
        Stored outputs, shape (n, 2); the other's with its runtime and time.
    margin_steps : float, or float64 array of shape (n,)
        A crop is a hit where stored logit 1 − logit 0 is at least this.

    """
    outputs, runtime, median_ms = other
    steps = np.abs(own.astype(int) - outputs.astype(int))
    labels = [found[:, 1].astype(int) - found[:, 0].astype(int) >= margin_steps for found in (own, outputs)]
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
    """Give the operators on the way back from `outputs` to `inputs`."""
    makers = {out: operator for operator in graph.operators for out in operator.outputs}
    found: set[int] = set()
    waiting = list(outputs)
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is None or maker.index in found:
            continue
        found.add(maker.index)
        waiting += [i for i in maker.inputs if i not in inputs]
    return found
