"""Values of NAME=VALUE on the command line, and the options that each network takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from edge.detect.crops import plane_count
from edge.files import load_json
from edge.text import meant
from trainer.errors import NetworkError, SensorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.detect.crops import Planes

COLOURS = 3
ANY_PLANES = ("alexnet_edge", "screen")
"""Networks that take any number of planes; others take those of a picture in colour."""
DROPOUT = (0.0, 0.95)
WIDTH = (0.05, 8.0)
# The choices of an option as a tuple of words or whole numbers, its range as a tuple of two real numbers.
NETWORK_OPTIONS: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "alexnet_paper": {"dropout": DROPOUT},
    "alexnet_edge": {
        "head": ("max", "average", "centre"),
        "width": WIDTH,
        "first_stride": (1, 2, 4),
        "first_kernel": tuple(range(1, 32)),
        "layout": ("pooled", "spot"),
        "dropout": DROPOUT,
        "members": (1, 2, 3, 4),
    },
    "googlenet": {"dropout": DROPOUT},
    "resnet": {},
    "screen": {"width": WIDTH, "dropout": DROPOUT},
}


def value_of(text: str, name: str) -> Any:  # noqa: ANN401 - a number, a truth value or text
    """Return a value of the command line: numbers and true/false as such, everything else as text.

    Raises
    ------
    SensorError
        It is a number that is not finite.

    Examples
    --------
    >>> [value_of(text, "width") for text in ("0.5", "true", "max")]
    [0.5, True, 'max']

    """
    try:
        return load_json(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise SensorError(f"{name}: {text} is no finite number; give another value")
    return number


def check_network_options(network: str, options: Mapping[str, Any]) -> None:
    """Check the name of a network and its options.

    Raises
    ------
    NetworkError
        There is no such network or option, or a value is out of its range; the message says what was probably meant.

    """
    if network not in NETWORK_OPTIONS:
        known = ", ".join(NETWORK_OPTIONS)
        raise NetworkError(f"there is no network {network!r}{meant(network, NETWORK_OPTIONS)}; choose one of {known}")
    allowed = NETWORK_OPTIONS[network]
    for name, value in options.items():
        if name not in allowed:
            known = f"it takes {', '.join(allowed)}" if allowed else "it takes none"
            raise NetworkError(f"network {network} has no option {name}{meant(name, allowed)}; {known}")
        choices = allowed[name]
        if isinstance(choices[0], float):
            low, high = choices
            number = isinstance(value, int | float) and not isinstance(value, bool)
            fits, expected = number and low <= value <= high, f"a number from {low:g} to {high:g}"
        else:
            fits = isinstance(value, str | int) and value in choices and not isinstance(value, bool)
            expected = (
                f"one of {', '.join(map(str, choices))}" if len(choices) < 9 else f"{choices[0]} to {choices[-1]}"
            )
        if not fits:
            near = meant(value, map(str, choices)) if isinstance(value, str) else ""
            raise NetworkError(f"option {name} of the network {network}: found {value!r}{near}, expected {expected}")


def check_network(name: str, options: Mapping[str, Any], planes: Planes) -> None:
    """Check that there is a network of a name, and that it takes these options and planes.

    Raises
    ------
    NetworkError

    """
    check_network_options(name, options)
    channels = plane_count(planes)
    if channels != COLOURS and name not in ANY_PLANES:
        raise NetworkError(
            f"network {name} takes {COLOURS} planes, {planes} are {channels}; give other --planes, "
            f"or one of the networks {', '.join(ANY_PLANES)}"
        )
