"""Options of networks and values of the command line: what makes no sense is refused, with what was probably meant."""

import inspect
from typing import get_args, get_type_hints

import pytest

from trainer.errors import NetworkError, OptionError, SensorError
from trainer.values import NETWORK_OPTIONS, check_network_options, value_of


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        ("alexnet_egde", {}, "did you mean alexnet_edge?"),
        ("alexnet_edge", {"widht": 0.5}, "no option widht; did you mean width?"),
        ("alexnet_edge", {"colour": 1}, "it takes head, width"),
        ("resnet", {"width": 1}, "it takes none"),
        ("alexnet_edge", {"width": -1}, "found -1, expected a number from 0.05 to 8"),
        ("alexnet_edge", {"width": "half"}, "found 'half', expected a number"),
        ("alexnet_edge", {"width": True}, "found True"),
        ("alexnet_edge", {"width": float("nan")}, "expected a number"),
        ("alexnet_edge", {"first_stride": 3}, "expected one of 1, 2, 4"),
        ("alexnet_edge", {"first_kernel": 0}, "expected 1 to 31"),
        ("alexnet_edge", {"head": "maxx"}, "did you mean max?"),
        ("alexnet_edge", {"head": [1]}, "found [1]"),
        ("screen", {"dropout": 1}, "from 0 to 0.95"),
    ],
)
def test_check_network_options_says_what_was_meant(network, options, said):
    with pytest.raises(NetworkError) as caught:
        check_network_options(network, options)
    assert said in str(caught.value)


def test_check_network_options_takes_what_networks_take():
    check_network_options("alexnet_edge", {"width": 0.25, "first_stride": 1, "first_kernel": 5, "head": "centre"})
    check_network_options("screen", {"width": 1, "dropout": 0})
    check_network_options("resnet", {})


def test_network_options_are_those_of_the_functions():
    from trainer.training.networks import NETWORKS

    for name, build in NETWORKS.items():
        assert set(NETWORK_OPTIONS[name]) == set(inspect.signature(build).parameters) - {"crop_size", "channels"}
        choices = {option: get_args(hint) for option, hint in get_type_hints(build).items() if get_args(hint)}
        assert choices == {option: NETWORK_OPTIONS[name][option] for option in choices}
    assert set(NETWORK_OPTIONS) == set(NETWORKS)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.5", 0.5), (".5", 0.5), ("3", 3), ("true", True), ("max", "max"), ("[1]", [1]), ("1_0", 10.0), ("[[", "[[")],
)
def test_value_of_reads_numbers_and_words(text, value):
    assert value_of(text, "width") == value


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "NaN", "1e999"])
def test_value_of_refuses_what_is_no_number(text):
    with pytest.raises(SensorError, match=f"width: {text} is no finite number"):
        value_of(text, "width")


def test_option_error_says_what_was_meant():
    assert "did you mean rain?" in str(OptionError("--nuisance", "rian", ("rain", "snow")))
