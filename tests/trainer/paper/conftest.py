"""A protocol so small that it runs in seconds: few hits, generated places."""

from dataclasses import replace

import pytest

from trainer.paper.sizes import OURS, OURS_OPTIONS, Size, Stage


@pytest.fixture(scope="module", autouse=True)
def _few_hits(few_hits):
    """Simulate few hits in every test of this folder."""


@pytest.fixture(scope="session")
def size() -> Size:
    """One network of ours, two epochs of two batches."""
    stage = Stage(OURS, 64, 64, 2, 1e-3, planes="spike", options=OURS_OPTIONS)
    return Size(
        "tiny", 64, {64: 30}, {64: 30}, fused=64, validation=16, tests=24, places=2, other_places=2, stages=(stage,),
        batch_size=16, precision="float32",
    )  # fmt: skip


@pytest.fixture(scope="session")
def quick_size(size) -> Size:
    """Two stages of a tiny network, of which nothing is converted."""
    first = Stage("screen", 64, 32, 2, 1e-3, darkness=2.0)
    second = Stage("screen", 64, 64, 2, 1e-3, starts_from=first.name)
    return replace(size, stages=(first, second))
