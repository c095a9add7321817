"""The TFLite runtime that is installed: LiteRT, or else tflite-runtime. It is found by opening the model."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from edge.errors import BundleError, RuntimeMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_RUNTIMES = (
    ("ai-edge-litert", "ai_edge_litert.interpreter"),
    ("tflite-runtime", "tflite_runtime.interpreter"),
)


_TERMINAL = threading.Lock()
"""Of two threads that divert stderr at a time, the second would restore what the first has put in its place."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The package that runs the models, by its name and version on PyPI."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def open_interpreter(model: bytes, threads: int, path: Path) -> tuple[Any, Runtime]:
    """Return an interpreter of the first runtime that can open the model, and that runtime.

    tflite-runtime can be imported beside NumPy 2 and fails only here, so an import proves nothing.

    Parameters
    ----------
    model : bytes
        Content of a .tflite file.
    threads : int
    path : Path
        The bundle's folder, for messages.

    Raises
    ------
    RuntimeMissingError
        No runtime is installed, or none works in this environment.
    BundleError
        The model is no TFLite file.

    """
    reasons = []
    for name, module in _RUNTIMES:
        try:
            with without_chatter():
                interpreter = import_module(module).Interpreter(model_content=model, num_threads=threads)
        except (ImportError, AttributeError, SystemError, TypeError) as error:
            reasons.append(f"{name}: {error}")
            continue
        except (ValueError, RuntimeError) as error:
            raise BundleError(
                path, f"{name} cannot read the model ({_first_line(error)})", "convert it again"
            ) from error
        return interpreter, Runtime(name, _version(name))
    raise RuntimeMissingError(
        f"no TFLite runtime works here ({'; '.join(reasons)}); install ai-edge-litert, "
        "or tflite-runtime with Python 3.11 or older and NumPy 1"
    )


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hide the "INFO:" lines that the runtime writes to stderr, for which it has no switch; all else is shown."""
    sys.stderr.flush()
    with _TERMINAL, tempfile.TemporaryFile() as caught:
        terminal = os.dup(2)
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
            caught.seek(0)
            for line in caught:
                if not line.startswith(b"INFO:"):
                    os.write(2, line)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # a board's own build need not have come through pip
        return "unknown"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
