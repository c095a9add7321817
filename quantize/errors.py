"""The errors of quantising and checking, below those of edge.errors."""

from __future__ import annotations

from edge.errors import GammaboxError


class QuantiseError(GammaboxError):
    """A network or data that cannot become a bundle that the box may run."""

    def __init__(self, what: str, problem: str, advice: str) -> None:
        super().__init__(f"{what}: {problem}; {advice}")
        self.what = what


class FloatIslandError(QuantiseError):
    """Operators that stayed float in a graph that should be integer throughout."""

    def __init__(self, what: str, operators: tuple[str, ...]) -> None:
        super().__init__(
            what,
            f"{len(operators)} operators stay float in the int8 graph ({', '.join(operators[:6])})",
            "use layers with int8 kernels, such as batch norm instead of local response normalisation",
        )
        self.operators = operators


class ForeignRuntimeError(GammaboxError):
    """Another environment's runtime (tflite-runtime, emulated aarch64) that could not be built or that failed."""

    def __init__(self, runtime: str, problem: str, advice: str) -> None:
        super().__init__(f"{runtime}: {problem}; {advice}")
        self.runtime = runtime
