"""A bundle that takes any sharp spike for a hit."""

import pytest

from edge.bundle import load_bundle


@pytest.fixture(scope="module")
def bundle(tiny_bundle):
    return load_bundle(tiny_bundle)
