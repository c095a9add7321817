"""Checks of what public functions are given from Python: a wrong type is refused at once, and in words."""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import os
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from edge.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sized

Kind = TypeVar("Kind")
P = ParamSpec("P")
R = TypeVar("R")


def as_path(value: object, what: str) -> Path:
    """Return a path that was given as a path or as text.

    Raises
    ------
    InputError
        It is neither, or it holds a zero byte.

    Examples
    --------
    >>> as_path("models/own", "the bundle").name
    'own'

    """
    if not isinstance(value, (str, os.PathLike)):
        raise InputError(f"{what}: found {described(value)}, expected a path")
    path = os.fspath(value)
    if not isinstance(path, str) or not path or "\0" in path:
        raise InputError(f"{what}: found a path that no file can have, expected the path of a file or folder")
    return Path(path)


def require(value: object, kind: type[Kind], what: str) -> Kind:
    """Return a value of a type.

    Raises
    ------
    InputError
        It is of another type.

    Examples
    --------
    >>> require("model", bytes, "the network")
    Traceback (most recent call last):
    edge.errors.InputError: the network: found the text 'model', expected bytes

    """
    if not isinstance(value, kind) and not (kind is int and isinstance(value, numbers.Integral)):
        raise InputError(f"{what}: found {described(value)}, expected {kind.__name__}")
    return cast("Kind", value)


def require_equal_lengths(**arrays: Sized) -> None:
    """Raise InputError unless the arrays are of one length."""
    for name, array in arrays.items():
        if not hasattr(array, "__len__") or getattr(array, "ndim", 1) == 0:
            raise InputError(f"{name}: found {described(array)}, expected an array or a list")
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
        raise InputError(f"arrays of different length: {found}; give one entry of each for every sample")


def takes(**checks: type | Callable[[object, str], object]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks arguments of a function by name: by a type, or by a function such as `as_path`.

    Examples
    --------
    >>> @takes(path=as_path, content=bytes)
    ... def store(path: Path | str, content: bytes) -> str:
    ...     return f"{len(content)} bytes to {path!r}"
    >>> store("x", b"abc").startswith("3 bytes to")
    True
    >>> store("x", 5)
    Traceback (most recent call last):
    edge.errors.InputError: store, content: found the number 5, expected bytes

    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*arguments: P.args, **named: P.kwargs) -> R:
            try:
                bound = signature.bind(*arguments, **named)
            except TypeError as error:
                raise InputError(f"{function.__qualname__}: {error}; see its documentation") from None
            for name, check in checks.items():
                if name in bound.arguments:
                    what = f"{function.__qualname__.removesuffix('.__init__')}, {name}"
                    bound.arguments[name] = _checked(bound.arguments[name], check, what)
            return function(*bound.args, **bound.kwargs)

        return checked

    return decorate


def equally_long(*names: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that checks that arguments of a function, arrays or lists, have one length."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def checked(*arguments: P.args, **named: P.kwargs) -> R:
            bound = signature.bind(*arguments, **named)
            require_equal_lengths(**{name: bound.arguments[name] for name in names})
            return function(*bound.args, **bound.kwargs)

        return checked

    return decorate


def optional(check: type | Callable[[object, str], object]) -> Callable[[object, str], object]:
    """Return a check that lets None pass."""

    def checked(value: object, what: str) -> object:
        return None if value is None else _checked(value, check, what)

    return checked


def positive(value: object, what: str) -> object:
    """Return a number above 0, not infinite. Raise InputError for anything else."""
    number = float(value) if isinstance(value, numbers.Real) else math.nan
    if not 0 < number < math.inf:
        raise InputError(f"{what}: found {described(value)}, expected a number above 0")
    return value


def described(value: object) -> str:
    """Return what a value is, in a few words and without its whole content."""
    if value is None:
        return "nothing"
    if hasattr(value, "dtype") and hasattr(value, "shape") and not isinstance(value, numbers.Number):
        return f"an array of {value.dtype} and shape {value.shape}"
    if isinstance(value, (bool, int, float)):
        return f"the number {value!r:.40}"
    if isinstance(value, str):
        return f"the text {value!r:.40}"
    return f"a value of the type {type(value).__name__}"


def _checked(value: object, check: type | Callable[[object, str], object], what: str) -> object:
    return require(value, check, what) if isinstance(check, type) else check(value, what)
